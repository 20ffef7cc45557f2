// What is printed: in colour where that is wanted, as JSON where that is asked for, and never a secret.
package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoSecretAnywhere(t *testing.T) {
	for _, more := range [][]string{nil, {"--json"}, {"--no-verify"}} {
		s := newStage(t, &toy{})
		r := s.run(append(with("apply", "--to", s.key(), "--yes"), more...)...)
		r.wants(t, 0)
		pieces := []string{secret, secret[:12], base64.StdEncoding.EncodeToString([]byte(secret))[:12]}
		r.lacks(t, pieces...)
		err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == "key.txt" {
				return err
			}
			data, err := os.ReadFile(path)
			for _, p := range pieces {
				if bytes.Contains(data, []byte(p)) {
					t.Errorf("%s holds the secret", path)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestASecondSignalSaysWhatGoesOn(t *testing.T) {
	var said bytes.Buffer
	env := Env{Stderr: &said, Doing: new(Activity)}
	env.Doing.Set("retiring toy:key/1")
	signals, done := make(chan os.Signal), make(chan struct{})
	var cause error
	ended := make(chan struct{})
	go func() {
		attend(signals, done, func(err error) { cause = err }, env)
		close(ended)
	}()
	signals <- os.Interrupt
	signals <- os.Interrupt
	close(done)
	<-ended
	if !errors.Is(cause, errInterrupted) || !strings.Contains(said.String(), "still cleaning up: retiring toy:key/1") {
		t.Errorf("got %v %q", cause, said.String())
	}
}

func TestColoursOnlyOnATerminalThatWantsThem(t *testing.T) {
	for _, c := range []struct {
		tty  bool
		env  string
		args []string
		want bool
	}{
		{true, "", nil, true},
		{false, "", nil, false},
		{true, "NO_COLOR", nil, false},
		{true, "", []string{"--no-color"}, false},
	} {
		s := newStage(t, &toy{})
		s.ttyOut = c.tty
		if c.env != "" {
			s.env[c.env] = "1"
		}
		r := s.run(append(with("plan", "--offline"), c.args...)...)
		if got := strings.Contains(r.out, "\x1b[32m+"); got != c.want {
			t.Errorf("%+v: colours: got %v, want %v", c, got, c.want)
		}
	}
}

func TestEveryProductIsJSONIfAsked(t *testing.T) {
	s := newStage(t, &toy{})
	to := s.key()
	for _, args := range [][]string{
		with("plan"), with("plan", "--offline"), with("apply", "--name", "acme", "--to", to, "--yes"), with("status"), with("verify"),
		{"receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt", "--try"},
		{"profiles"}, {"profiles", "list"}, {"profiles", "show", "event-dump"}, {"profiles", "explain", "event-dump"}, {"version"},
		with("destroy", "--name", "acme", "--yes"),
	} {
		r := s.run(append(args, "--json")...)
		var doc struct {
			SchemaVersion int `json:"schema_version"`
		}
		if err := json.Unmarshal([]byte(r.out), &doc); err != nil || doc.SchemaVersion != 1 || r.code != 0 || r.errout != "" {
			t.Errorf("%v: got %d, %v, version %d, standard error %q", args, r.code, err, doc.SchemaVersion, r.errout)
		}
	}
}

func TestNewFilesNeverReplaceAnything(t *testing.T) {
	dir := t.TempDir()
	there, link := filepath.Join(dir, "there"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(there, []byte("old"), 0o600), os.Symlink(filepath.Join(dir, "target"), link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{there, link} {
		if err := writeNew(path, "shown", []byte("new")); err == nil || !strings.Contains(err.Error(), `"shown"`) {
			t.Errorf("%s: got %v, want a refusal that names the file as the user does", filepath.Base(path), err)
		}
	}
	if got, err := os.ReadFile(there); string(got) != "old" {
		t.Errorf("got %q %v, want the old file", got, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "target")); err == nil {
		t.Error("a link was followed")
	}
}
