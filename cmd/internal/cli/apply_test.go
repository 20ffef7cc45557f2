// The main job and its refusals, in the words around them.
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

	"github.com/gofrs/flock"

	"github.com/bucketgrant/bucketgrant/core"
)

// secret is what the toy cloud issues.
var secret = strings.Repeat("s3cr3t/+", 5)

func TestApplyDeliversOnceAndSaysSo(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	to := s.key()
	s.run(with("apply", "--to", to, "--yes")...).wants(t, 0, "a long-lived key", "seal to", "age1", "3 of 3 times in a row", "tried with the credential itself", "toy revoke")
	s.run(with("apply", "--to", to, "--yes")...).wants(t, 0, "nothing to do; no credential was issued")
	if cloud.Count != 1 {
		t.Errorf("keys issued: got %d, want 1", cloud.Count)
	}
	s.run(with("status")...).wants(t, 0, "100 days old", "OLDER than 90 days", "nothing differs")
	s.run(with("destroy", "--yes")...).wants(t, 0, "- toy:role", "= toy:bucket/acme")
	if len(cloud.Issued) != 0 || cloud.Role || cloud.Bucket != "acme" {
		t.Errorf("after destroy: got %+v, want nothing but the bucket", cloud)
	}
}

func TestReceiverOpensChecksAndTries(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	bundle := "handoff/acme.AKIAIOSFODNN7EXAMPLE.age"
	s.run("receive", bundle, "--identity", "key.txt", "--try").wants(t, 0, "as the manifest says")
	r := s.run("receive", bundle, "--identity", "key.txt", "--format", "env", "--quiet")
	r.wants(t, 0)
	if !strings.Contains(r.out, secret) || r.errout != "" {
		t.Errorf("standard output: got %q, want the credential and nothing else", r.out)
	}
	s.ttyOut = true
	s.run("receive", bundle, "--identity", "key.txt").wants(t, 2, "a secret is not printed on a terminal")
	s.run("receive", bundle, "--identity", "key.txt", "--out", "credentials").wants(t, 0)
	info, err := os.Stat(filepath.Join(s.dir, "credentials"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("credentials: got %v %v, want mode 0600", info.Mode(), err)
	}
	s.run("receive", bundle, "--identity", "key.txt", "--out", "credentials").wants(t, 2, "nothing is ever overwritten")
	s.run("receive", bundle, "--identity", "key.txt", "--try", "--out", "again", "--json").wants(t, 0, `"written": "again"`, `"how": "tried"`, `"policy_hash"`)
	s.run(with("verify", "--name", "acme", "--credential", "credentials")...).wants(t, 0, "as granted (tried)")
	s.run(with("verify", "--name", "acme", "--bundle", bundle, "--identity", "key.txt", "--json")...).wants(t, 0, `"how": "tried"`)
	s.run(with("verify", "--name", "acme")...).wants(t, 0, "simulated")
}

func TestTooMuchAccessIsRetiredAndEndsWithFive(t *testing.T) {
	cloud := &toy{Wide: true}
	s := newStage(t, cloud)
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 5, "NOT AS GRANTED", "has been retired")
	if len(cloud.Issued) != 0 {
		t.Errorf("keys: got %v, want none", cloud.Issued)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "handoff", "*")); len(left) > 0 {
		t.Errorf("files: got %v, want none", left)
	}
}

func TestAskedOnATerminalOnly(t *testing.T) {
	for _, c := range []struct {
		name, stdin string
		tty         bool
		args        []string
		code        int
		issued      int
	}{
		{"no terminal", "y\n", false, nil, 2, 0},
		{"the default is no", "\n", true, nil, 1, 0},
		{"the end of input is no", "", true, nil, 1, 0},
		{"yes", "y\n", true, nil, 0, 1},
		{"quiet asks too", "y\n", true, []string{"--quiet"}, 0, 1},
		{"yes is said before", "", false, []string{"--yes"}, 0, 1},
	} {
		cloud := &toy{}
		s := newStage(t, cloud)
		s.stdin, s.tty = c.stdin, c.tty
		s.run(append(with("apply", "--to", s.key()), c.args...)...).wants(t, c.code)
		if cloud.Count != c.issued {
			t.Errorf("%s: got %d keys, want %d", c.name, cloud.Count, c.issued)
		}
	}
}

