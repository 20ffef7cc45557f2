// Saved plans: what was reviewed is what is applied, by whom, and for whom.
package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

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
