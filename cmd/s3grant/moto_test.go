//go:build conformance

// A judge that is not ours: s3grant against moto, and what it hands over in the hands of the real aws CLI.
package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/providertest/contract"
)

const (
	moto       = "moto"
	motoRegion = "eu-west-1"
	motoBucket = "acme-events-judged"
)

// motoDeviations are where moto answers in another way than AWS: rows of a proof, or
// a case of this test. A row that is no longer needed fails the test.
func motoDeviations() *contract.Deviations {
	return contract.Deviating(
		contract.Deviation{Judge: moto, Case: "sweep left", Reason: "moto computes another signature for a query with prefix=a/b, so the operator's listing of probe objects is refused"},
		contract.Deviation{Judge: moto, Case: "refusals of IAM wrapped", Reason: "moto wraps them in <Errors>, which no client of IAM reads"},
		contract.Deviation{Judge: moto, Case: "mark of a bucket lost", Reason: "moto ignores the tags of CreateBucketConfiguration"},
		contract.Deviation{Judge: moto, Case: "bucket policy kept by the proxy", Reason: "moto ignores conditions: a Deny for requests without TLS would deny every request"},
	)
}

// judge is one moto server and one operator who may do everything in it.
type judge struct {
	t        *testing.T
	url      string // of the proxy in front of moto
	policies *policies
	home     string
	operator []string
}

// newJudge starts moto, makes an operator, and from then on lets moto enforce policies.
func newJudge(t *testing.T) *judge {
	j := &judge{t: t, home: t.TempDir()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(address)
	j.policies = newPolicies(t, address)
	j.url = j.policies.url
	server := exec.CommandContext(t.Context(), "moto_server", "-H", "127.0.0.1", "-p", port)
	server.Env = j.env()
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatalf("moto_server does not start: %v (make conformance installs it)", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("moto says:\n%s", log.String())
		}
	})
	j.await()
	nobody := []string{"AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none"}
	j.must(nobody, "aws", "iam", "create-user", "--user-name", "operator")
	j.must(nobody, "aws", "iam", "put-user-policy", "--user-name", "operator", "--policy-name", "all",
		"--policy-document", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	var made struct {
		AccessKey struct{ AccessKeyID, SecretAccessKey string }
	}
	j.decode(j.must(nobody, "aws", "iam", "create-access-key", "--user-name", "operator"), &made)
	j.policies.operator = made.AccessKey.AccessKeyID
	j.operator = []string{"AWS_ACCESS_KEY_ID=" + made.AccessKey.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + made.AccessKey.SecretAccessKey}
	j.must(j.operator, "aws", "s3api", "create-bucket", "--bucket", "somebody-elses-data", "--create-bucket-configuration", "LocationConstraint="+motoRegion)
	resp, err := http.Post(j.url+"/moto-api/reset-auth", "text/plain", strings.NewReader("0"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return j
}

func (j *judge) await() {
	client := http.Client{Timeout: time.Second}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if resp, err := client.Get(j.url + "/moto-api/data.json"); err == nil {
			_ = resp.Body.Close()
			return
		}
	}
	j.t.Fatal("moto did not answer within 30 s")
}

// env is an environment without anybody's own settings.
func (j *judge) env(more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + j.home, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + j.url, "AWS_DEFAULT_REGION=" + motoRegion, "AWS_PAGER="}, more...)
}

// run runs a program and returns what it printed and whether it succeeded.
func (j *judge) run(env []string, name string, args ...string) (stdout, stderr string, ok bool) {
	c := exec.CommandContext(j.t.Context(), name, args...)
	c.Env = j.env(env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	return out.String(), errs.String(), err == nil
}

func (j *judge) must(env []string, name string, args ...string) string {
	j.t.Helper()
	stdout, stderr, ok := j.run(env, name, args...)
	if !ok {
		j.t.Fatalf("%s %s failed:\n%s%s", filepath.Base(name), strings.Join(args, " "), stdout, stderr)
	}
	return stdout
}

func (j *judge) decode(text string, into any) {
	j.t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		j.t.Fatalf("no JSON: %v\n%s", err, text)
	}
}

// refused demands AWS's own code; a bare 403 proves nothing.
func (j *judge) refused(env []string, args ...string) {
	j.t.Helper()
	stdout, stderr, ok := j.run(env, "aws", args...)
	if ok || !strings.Contains(stderr, "AccessDenied") && !strings.Contains(stderr, "Access Denied") {
		j.t.Errorf("aws %s: want AccessDenied, got success=%v\n%s%s", strings.Join(args, " "), ok, stdout, stderr)
	}
}

func program(t *testing.T) string {
	bin := os.Getenv("BIN")
	if bin == "" {
		t.Fatal("BIN is not set: run make conformance")
	}
	return filepath.Join(bin, "s3grant")
}

