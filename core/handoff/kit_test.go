// What the tests of this package hand over: made at run time, worth nothing.

package handoff

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

const exampleID = "AKIAIOSFODNN7EXAMPLE" // the vendor's documented dummy

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func pairOf(id, secret string) core.Credential {
	return core.Credential{ID: id, Form: core.PairForm, Holder: "principal/acme", Secret: core.NewSecret([]byte(secret)), Created: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), Revoke: "revoke " + id}
}

// newSecret is like a real secret of a pair: 40 letters of base64.
func newSecret() string {
	b := make([]byte, 30)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// newDocument is like a real key document, with a key that was just made.
func newDocument(t *testing.T) core.Credential {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	document := map[string]string{
		"type": "service_account", "project_id": "acme-prod", "private_key_id": strings.ToLower(rand.Text()),
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "acme@acme-prod.example.com", "universe_domain": "example.com",
	}
	data, err := json.MarshalIndent(document, "", "  ")
	must(t, err)
	return core.Credential{ID: document["private_key_id"], Form: core.DocumentForm, Holder: document["client_email"], Secret: core.NewSecret(append(data, '\n')), Revoke: "revoke it"}
}

func receiptFor(c core.Credential) core.Receipt {
	return core.Receipt{
		SchemaVersion: 1, RunID: "run1", Cloud: "s3", Grant: "acme-events", Profile: "event-dump", Account: "111122223333",
		Bucket: "acme", Region: "eu-west-1", Prefix: "events/", PolicyHash: "sha256:00", PlanDigest: "sha256:11",
		Allowed: []string{"put new objects"}, Refused: []string{"read objects", "delete objects"}, Overwrites: "refused: no",
		Changes: []core.Change{{Step: core.RoleStep, Action: core.Make, Addr: "role/acme"}},
		Key:     &core.KeyInfo{ID: c.ID, Holder: c.Holder, Created: c.Created, RotateBy: c.Created.Add(core.RotateAfter), Revoke: c.Revoke},
		Proof:   core.Proof{How: core.Tried, Rows: []core.Row{{Probe: core.Probe{Ability: core.Create, Where: core.Inside, Want: core.Allowed}, Got: core.Allowed, How: core.Tried}}},
	}
}

// room is a directory that is ours alone, whatever the umask of the test run.
func room(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o700))
	return dir
}

// tree lists everything below dir, with sizes of no interest.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	all := []string{}
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}))
	return all
}

func mustFind(t *testing.T, name string, form core.Form) Format {
	t.Helper()
	f, err := FindFormat(name, form)
	must(t, err)
	return f
}