func TestWhatIsAskedIsShown(t *testing.T) {
	s := newStage(t, &toy{})
	s.stdin, s.tty = "y\n", true
	s.run(with("apply", "--quiet", "--to", s.key())...).wants(t, 0, "toy:bucket/acme", "Carry this out in box box-7? [y/N]")
}

func TestDestroyWantsTheGrantsName(t *testing.T) {
	for answer, code := range map[string]int{"y\n": 1, "\n": 1, "acme-grant\n": 0} {
		cloud := &toy{Role: true}
		s := newStage(t, cloud)
		s.stdin, s.tty = answer, true
		s.run(with("destroy", "--name", "acme-grant")...).wants(t, code)
		if gone := !cloud.Role; gone != (code == 0) {
			t.Errorf("answer %q: role gone: got %v, want %v", answer, gone, code == 0)
		}
	}
}

func TestRefusalStopsBeforeAnyWrite(t *testing.T) {
	cloud := &toy{Bucket: "acme", Foreign: true}
	s := newStage(t, cloud)
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 4, "hint: --adopt")
	if cloud.Role || cloud.Count > 0 {
		t.Errorf("got %+v, want no write", cloud)
	}
	s.run(with("apply", "--to", s.key(), "--adopt", "--yes")...).wants(t, 0, "adopted")
}

func TestInterruptedRunLeavesNoKey(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	s.interrupt = cloud
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 130, "interrupted")
	if len(cloud.Issued) != 0 {
		t.Errorf("keys: got %v, want none", cloud.Issued)
	}
}

func TestUnknownOutcomeHasItsOwnCode(t *testing.T) {
	s := newStage(t, &toy{Wide: true, Fail: map[string]error{"retire": errors.New("no answer")}})
	r := s.run(with("apply", "--to", s.key(), "--yes")...)
	r.wants(t, 10, "hint: run the same command again")
	r.lacks(t, "has been retired")
}

func TestADeliveryThatCouldNotBeNotedNamesItsFiles(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	journal := filepath.Join(s.dir, "journal", "acme.jsonl")
	cloud.trying = func() { // the delivery itself goes well, and then nobody can write it down
		if err := os.Remove(journal); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	r := s.run(with("apply", "--name", "acme", "--journal", "journal", "--to", s.key(), "--yes")...)
	r.wants(t, 10, "(key AKIAIOSFODNN7EXAMPLE) had been delivered before the failure", "before you send them", "hint: run the same command again")
	files, err := filepath.Glob(filepath.Join(s.dir, "handoff", "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files: got %v %v, want the credential and its manifests", files, err)
	}
	for _, f := range files {
		if !strings.Contains(r.errout, "written: "+f) {
			t.Errorf("got no %s in %s", f, r.errout)
		}
	}
}

func TestWhatASenderClaimsIsNoCommand(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0, "toy revoke")
	bundle := "handoff/acme.AKIAIOSFODNN7EXAMPLE.age"
	for _, more := range [][]string{{"--out", "a"}, {"--out", "b", "--json"}, {"--try"}, {"--try", "--json"}} {
		r := s.run(append([]string{"receive", bundle, "--identity", "key.txt"}, more...)...)
		r.wants(t, 0)
		r.lacks(t, "toy revoke")
	}
	s.run("receive", bundle, "--identity", "key.txt", "--out", "c").wants(t, 0, "as its sender claims; nobody has signed it")
}

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

func TestSavedPlanIsAppliedAsReviewed(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	s.run(with("plan", "--to", s.key(), "--out", "p")...).wants(t, 0)
	s.run("apply", "p", "--bucket", "other", "--yes").wants(t, 2, "beside a saved plan")
	s.run("apply", "p", "--to", s.key(), "--yes").wants(t, 2, "part of the plan that was reviewed")
	cloud.Role = true // somebody makes the role in the meantime
	s.run("apply", "p", "--yes").wants(t, 1, "has changed since the plan was made")
	cloud.Role = false
	s.run("apply", "p", "--yes").wants(t, 0, "tried with the credential itself")
}

