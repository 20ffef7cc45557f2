// Sessions: which cloud is talked to, and which files one run keeps from another.
package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestJournalsStayApart(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	if _, err := os.Stat(filepath.Join(s.dir, ".local/state/bucketgrant/s3/acme.jsonl")); err != nil {
		t.Errorf("journal: %v", err)
	}
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--sandbox-file", "cloud.json", "--out", "other", "--yes")...).wants(t, 0, sandboxBanner)
	if manifest, err := os.ReadFile(filepath.Join(s.dir, "other/acme.AKIAIOSFODNN7EXAMPLE.manifest.json")); !bytes.Contains(manifest, []byte(`"sandbox": true`)) {
		t.Errorf("manifest: got %s %v, want it to say that it is of a sandbox", manifest, err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "cloud.json.journal/acme.jsonl")); err != nil {
		t.Errorf("journal beside the sandbox: %v", err)
	}
	s.env["HOME"] = ""
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 2, "there is no home directory")
}

func TestConsentToAnEndpointIsTheUsersOwn(t *testing.T) {
	for _, consent := range []bool{false, true} {
		var got []core.Connection
		s := newStage(t, &toy{})
		connect := s.cloud.Connect
		s.cloud.Connect = func(c core.Connection) core.Provider {
			got = append(got, c)
			return connect(c)
		}
		args := with("plan")
		if consent {
			args = append(args, "--allow-endpoint")
		}
		s.run(args...).wants(t, 0)
		if last := got[len(got)-1]; last.AllowEndpoint != consent {
			t.Errorf("consent: got %v, want %v", last.AllowEndpoint, consent)
		}
	}
}

func TestASandboxFileIsThatOfItsOwnCloudAndReadersLeaveItAlone(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--sandbox-file", "cloud.json", "--to", s.key(), "--yes")...).wants(t, 0)
	path := filepath.Join(s.dir, "cloud.json")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s.run(with("status", "--sandbox-file", "cloud.json")...).wants(t, 0)
	if now, err := os.Stat(path); err != nil || !os.SameFile(seen, now) {
		t.Errorf("after a status: got another file, %v, want the one that was there", err)
	}
	for name, text := range map[string]string{
		"another cloud's": strings.Replace(string(before), `"sandbox_of":"s3"`, `"sandbox_of":"gcs"`, 1),
		"no sandbox":      `{"Bucket":"acme"}`,
		"damaged":         `{"sandbox_of":"s3","state":{"Count":"x"}}`,
		"empty":           "",
	} {
		s.write("cloud.json", text)
		for _, verb := range []string{"status", "plan"} {
			s.run(with(verb, "--sandbox-file", "cloud.json")...).wants(t, 2, `sandbox-file "cloud.json"`)
		}
		if now, err := os.ReadFile(path); string(now) != text {
			t.Errorf("%s: got %s %v, want it untouched", name, now, err)
		}
	}
}

func TestTwoCommandsNeverShareASandboxFile(t *testing.T) {
	s := newStage(t, &toy{})
	held := flock.New(filepath.Join(s.dir, "cloud.json.lock"))
	if got, err := held.TryLock(); !got || err != nil {
		t.Fatal(got, err)
	}
	s.run(with("plan", "--sandbox-file", "cloud.json")...).wants(t, 9, "another run holds the lock")
	if err := held.Unlock(); err != nil {
		t.Fatal(err)
	}
	s.run(with("plan", "--sandbox-file", "cloud.json")...).wants(t, 0)
}
