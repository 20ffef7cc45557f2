//go:build conformance

// Judges that are not ours: what gcsgrant hands over, in the hands of Google's own Python clients and of the real aws CLI.
package main

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
)

const judgedBucket = "acme-events"

// vendor is whoever holds what was handed over: a Python program that runs on
// while the owner acts.
type vendor struct {
	*clitest.Served
	tell func(map[string]any) answer
}

type answer struct{ Error, Said string }

func newVendor(t *testing.T) vendor {
	t.Helper()
	script, err := filepath.Abs("testdata/vendor.py")
	if err != nil {
		t.Fatal(err)
	}
	v := vendor{Served: clitest.NewServed(t, "gcsgrant")}
	c := exec.CommandContext(t.Context(), "python3", script)
	c.Dir, c.Stderr = v.Dir, os.Stderr
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + v.Dir, "PYTHONWARNINGS=ignore", "NO_GCE_CHECK=true"}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("python3 does not start: %v (make conformance installs what it needs)", err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	lines := bufio.NewScanner(out)
	v.tell = func(command map[string]any) (a answer) {
		t.Helper()
		line, err := json.Marshal(command)
		if err == nil {
			_, err = in.Write(append(line, '\n'))
		}
		if err == nil && lines.Scan() {
			err = json.Unmarshal(lines.Bytes(), &a)
		}
		if err != nil || len(lines.Bytes()) == 0 {
			t.Fatalf("the Python program: %v %v", err, lines.Err())
		}
		return a
	}
	return v
}

// takes loads a credential as Google's reference parser does; kind is the module that took it.
func (v vendor) takes(who, file, kind string) {
	v.T.Helper()
	if a := v.tell(map[string]any{"do": "load", "as": who, "file": file, "at": v.Address}); a.Error != "" || !strings.HasSuffix(a.Said, kind) {
		v.T.Fatalf("%s: google-auth does not take %s: %+v", who, file, a)
	}
	v.Judged("google-auth", who+" is read as "+kind)
}

func (v vendor) can(who, do, bucket, key, when string) {
	v.T.Helper()
	if a := v.tell(map[string]any{"do": do, "as": who, "bucket": bucket, "key": key}); a.Error != "" {
		v.T.Errorf("%s, %s: %s %s: %+v, want it to work", who, when, do, key, a)
		return
	}
	v.Judged("google-cloud-storage", who+" can "+do+" "+key+" "+when)
}

// cannot demands one of Google's errors, with what it says.
func (v vendor) cannot(who, do, bucket, key, when, kind, says string) {
	v.T.Helper()
	a := v.tell(map[string]any{"do": do, "as": who, "bucket": bucket, "key": key})
	if a.Error != kind || !strings.Contains(a.Said, says) {
		v.T.Errorf("%s, %s: %s %s: got %+v, want %s %q", who, when, do, key, a, kind, says)
		return
	}
	v.Judged("google-cloud-storage", who+" cannot "+do+" "+key+" "+when+": "+kind+" "+says)
}

// grant is a grant of the sandbox's project.
func grantOf(profile, bucket, prefix, who string, more ...string) []string {
	return append([]string{"--profile", profile, "--bucket", bucket, "--prefix", prefix, "--project", "acme-project", "--location", "EU", "--who", who}, more...)
}

func (v vendor) do(grant []string) func(verb string, more ...string) string {
	return func(verb string, more ...string) string {
		v.T.Helper()
		return v.Away(0, slices.Concat(strings.Fields(verb), grant, more)...)
	}
}