// receipt is the part of a receipt that the judge reads.
type receipt struct {
	Grant        string
	Key          *struct{ ID string }
	Proof        string
	Rows         []struct{ Ability, Where, Want, Got, Err string } `json:"proof_rows"`
	Left         []string                                          `json:"probes_left"`
	Delivery     *struct{ Files []struct{ Path string } }
	Calls, Depth int
}

func TestConformanceMotoAndTheAWSCLI(t *testing.T) {
	j, s3grant := newJudge(t), program(t)
	out := filepath.Join(j.home, "handoff")
	grant := []string{"--profile", "event-dump", "--bucket", motoBucket, "--region", motoRegion, "--allow-endpoint", "--yes"}
	apply := slices.Concat([]string{"apply"}, grant, []string{"--plain", "--format", "aws-credentials", "--out", out, "--json"})

	var first receipt
	j.decode(j.must(j.operator, s3grant, apply...), &first)
	if first.Key == nil || first.Delivery == nil || len(first.Delivery.Files) == 0 {
		t.Fatalf("no credential was delivered: %+v", first)
	}
	t.Logf("first apply: %d calls, depth %d, %d rows proven", first.Calls, first.Depth, len(first.Rows))
	j.compareProof(first)

	var second receipt
	j.decode(j.must(j.operator, s3grant, apply...), &second)
	if second.Key != nil {
		t.Errorf("a second apply issued key %s", second.Key.ID)
	}

	t.Run("the real aws CLI with the exported file", func(t *testing.T) { j.tryWithCLI(t, first) })

	j.must(j.operator, s3grant, slices.Concat([]string{"destroy"}, grant)...)
	if stdout := j.must(j.operator, "aws", "iam", "list-users"); strings.Contains(stdout, "event-dump") {
		t.Errorf("destroy left the user:\n%s", stdout)
	}
	j.must(j.operator, "aws", "s3api", "head-object", "--bucket", motoBucket, "--key", "events/one.json")
}

// compareProof holds the program's own proof, made on moto, against AWS's behaviour.
func (j *judge) compareProof(r receipt) {
	j.t.Helper()
	if r.Proof != "tried" || len(r.Rows) < 10 {
		j.t.Errorf("the proof on moto is %q with %d rows", r.Proof, len(r.Rows))
	}
	deviates := j.policies.deviated()
	if !j.marked() {
		deviates["mark of a bucket"] = "lost"
		j.mark(r.Grant)
	}
	for _, row := range r.Rows {
		if row.Got != row.Want {
			deviates[row.Ability+" "+row.Where] = row.Got + " " + row.Err
		}
	}
	if len(r.Left) > 0 {
		deviates["sweep"] = "left"
	}
	deviations := motoDeviations()
	for c, got := range deviates {
		if !deviations.Excuse(moto, c+" "+got) {
			j.t.Errorf("%s: AWS would answer in another way than %s", c, got)
		}
	}
	deviations.Print(j.t)
}

// marked reports whether the bucket carries the mark that it was created with.
func (j *judge) marked() bool {
	stdout, _, ok := j.run(j.operator, "aws", "s3api", "get-bucket-tagging", "--bucket", motoBucket)
	return ok && strings.Contains(stdout, "managed-by")
}

// mark gives the bucket the mark that moto has lost.
func (j *judge) mark(grant string) {
	j.t.Helper()
	j.must(j.operator, "aws", "s3api", "put-bucket-tagging", "--bucket", motoBucket, "--tagging",
		"TagSet=[{Key=managed-by,Value=bucketgrant},{Key=bucketgrant-grant,Value="+grant+"},{Key=bucketgrant-profile,Value=event-dump}]")
}

// tryWithCLI uses the file as its receiver would.
func (j *judge) tryWithCLI(t *testing.T, r receipt) {
	file := r.Delivery.Files[0].Path
	if !filepath.IsAbs(file) {
		t.Fatalf("the receipt names %q, which is not absolute", file)
	}
	vendor := []string{"AWS_SHARED_CREDENTIALS_FILE=" + file, "AWS_PROFILE=" + r.Grant}
	body := filepath.Join(t.TempDir(), "one.json")
	if err := os.WriteFile(body, []byte(`{"event":"one"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	j.must(vendor, "aws", "s3api", "put-object", "--bucket", motoBucket, "--key", "events/one.json", "--body", body)
	j.must(vendor, "aws", "s3", "cp", "--no-progress", body, "s3://"+motoBucket+"/events/two.json")
	for _, args := range [][]string{
		{"s3api", "get-object", "--bucket", motoBucket, "--key", "events/one.json", os.DevNull},
		{"s3api", "list-objects-v2", "--bucket", motoBucket},
		{"s3api", "delete-object", "--bucket", motoBucket, "--key", "events/one.json"},
		{"s3api", "put-object", "--bucket", "somebody-elses-data", "--key", "one.json", "--body", body},
		{"s3api", "get-bucket-policy", "--bucket", motoBucket},
		{"iam", "list-users"},
	} {
		j.refused(vendor, args...)
	}
}
