//go:build conformance

// The life of a key, judged by the real aws CLI in an enforcing cloud, and by moto, which takes every call of every verb.
package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
)

const lifeBucket = "acme-events"

var lifeGrant = []string{"--profile", "event-dump", "--bucket", lifeBucket, "--prefix", "events/", "--region", "us-east-1"}

// vendor is whoever holds a key, with the real aws CLI.
type vendor struct {
	*clitest.Served
	body string
}

func (v vendor) env(file string) []string {
	return []string{v.Env[0], "AWS_SHARED_CREDENTIALS_FILE=" + file, "AWS_PROFILE=" + profileIn(v.T, file), "AWS_DEFAULT_REGION=us-east-1"}
}

// profileIn is the profile that a credentials file has.
func profileIn(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(string(text), "[")
	name, _, _ = strings.Cut(name, "]")
	return name
}

// puts demands that an object can be put.
func (v vendor) puts(who string, env []string, when string) {
	v.T.Helper()
	if out, said, code := v.put(env, "events/"+strings.ReplaceAll(who+when, " ", "-")); code != 0 {
		v.T.Errorf("%s, %s, cannot put: %s%s", who, when, out, said)
		return
	}
	v.Judged("aws CLI", who+" puts "+when)
}

// refused demands that putting ends with one of AWS's codes, and returns what was said.
func (v vendor) refused(who string, env []string, when, code string) string {
	v.T.Helper()
	out, said, got := v.put(env, "events/refused")
	if got == 0 || !strings.Contains(said, "("+code+")") {
		v.T.Errorf("%s, %s: got %d %s%s, want %s", who, when, got, out, said, code)
		return said
	}
	v.Judged("aws CLI", who+" is refused "+when+": "+code)
	return said
}

func (v vendor) put(env []string, key string) (out, said string, code int) {
	v.T.Helper()
	return v.Run(env, "aws", "s3api", "put-object", "--bucket", lifeBucket, "--key", key, "--body", v.body)
}

// session makes temporary credentials of a key.
func (v vendor) session(env []string) []string {
	v.T.Helper()
	out, said, code := v.Run(env, "aws", "sts", "get-session-token", "--output", "text", "--query", "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]")
	words := strings.Fields(out)
	if code != 0 || len(words) != 3 {
		v.T.Fatalf("no session: %s%s", out, said)
	}
	return []string{v.Env[0], "AWS_ACCESS_KEY_ID=" + words[0], "AWS_SECRET_ACCESS_KEY=" + words[1], "AWS_SESSION_TOKEN=" + words[2], "AWS_DEFAULT_REGION=us-east-1"}
}