func TestConformanceLifeOfAKeyFileAndGooglesClients(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	do := v.do(grantOf("event-dump", judgedBucket, "events/", "key"))
	issue := func(verb, dir string, more ...string) string {
		t.Helper()
		do(verb, append(more, "--yes", "--plain", "--out", dir)...)
		return v.Handed(dir, ".key.json")
	}
	first := issue("apply", "first")
	v.takes("key 1", first, "service_account")
	v.can("key 1", "put", judgedBucket, "events/1", "after apply")
	v.can("key 1", "read", judgedBucket, "events/1", "after apply")
	for _, no := range [][]string{{"put", "other/1"}, {"overwrite", "events/1"}, {"list", "events/"}, {"delete", "events/1"}} {
		v.cannot("key 1", no[0], judgedBucket, no[1], "after apply", "Forbidden", "storage.objects.")
	}
	v.cannot("key 1", "put", "acme-payroll", "events/1", "after apply", "Forbidden", "storage.objects.create")

	second := issue("rotate start", "second")
	v.takes("key 2", second, "service_account")
	v.can("key 1", "put", judgedBucket, "events/2", "after rotate start")
	v.can("key 2", "put", judgedBucket, "events/3", "after rotate start")

	do("rotate finish", "--yes", "--force")
	v.takes("key 1 once more", first, "service_account")
	v.cannot("key 1 once more", "put", judgedBucket, "events/4", "after rotate finish", "RefreshError", "invalid_grant")
	v.can("key 1", "put", judgedBucket, "events/5", "after rotate finish, with a token from before: it lives for an hour")
	v.can("key 2", "put", judgedBucket, "events/6", "after rotate finish")
	do("restore", "--yes", "--key", v.Manifest("first").Key.ID)
	v.can("key 1 once more", "put", judgedBucket, "events/7", "after restore --key")
	do("rotate finish", "--yes", "--force", "--grace", "0")

	do("revoke", "--yes")
	for _, who := range []string{"key 1", "key 2"} {
		v.cannot(who, "put", judgedBucket, "events/8", "after revoke, with a token from before", "RefreshError", "invalid_grant")
	}
	do("restore", "--yes")
	v.takes("key 2 once more", second, "service_account")
	v.can("key 2 once more", "put", judgedBucket, "events/9", "after restore")

	third := issue("reissue", "third", "--force")
	v.takes("key 3", third, "service_account")
	v.can("key 3", "put", judgedBucket, "events/10", "after reissue")
	v.takes("key 2 again", second, "service_account")
	v.cannot("key 2 again", "put", judgedBucket, "events/11", "after reissue", "RefreshError", "invalid_grant")
	do("status", "--exit-code")
	do("preflight", "--for", "rotate")
	do("destroy", "--yes")
	v.takes("key 3 again", third, "service_account")
	v.cannot("key 3 again", "put", judgedBucket, "events/12", "after destroy", "RefreshError", "invalid_grant")
}

// loopback is a handed-over file that asks the served sandbox for its tokens, and nothing else changed.
func (v vendor) loopback(file, field, path string, more map[string]any) string {
	v.T.Helper()
	var fields map[string]any
	v.Decode(file, &fields)
	fields[field] = "http://" + v.Address + path
	maps.Copy(fields, more)
	data, err := json.Marshal(fields)
	if err != nil {
		v.T.Fatal(err)
	}
	at := file + ".loopback"
	if err := os.WriteFile(at, data, 0o600); err != nil {
		v.T.Fatal(err)
	}
	return at
}

func TestConformanceAnAWSRoleAndGooglesClients(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	const role = "arn:aws:sts::422074288268:assumed-role/gcs-uploader/2WbXyZ3kQpLmN8rT"
	do := v.do(grantOf("event-dump", judgedBucket, "events/", "aws-role",
		"--vendor-aws-account", "422074288268", "--vendor-aws-role", "gcs-uploader", "--session", "2WbXyZ3kQpLmN8rT"))
	do("apply", "--yes", "--out", "out")
	file := v.Handed("out", ".external-account.json")
	v.takes("the file as handed over", file, "aws")

	var cloud struct {
		State struct {
			AWSKeys map[string]struct{ ARN, Secret, Token string }
		}
	}
	v.Decode(v.File, &cloud)
	// enter signs in anew with the session of a role that the fake AWS knows.
	enter := func(who, arn string) {
		t.Helper()
		for id, k := range cloud.State.AWSKeys {
			if k.ARN == arn {
				v.tell(map[string]any{"do": "env", "env": map[string]string{"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": k.Secret, "AWS_SESSION_TOKEN": k.Token, "AWS_REGION": "us-east-1"}})
				v.takes(who, v.loopback(file, "token_url", "/v1/token", nil), "aws")
				return
			}
		}
		t.Fatalf("the sandbox knows no session %s", arn)
	}
	enter("the role", role)
	v.can("the role", "put", judgedBucket, "events/1", "after apply")
	v.cannot("the role", "put", judgedBucket, "other/1", "after apply", "Forbidden", "storage.objects.create")
	v.cannot("the role", "delete", judgedBucket, "events/1", "after apply", "Forbidden", "storage.objects.delete")
	for arn := range others(cloud.State.AWSKeys, func(k struct{ ARN, Secret, Token string }) string { return k.ARN }, role) {
		enter("another session", arn)
		a := v.tell(map[string]any{"do": "put", "as": "another session", "bucket": judgedBucket, "key": "events/2"})
		if a.Error == "" {
			t.Errorf("%s gets in", arn)
			continue
		}
		v.Judged("google-auth", arn+" is refused: "+a.Error)
	}
	do("revoke", "--yes")
	enter("the role after revoke", role)
	v.cannot("the role after revoke", "put", judgedBucket, "events/3", "after revoke", "OAuthError", "invalid_target")
	a := v.tell(map[string]any{"do": "put", "as": "the role", "bucket": judgedBucket, "key": "events/4"})
	if a.Error == "" {
		t.Errorf("a token from before the revocation still puts")
	}
	v.Judged("google-cloud-storage", "the role with a token from before the revocation is refused: "+a.Error)
	do("restore", "--yes")
	enter("the role after restore", role)
	v.can("the role after restore", "put", judgedBucket, "events/5", "after restore")
}

