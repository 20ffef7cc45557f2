// Stage: the scenes in which the verbs of a program begin.
package clitest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
)

// scene is a cloud and a home directory at one moment.
type scene struct {
	cloud  []byte // a snapshot; nil is a fresh cloud
	home   string // a copy of it; "" is an empty one
	secure bool   // the cloud is reached as over the Internet
}

// stage is a program and the scenes that its verbs begin in.
type stage struct {
	seam     Seam
	identity *age.X25519Identity
	grant    []string
	scenes   map[string]scene
	wholes   map[string]whole // by the name of the verb
}

// verb is one command, and in which scene it makes sense.
type verb struct {
	Name string
	In   string
	Args []string
	Done int // how it may end as well once everything is done; 0 if it always succeeds
}

// verbs are the commands that write. @key is the key that works, @to is who gets a new one.
func verbs() []verb {
	return []verb{
		{"apply", "fresh", []string{"apply", "@to", "--yes"}, 0},
		{"rotate-start", "applied", []string{"rotate", "start", "@to", "--yes"}, 2},
		{"rotate-finish", "started", []string{"rotate", "finish", "--force", "--grace", "0", "--yes"}, 2},
		{"rotate-rest", "started", []string{"rotate", "finish", "--force", "--yes"}, 0},
		{"rotate-abort", "started", []string{"rotate", "abort", "--force", "--yes"}, 2},
		{"reissue", "applied", []string{"reissue", "@to", "--key", "@key", "--force", "--yes"}, 2},
		{"revoke", "applied", []string{"revoke", "--yes"}, 0},
		{"restore", "revoked", []string{"restore", "--yes"}, 0},
		{"destroy", "applied", []string{"destroy", "--yes"}, 1},
	}
}

// newStage prepares every scene, and lets every verb run undisturbed.
func newStage(t *testing.T, s Seam) *stage {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	g := &stage{seam: s, identity: id, scenes: map[string]scene{"fresh": {}}, wholes: map[string]whole{}}
	g.grant = append(grant(s.Cloud), "--prefix", "events/", "--sandbox", "--journal", "journal")
	for _, step := range []struct{ from, to, line string }{
		{"fresh", "applied", "apply @to --yes"}, {"applied", "started", "rotate start @to --yes"}, {"applied", "revoked", "revoke --yes"},
	} {
		b := g.bed(t, g.scenes[step.from])
		if r := b.inside(strings.Fields(step.line)...); r.Code != 0 {
			t.Fatalf("%s: got %d\n%s%s", step.line, r.Code, r.Stdout, r.Stderr)
		}
		cloud, err := b.fake.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		g.scenes[step.to] = scene{cloud: cloud, home: b.home}
	}
	for _, v := range verbs() {
		g.wholes[v.Name] = g.whole(t, v)
	}
	return g
}

// line is the arguments of a command about the stage's grant.
func (g *stage) line(args []string) []string {
	var line []string
	for _, a := range args {
		switch a {
		case "@to":
			line = append(line, "--to", g.identity.Recipient().String(), "--out", "handoff")
		case "@key":
			line = append(line, g.firstKey())
		default:
			line = append(line, a)
		}
	}
	return append(line, g.grant...)
}

// firstKey is the ID of the key that the scene "applied" has.
func (g *stage) firstKey() string {
	found, _ := filepath.Glob(filepath.Join(g.scenes["applied"].home, "handoff", "*.manifest.json"))
	var m struct{ Key struct{ ID string } }
	if len(found) == 1 {
		if data, err := os.ReadFile(found[0]); err == nil {
			_ = json.Unmarshal(data, &m)
		}
	}
	return m.Key.ID
}

// survey is what there is: the keys, and the files that were handed over.
type survey struct {
	Keys  map[string]bool // by ID: whether it is active
	Files []string
}

// active are the states of the keys without their names.
func (s survey) active() []bool {
	var states []bool
	for _, active := range s.Keys {
		states = append(states, active)
	}
	slices.SortFunc(states, func(a, b bool) int {
		if a == b {
			return 0
		}
		if a {
			return -1
		}
		return 1
	})
	return states
}

// survey looks around.
func (b *bed) survey() survey {
	b.Helper()
	r := b.inside("rotate", "status", "--json")
	var doc struct {
		Keys []struct {
			ID     string
			Active bool
		}
	}
	if err := json.Unmarshal([]byte(r.Stdout), &doc); err != nil {
		b.Fatalf("rotate status: got %d %s%s: %v", r.Code, r.Stdout, r.Stderr, err)
	}
	s := survey{Keys: map[string]bool{}, Files: names(b.T, filepath.Join(b.home, "handoff"))}
	for _, k := range doc.Keys {
		s.Keys[k.ID] = k.Active
	}
	return s
}

// names are the files in a directory, which need not exist.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