func TestSavedPlanIsRefusedWhenDamagedOldOrForeign(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("plan", "--to", s.key(), "--out", "p")...).wants(t, 0)
	raw, err := os.ReadFile(filepath.Join(s.dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	resum := func(change func(*savedPlan)) string {
		var p savedPlan
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		change(&p)
		p.Digest = p.sum()
		out, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for name, c := range map[string]struct{ text, want string }{
		"an edited grant":   {strings.ReplaceAll(string(raw), "events/", "secret/"), "was changed after it was made"},
		"an edited digest":  {strings.Replace(string(raw), `"digest": "sha256:`, `"digest": "sha256:0`, 1), "was changed after it was made"},
		"an unknown key":    {strings.Replace(string(raw), `"kind"`, `"kin": 1, "kind"`, 1), "is not a saved plan"},
		"a plan of old":     {resum(func(p *savedPlan) { p.Made = p.Made.AddDate(0, 0, -2) }), "not older than 24 hours"},
		"another cloud":     {resum(func(p *savedPlan) { p.Cloud = "gcs" }), `is for the cloud "gcs"`},
		"a sandbox":         {resum(func(p *savedPlan) { p.Sandbox = true }), "was made for a sandbox"},
		"another account":   {resum(func(p *savedPlan) { p.Account = "box-8" }), "was made for another box"},
		"a wider grant":     {resum(func(p *savedPlan) { p.Grant.Target.Prefix = "" }), "has changed since the plan was made"},
		"a faulty grant":    {resum(func(p *savedPlan) { p.Grant.Target.Bucket = "ACME" }), "has capital letters"},
		"nothing of a plan": {"{}", "is not a saved plan"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, &toy{})
			s.write("p", c.text)
			r := s.run("apply", "p", "--yes")
			if r.code == 0 || !strings.Contains(r.errout, c.want) {
				t.Errorf("got %d %q, want %q", r.code, r.errout, c.want)
			}
		})
	}
}

func TestASavedPlanFixesWhereTheCredentialGoes(t *testing.T) {
	s := newStage(t, &toy{})
	theirs, mine := s.key(), s.key()
	s.write("list", theirs+"\n")
	planned := s.run(with("plan", "--to", theirs, "--out", "p", "--json")...)
	planned.wants(t, 0)
	var doc planJSON
	if err := json.Unmarshal([]byte(planned.out), &doc); err != nil || doc.Saved == nil || len(doc.Recipients) != 1 {
		t.Fatalf("got %s %v, want the digest and one recipient", planned.out, err)
	}
	for _, more := range [][]string{{"--to", mine}, {"--out", "elsewhere"}, {"--format", "env"}, {"--plain"}, {"--armor"}} {
		s.run(append([]string{"apply", "p", "--yes"}, more...)...).wants(t, 2, strings.TrimLeft(more[0], "-")+": is given beside a saved plan")
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func(*savedPlan){
		"another recipient": func(p *savedPlan) { p.To = []string{mine} },
		"one more":          func(p *savedPlan) { p.To = append(p.To, mine) },
		"another format":    func(p *savedPlan) { p.Format = "env" },
		"another directory": func(p *savedPlan) { p.Out = "elsewhere" },
		"not sealed":        func(p *savedPlan) { p.To, p.Recipients, p.Plain = nil, nil, true },
		"another time":      func(p *savedPlan) { p.Made = p.Made.Add(1) },
		"another caller":    func(p *savedPlan) { p.Principal = "bob" },
	} {
		var p savedPlan
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		forge(&p)
		p.Digest = p.sum() // whoever writes the file can do this
		out, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		s.write("forged", string(out))
		r := s.run("apply", "forged", "--digest", doc.Saved.Digest, "--yes")
		if r.code != 2 || !strings.Contains(r.errout, "another digest than the one that is demanded") {
			t.Errorf("%s: got %d %q, want a refusal", name, r.code, r.errout)
		}
	}
	s.run(with("apply", "--digest", doc.Saved.Digest, "--to", theirs, "--yes")...).wants(t, 2, "digest", "is given without a saved plan")
	s.run("apply", "p", "--digest", doc.Saved.Digest, "--yes").wants(t, 0, doc.Saved.Digest, doc.Recipients[0].Fingerprint)
}

func TestAListOfRecipientsThatChangedIsRefused(t *testing.T) {
	s := newStage(t, &toy{})
	theirs, mine := s.key(), s.key()
	s.write("list", theirs+"\n")
	s.run(with("plan", "--to", "@"+filepath.Join(s.dir, "list"), "--out", "p")...).wants(t, 0, "seal to", "next: toygrant apply p --digest sha256:")
	s.write("list", mine+"\n")
	s.run("apply", "p", "--yes").wants(t, 2, "other public keys than those that were reviewed")
}

func TestAPlanThatGoesToNobodyIsNotSaved(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("plan", "--out", "p")...).wants(t, 2, "to: is missing")
	s.run(with("plan", "--out", "p", "--plain")...).wants(t, 0, "NOT SEALED")
	s.run("apply", "p", "--yes").wants(t, 0, "NOT SEALED")
}