// others are the distinct names but one.
func others[K comparable, V any](all map[K]V, name func(V) string, but string) map[string]bool {
	set := map[string]bool{}
	for _, v := range all {
		set[name(v)] = true
	}
	delete(set, but)
	return set
}

func TestConformanceAnHMACKeyAndTheAWSCLI(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	const bucket = "acme-sites"
	do := v.do(grantOf("site-backup", bucket, "s1/", "hmac", "--shared"))
	body := filepath.Join(v.Dir, "body")
	if err := os.WriteFile(body, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	issue := func(verb, dir string) []string {
		t.Helper()
		do(verb, "--yes", "--plain", "--format", "aws-credentials", "--out", dir)
		file := v.Handed(dir, ".credentials")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		profile, _, _ := strings.Cut(strings.TrimPrefix(string(text), "["), "]")
		return []string{"AWS_SHARED_CREDENTIALS_FILE=" + file, "AWS_PROFILE=" + profile}
	}
	s3 := func(env []string, args ...string) (string, bool) {
		t.Helper()
		out, said, code := v.Run(env, "aws", append([]string{"--endpoint-url", "http://" + v.Address, "--region", "auto", "s3api"}, args...)...)
		return out + said, code == 0
	}
	puts := func(who string, env []string, key, when string) {
		t.Helper()
		if said, ok := s3(env, "put-object", "--bucket", bucket, "--key", key, "--body", body); !ok {
			t.Errorf("%s, %s, cannot put %s: %s", who, when, key, said)
			return
		}
		v.Judged("aws CLI", who+" puts "+key+" "+when)
	}
	refused := func(who string, env []string, when, code string, args ...string) {
		t.Helper()
		if said, ok := s3(env, args...); ok || !strings.Contains(said, "("+code+")") {
			t.Errorf("%s, %s, %v: got %s, want %s", who, when, args, said, code)
			return
		}
		v.Judged("aws CLI", who+" is refused "+args[0]+" "+when+": "+code)
	}
	put := func(key string) []string {
		return []string{"put-object", "--bucket", bucket, "--key", key, "--body", body}
	}

	key1 := issue("apply", "first")
	puts("HMAC key 1", key1, "s1/1", "after apply")
	refused("HMAC key 1", key1, "outside", "AccessDenied", put("other/1")...)
	refused("HMAC key 1", key1, "inside", "AccessDenied", "delete-object", "--bucket", bucket, "--key", "s1/1")
	key2 := issue("rotate start", "second")
	puts("HMAC key 1", key1, "s1/2", "after rotate start")
	puts("HMAC key 2", key2, "s1/3", "after rotate start")
	do("rotate finish", "--yes", "--force")
	refused("HMAC key 1", key1, "after rotate finish", "InvalidAccessKeyId", put("s1/4")...)
	puts("HMAC key 2", key2, "s1/5", "after rotate finish")
	do("revoke", "--yes")
	refused("HMAC key 2", key2, "after revoke", "InvalidAccessKeyId", put("s1/6")...)
	do("restore", "--yes")
	puts("HMAC key 2", key2, "s1/7", "after restore")
}