func TestConformanceLifeOfAKeyAndTheAWSCLI(t *testing.T) {
	t.Parallel()
	v := vendor{Served: clitest.NewServed(t, "s3grant")}
	v.body = filepath.Join(v.Dir, "one.json")
	if err := os.WriteFile(v.body, []byte(`{"event":"one"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	do := func(code int, verb string, more ...string) string {
		t.Helper()
		return v.Beside(code, slices.Concat(strings.Fields(verb), lifeGrant, more)...)
	}
	issue := func(verb, dir string, more ...string) (id string, env []string) {
		t.Helper()
		do(0, verb, append(more, "--yes", "--plain", "--format", "aws-credentials", "--out", dir)...)
		return v.Manifest(dir).Key.ID, v.env(v.Handed(dir, ".credentials"))
	}

	do(0, "preflight")
	one, key1 := issue("apply", "first")
	v.puts("key 1", key1, "after apply")
	early := v.session(key1)
	v.puts("a session of key 1", early, "after apply")

	_, key2 := issue("rotate start", "second")
	v.puts("key 1", key1, "after rotate start")
	v.puts("key 2", key2, "after rotate start")

	do(0, "rotate finish", "--yes", "--force")
	v.refused("key 1", key1, "after rotate finish", "InvalidAccessKeyId")
	v.puts("key 2", key2, "after rotate finish")
	do(0, "restore", "--yes", "--key", one)
	v.puts("key 1", key1, "after restore --key")
	do(0, "rotate finish", "--yes", "--force", "--grace", "0")
	v.refused("key 1", key1, "once it is deleted", "InvalidAccessKeyId")

	late := v.session(key2)
	v.puts("a session of key 2", late, "before the revocation")
	do(0, "revoke", "--yes", "--credential", v.Handed("second", ".credentials"))
	said := v.refused("key 2", key2, "after revoke", "InvalidAccessKeyId")
	if out := v.Beside(0, "doctor", v.Handed("second", ".manifest.json"), "--error", said); !strings.Contains(out, "(key-inactive)") {
		t.Errorf("doctor does not explain %q: %s", said, out)
	} else {
		v.Judged("aws CLI", "what it says of a revoked key is what doctor reads: key-inactive")
	}
	v.refused("a session of key 2", late, "after revoke", "AccessDenied")
	do(0, "restore", "--yes")
	v.puts("key 2", key2, "after restore")
	v.refused("a session of key 2 from before the revocation", late, "after restore", "AccessDenied")
	v.puts("a session of key 2", v.session(key2), "after restore")

	_, key3 := issue("reissue", "third", "--force")
	v.puts("key 3", key3, "after reissue")
	v.refused("key 2", key2, "after reissue", "InvalidAccessKeyId")
	do(0, "status", "--exit-code")
	if out := v.Beside(0, "list"); !strings.Contains(out, "event-dump") {
		t.Errorf("list does not find the grant: %s", out)
	}
	do(0, "destroy", "--yes")
	v.refused("key 3", key3, "after destroy", "InvalidAccessKeyId")
}

// TestConformanceMotoTakesEveryVerb shows that a cloud which is not ours takes
// the calls of every verb but status and preflight: moto has neither
// ListServiceSpecificCredentials nor SimulatePrincipalPolicy. That a key which is switched off
// is refused it cannot show.
func TestConformanceMotoTakesEveryVerb(t *testing.T) {
	t.Parallel()
	j, s3grant := newJudge(t), program(t)
	grant := []string{"--profile", "event-dump", "--bucket", motoBucket, "--region", motoRegion, "--allow-endpoint"}
	do := func(verb string, more ...string) string {
		t.Helper()
		out := j.must(j.operator, s3grant, slices.Concat(strings.Fields(verb), grant, more)...)
		t.Logf("%-20s takes %s", "moto", strings.Join(append([]string{verb}, more...), " "))
		return out
	}
	issue := func(verb string, more ...string) string {
		t.Helper()
		var r receipt
		j.decode(do(verb, append(more, "--yes", "--plain", "--no-verify", "--json", "--out", filepath.Join(j.home, strings.ReplaceAll(verb, " ", "-")))...), &r)
		return r.Key.ID
	}
	var user struct{ Users []struct{ UserName string } }
	keys := func(want map[string]string) {
		t.Helper()
		var have struct {
			AccessKeyMetadata []struct{ AccessKeyID, Status string }
		}
		j.decode(j.must(j.operator, "aws", "iam", "list-access-keys", "--user-name", user.Users[0].UserName), &have)
		got := map[string]string{}
		for _, k := range have.AccessKeyMetadata {
			got[k.AccessKeyID] = k.Status
		}
		for id, status := range want {
			if got[id] != status {
				t.Errorf("key %s in moto: got %q, want %q", id, got[id], status)
			}
		}
	}
	const on, off, gone = "Active", "Inactive", ""

	one := issue("apply")
	var manifest struct{ Grant string }
	j.decode(do("rotate status", "--json"), &manifest)
	j.mark(manifest.Grant)
	j.decode(j.must(j.operator, "aws", "iam", "list-users", "--path-prefix", "/bucketgrant/"), &user)
	if len(user.Users) != 1 {
		t.Fatalf("got the users %v, want one", user.Users)
	}
	two := issue("rotate start")
	keys(map[string]string{one: on, two: on})
	do("rotate status")
	do("rotate abort", "--yes", "--force")
	keys(map[string]string{one: on, two: gone})
	two = issue("rotate start")
	do("rotate finish", "--yes", "--force")
	keys(map[string]string{one: off, two: on})
	do("restore", "--yes", "--key", one)
	keys(map[string]string{one: on, two: on})
	do("rotate finish", "--yes", "--force", "--grace", "0")
	keys(map[string]string{one: gone, two: on})
	do("revoke", "--yes")
	keys(map[string]string{two: off})
	do("restore", "--yes")
	keys(map[string]string{two: on})
	three := issue("reissue", "--force", "--key", two)
	keys(map[string]string{two: gone, three: on})
	if out := j.must(j.operator, s3grant, "list", "--allow-endpoint"); !strings.Contains(out, "event-dump") {
		t.Errorf("list does not find the grant in moto: %s", out)
	}
	do("destroy", "--yes")
}