func TestOnlyThePlannersOwnFileAndSelfAreTrusted(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	s.run(with("plan", "--to", s.key(), "--out", "p")...).wants(t, 0)
	path := filepath.Join(s.dir, "p")
	if err := errors.Join(os.Symlink("p", filepath.Join(s.dir, "link")), os.Chmod(path, 0o620)); err != nil {
		t.Fatal(err)
	}
	s.run("apply", "p", "--yes").wants(t, 2, "others may write to it")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("apply", "link", "--yes").wants(t, 2, "symbolic link")
	cloud.Caller = "bob"
	s.run("apply", "p", "--yes").wants(t, 2, "was made by somebody else", "bob")
	if cloud.Count > 0 {
		t.Errorf("keys issued: got %d, want none", cloud.Count)
	}
}

func TestCallerIsWhoSignsInEveryTime(t *testing.T) {
	for want, o := range map[string]core.Operator{
		"ann": {Principal: "ann"},
		"dev": {Principal: "dev/session-17", Identity: "dev"},
	} {
		if got := caller(o); got != want {
			t.Errorf("%+v: got %s, want %s", o, got, want)
		}
	}
}

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

func TestReceiptOfAFailureTellsWhatIsDone(t *testing.T) {
	s := newStage(t, &toy{Fail: map[string]error{"toy:role": &core.Error{Kind: core.ErrBlocked, Err: errors.New("constraint"), Hint: "ask them"}}})
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 7, "done before the failure:", "+ toy:bucket/acme", "hint: ask them")
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

func TestAPrivateKeyAsIdentityIsNotEchoed(t *testing.T) {
	s := newStage(t, &toy{})
	r := s.run("receive", "x.age", "--identity", "AGE-SECRET-KEY-1QQQQ", "--json")
	r.wants(t, 2, "is a private key itself")
	r.lacks(t, "QQQQ")
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

func TestAnotherSealedFileIsNotTheManifests(t *testing.T) {
	s := newStage(t, &toy{})
	to := s.key()
	s.run(with("apply", "--name", "acme", "--to", to, "--out", "a", "--yes")...).wants(t, 0)
	other := newStage(t, &toy{})
	other.run(with("apply", "--name", "acme", "--to", to, "--out", "b", "--yes")...).wants(t, 0)
	name := "acme.AKIAIOSFODNN7EXAMPLE.age"
	sealed, err := os.ReadFile(filepath.Join(other.dir, "b", name))
	if err != nil {
		t.Fatal(err)
	}
	s.write("a/"+name, string(sealed))
	s.run("receive", "a/"+name, "--identity", "key.txt").wants(t, 2, "was changed after it was written")
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

func TestChangesAreAnAnswerAndNoFailure(t *testing.T) {
	s := newStage(t, &toy{})
	r := s.run(with("plan", "--exit-code", "--quiet")...)
	r.wants(t, 3)
	if r.errout != "" {
		t.Errorf("standard error: got %q, want nothing", r.errout)
	}
	s.run(with("plan", "--exit-code", "--json")...).wants(t, 3, `"changed": true`)
}

func TestOnlyTheGrantsOwnBucketCanBeNamedForDropping(t *testing.T) {
	cloud := &toy{Bucket: "acme", Role: true}
	s := newStage(t, cloud)
	s.run(with("destroy", "--drop-bucket", "acme2", "--yes")...).wants(t, 2, `drop-bucket "acme2": is not the bucket of the grant; accepted: acme`)
	s.run(with("destroy", "--drop-bucket", "acme", "--yes")...).wants(t, 0)
	if cloud.Bucket != "" {
		t.Errorf("bucket: got %q, want it gone", cloud.Bucket)
	}
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
