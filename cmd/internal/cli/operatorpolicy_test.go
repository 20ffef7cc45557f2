// What an operator must be allowed to do, and whether it is.
package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestAnOperatorsPolicyIsAllThatStandardOutputHolds(t *testing.T) {
	s := newStage(t, &toy{})
	r := s.run(with("plan", "--operator-policy")...)
	r.wants(t, 0, "what you must be allowed to do for toygrant apply", "toy:Build, for toy:bucket/acme: toy let --file FILE")
	var got []string
	for d := json.NewDecoder(strings.NewReader(r.out)); d.More(); {
		var doc map[string]string
		if err := d.Decode(&doc); err != nil {
			t.Fatalf("standard output is not JSON alone: %v\n%s", err, r.out)
		}
		got = append(got, doc["let"])
	}
	if want := "toy:Build toy:Look toy:Cast"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	quiet := s.run(with("plan", "--operator-policy", "--quiet")...)
	if quiet.out != r.out || quiet.errout != "" {
		t.Errorf("quiet: got %q %q, want the documents alone", quiet.out, quiet.errout)
	}
}

func TestAnOperatorsPolicyIsOfTheCommandAndOfThisPlan(t *testing.T) {
	s := newStage(t, &toy{})
	for _, line := range [][]string{{"--operator-policy", "destroy"}, {"--operator-policy=destroy"}} {
		r := s.run(with("plan", append(line, "--json")...)...)
		r.wants(t, 0, `"command": "destroy"`, `"let": "toy:Burn"`, `"let": "toy:Look"`)
		r.lacks(t, "toy:Build")
	}
	s.run(with("plan", "--operator-policy", "list", "--offline", "--json")...).wants(t, 0, `"offline": true`, "toy:Count")
	s.run(with("plan", "--operator-policy", "--offline")...).wants(t, 0, "made offline")
	s.run(with("plan", "--operator-policy", "restore", "--json")...).wants(t, 0, `"documents": []`, `"permissions": []`)
	s.run(with("plan", "--operator-policy", "restore")...).wants(t, 0, "it takes no permission of yours")
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 0)
	s.run(with("plan", "--operator-policy")...).lacks(t, "toy:Build", "toy:Cast")
	s.run(with("plan", "--operator-policy", "destroi")...).wants(t, 2, `did you mean "destroy"?`, "rotate")
	s.run(with("plan", "--operator-policy", "--documents")...).wants(t, 2, "together with documents")
	s.run(with("plan", "destroy")...).wants(t, 2, `unexpected "destroy"`)
	s.run(with("plan", "--operator-policy=destroy", "rotate")...).wants(t, 2, `unexpected "rotate"`)
}

func TestAnOperatorsPolicyIsOfOneGrant(t *testing.T) {
	s := newStage(t, &toy{})
	s.write("sites.yaml", "profile: site-backup\nbucket: acme\nshelf: moon-1\ngrants:\n  - a.example\n")
	s.run("plan", "-f", "sites.yaml", "--operator-policy").wants(t, 2, `operator-policy "apply": is of one grant`)
}

func TestAPreflightEndsAsTheCommandWould(t *testing.T) {
	check := func(kind string, o core.Outcome) []core.Check {
		return []core.Check{{Kind: kind, What: "a " + kind, Outcome: o, Why: "because", Fix: "toy mend"}}
	}
	for _, c := range []struct {
		name string
		look toyLook
		toy  *toy
		code int
		says []string
	}{
		{"nothing in the way", toyLook{}, &toy{}, 0, []string{"ok      permission    toy:Build", "nothing that could be looked at stands in the way of apply"}},
		{"a permission", toyLook{Lacks: "toy:Build"}, &toy{}, 11, []string{"NO      permission    toy:Build", "fix: toy let ann toy:Build", "plan --operator-policy apply"}},
		{"a rule", toyLook{Checks: check("organisation", core.Denied)}, &toy{}, 7, []string{"a organisation: because"}},
		{"a switched-off service", toyLook{Checks: check("api", core.Denied)}, &toy{}, 11, nil},
		{"a quota", toyLook{Checks: check("quota", core.Denied)}, &toy{}, 1, nil},
		{"a name", toyLook{Checks: check("name", core.Denied)}, &toy{}, 4, nil},
		{"a deleted thing", toyLook{Checks: check("deleted", core.Denied)}, &toy{}, 4, nil},
		{"a foreign bucket", toyLook{}, &toy{Bucket: "acme", Foreign: true}, 4, []string{"name          toy:bucket/acme", "fix: --adopt"}},
		{"what is not known", toyLook{Checks: check("quota", core.Unclear)}, &toy{}, 0, []string{"unknown quota         a quota", "1 unknown"}},
		{"a question that fails", toyLook{Fail: errors.New("no answer")}, &toy{}, 1, []string{"no answer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.toy.look = c.look
			s := newStage(t, c.toy)
			s.run(with("preflight")...).wants(t, c.code, c.says...)
		})
	}
}

func TestAPreflightIsForACommandAndSaysTheWorstFirst(t *testing.T) {
	s := newStage(t, &toy{look: toyLook{Lacks: "toy:Burn"}})
	s.run(with("preflight")...).wants(t, 0)
	r := s.run(with("preflight", "--for", "destroy")...)
	r.wants(t, 11, "toy:Burn")
	if no, ok := strings.Index(r.out, "NO "), strings.Index(r.out, "ok "); no < 0 || ok < no {
		t.Errorf("got what is well first:\n%s", r.out)
	}
	s.run(with("preflight", "--for", "destroy", "--json")...).wants(t, 11, `"ok": false`, `"denied": 1`, `"outcome": "denied"`, `"kind":"operator"`)
	s.run(with("preflight", "--for", "dance")...).wants(t, 2, "is no command that takes permissions")
}
