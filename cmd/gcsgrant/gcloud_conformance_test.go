//go:build conformance

// gcloud, where it is installed, with a key file as it was handed over.
package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
)

// gcloud looks for an object before it puts one, so the profile is one that may
// read: https://cloud.google.com/storage/docs/uploading-objects#required-roles
func TestConformanceGcloudWithAKeyFile(t *testing.T) {
	if _, err := exec.LookPath("gcloud"); err != nil {
		t.Skip("gcloud is not on PATH, and no registry of packages has it to install: Google's Python clients are the judges here")
	}
	t.Parallel()
	const bucket = "acme-sites"
	s := clitest.NewServed(t, "gcsgrant")
	body := filepath.Join(s.Dir, "body")
	if err := os.WriteFile(body, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	do := func(verb string, more ...string) {
		t.Helper()
		s.Away(0, slices.Concat(strings.Fields(verb), grantOf("site-backup", bucket, "s1/", "key", "--shared"), more)...)
	}
	issue := func(verb, dir string) string {
		t.Helper()
		do(verb, "--yes", "--plain", "--out", dir)
		return s.Handed(dir, ".key.json")
	}
	env := []string{"CLOUDSDK_CONFIG=" + filepath.Join(s.Dir, "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1",
		"CLOUDSDK_CORE_PROJECT=acme-project", "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=http://" + s.Address + "/storage/v1/"}
	can := func(when string, args ...string) {
		t.Helper()
		if out, said, code := s.Run(env, "gcloud", args...); code != 0 {
			t.Errorf("%s: gcloud %v: %s%s, want it to work", when, args, out, said)
			return
		}
		s.Judged("gcloud", strings.Join(args[:2], " ")+" works "+when)
	}
	cannot := func(when, says string, args ...string) {
		t.Helper()
		if out, said, code := s.Run(env, "gcloud", args...); code == 0 || !strings.Contains(said, says) {
			t.Errorf("%s: gcloud %v: got %d %s%s, want %q", when, args, code, out, said, says)
			return
		}
		s.Judged("gcloud", strings.Join(args[:2], " ")+" is refused "+when+": "+says)
	}
	activate := func(file string) []string {
		return []string{"auth", "activate-service-account", "--key-file", file}
	}
	cp := func(key string) []string { return []string{"storage", "cp", body, "gs://" + bucket + "/" + key} }

	first := issue("apply", "first")
	can("with key 1", activate(first)...)
	can("inside", cp("s1/1")...)
	cannot("outside", "storage.objects.", cp("other/1")...)
	cannot("inside", "storage.objects.delete", "storage", "rm", "gs://"+bucket+"/s1/1")
	second := issue("rotate start", "second")
	do("rotate finish", "--yes", "--force")
	cannot("with key 1 after rotate finish", "invalid_grant", activate(first)...)
	can("with key 2 after rotate finish", activate(second)...)
	can("with key 2", cp("s1/2")...)
	do("revoke", "--yes")
	cannot("after revoke, with a token from before", "invalid_grant", cp("s1/3")...)
	do("restore", "--yes")
	can("after restore", activate(second)...)
	can("after restore", cp("s1/4")...)
}
