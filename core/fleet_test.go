// What a fleet promises: each member on its own, shared buckets once.
package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// estate is a provider whose grants share buckets. It hands out no secrets.
type estate struct {
	mu      sync.Mutex
	made    map[string]int  // address → how often it was made
	broken  map[string]bool // addresses that cannot be made
	strange map[string]bool // addresses that are not ours
}

func (e *estate) Info() Info {
	return Info{Name: "estate", Identities: []Identity{{Who: WhoAccount}}}
}
func (e *estate) Compile(g Grant) (Blueprint, error) {
	return Blueprint{Cloud: "estate", Grant: g, Probes: g.Target.Prefix + ".probe/"}, nil
}
func (e *estate) Act(context.Context, Blueprint, Credential) (Actor, error) { return nil, ErrNotHere }
func (e *estate) Open(_ context.Context, b Blueprint) (*Steps, error) {
	return &Steps{
		Whoami: func(context.Context) (Operator, error) { return Operator{Account: "one"}, nil },
		Bucket: plot{e, BucketStep, "bucket/" + b.Grant.Target.Bucket}, Role: plot{e, RoleStep, "role/" + b.Grant.Name},
	}, nil
}

type plot struct {
	*estate
	step StepName
	addr string
}

func (p plot) Diff(_ context.Context, want Want) ([]Change, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := Change{Step: p.step, Action: Keep, Addr: p.addr}
	switch {
	case p.strange[p.addr]:
		c.Action = Refuse
	case p.made[p.addr] == 0 && want.Present:
		c.Action = Make
	case p.made[p.addr] > 0 && !want.Present && p.step == RoleStep:
		c.Action = Drop
	}
	return []Change{c}, nil
}

func (p plot) Do(_ context.Context, c Change) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken[p.addr] {
		return errors.New("broken")
	}
	if p.made[p.addr]++; c.Action == Drop {
		delete(p.made, p.addr)
	}
	return nil
}

func newEstate() *estate {
	return &estate{made: map[string]int{}, broken: map[string]bool{}, strange: map[string]bool{}}
}

func (e *estate) fleet() *Fleet {
	return &Fleet{NoProof: true, AtOnce: 4, Open: func(Grant, bool) (*Engine, func() error, error) {
		return &Engine{Provider: e, Journal: &ledger{}, RunID: "run"}, func() error { return nil }, nil
	}}
}

func site(name string) Grant {
	return Grant{Name: name, Who: WhoAccount, Can: []Ability{Create}, Target: Target{Bucket: "backups", Prefix: name + "/", Shared: true}}
}

func sites(n int) []*Member {
	var list []*Member
	for i := range n {
		list = append(list, &Member{Grant: site(fmt.Sprintf("site-%03d", i))})
	}
	return list
}

func TestOneFailingMemberStopsNobodyElseAndTheNextRunFinishes(t *testing.T) {
	e := newEstate()
	e.broken["role/site-003"], e.strange["role/site-005"] = true, true
	members := sites(9)
	err := e.fleet().Apply(t.Context(), members, Present)
	if !errors.Is(err, ErrSomeFailed) || !strings.Contains(err.Error(), "2 of 9") {
		t.Fatalf("got error %v, want 2 of 9 failed", err)
	}
	for i, m := range members {
		if failed := i == 3 || i == 5; (m.Err != nil) != failed || (e.made["role/"+m.Grant.Name] == 1) == failed {
			t.Errorf("%s: got error %v and made %d times, want failed %v", m.Grant.Name, m.Err, e.made["role/"+m.Grant.Name], failed)
		}
	}
	if e.made["bucket/backups"] != 1 {
		t.Errorf("the shared bucket was made %d times, want once", e.made["bucket/backups"])
	}
	clear(e.broken)
	clear(e.strange)
	if err := e.fleet().Apply(t.Context(), sites(9), Present); err != nil {
		t.Fatalf("again: %v", err)
	}
	for addr, n := range e.made {
		if n != 1 {
			t.Errorf("%s: made %d times, want once", addr, n)
		}
	}
	if err := e.fleet().Apply(t.Context(), sites(9), Absent); err != nil || len(e.made) != 1 {
		t.Errorf("destroying: got %v and %v left, want the bucket alone", err, e.made)
	}
}

func TestSharedBucketThatFailsFailsItsMembersAndNoOthers(t *testing.T) {
	e := newEstate()
	e.broken["bucket/backups"] = true
	members := sites(3)
	other := &Member{Grant: site("elsewhere")}
	other.Grant.Target.Bucket = "archive"
	err := e.fleet().Apply(t.Context(), append(members, other), Present)
	if !errors.Is(err, ErrSomeFailed) || other.Err != nil {
		t.Fatalf("got error %v and for the other bucket %v, want some failed and nil", err, other.Err)
	}
	for _, m := range members {
		if m.Err == nil || e.made["role/"+m.Grant.Name] != 0 {
			t.Errorf("%s: got error %v, made %d; want an error and nothing made", m.Grant.Name, m.Err, e.made["role/"+m.Grant.Name])
		}
	}
}

func TestFleetWritesNothingThatNobodyAgreedTo(t *testing.T) {
	e := newEstate()
	if err := e.fleet().Apply(t.Context(), sites(2), Present); err != nil {
		t.Fatal(err)
	}
	members := sites(2)
	if err := e.fleet().Plan(t.Context(), members, Present); err != nil {
		t.Fatal(err)
	}
	delete(e.made, "role/site-001")
	err := e.fleet().Apply(t.Context(), members, Present)
	if !errors.Is(err, ErrSomeFailed) || !errors.Is(members[1].Err, ErrMoved) || members[0].Err != nil || e.made["role/site-001"] != 0 {
		t.Errorf("got %v; %v and %v; made %v: want the second to have moved and not to be written", err, members[0].Err, members[1].Err, e.made)
	}
}

func TestPanicOfAMemberIsItsOwn(t *testing.T) {
	e := newEstate()
	f := e.fleet()
	open := f.Open
	f.Open = func(g Grant, write bool) (*Engine, func() error, error) {
		engine, closer, err := open(g, write)
		if g.Name == "site-001" {
			engine.Provider = nil
		}
		return engine, closer, err
	}
	members := sites(3)
	if err := f.Plan(t.Context(), members, Present); !errors.Is(err, ErrSomeFailed) {
		t.Fatalf("got %v, want some failed", err)
	}
	for i, m := range members {
		if (m.Err != nil) != (i == 1) {
			t.Errorf("%s: got %v", m.Grant.Name, m.Err)
		}
	}
}

func TestFleetThatContradictsItselfIsRefused(t *testing.T) {
	for _, c := range []struct {
		change func(g *Grant)
		want   string
	}{
		{func(*Grant) {}, ""},
		{func(g *Grant) { g.Name = "one" }, "two grants"},
		{func(g *Grant) { g.Target.Prefix = "one/deeper/" }, "inside each other"},
		{func(g *Grant) { g.Target.Prefix = "" }, "inside each other"},
		{func(g *Grant) { g.Target.Prefix = "one.org/" }, ""},
		{func(g *Grant) { g.Target.Region = "elsewhere" }, "described differently"},
		{func(g *Grant) { g.Target.Shared = false }, "described differently"},
		{func(g *Grant) { g.Target.Bucket, g.Target.Shared = "own", false }, ""},
	} {
		second := site("two")
		c.change(&second)
		err := FleetFaults([]Grant{site("one"), second}).Err()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", second, err, c.want)
		}
	}
	one, two := site("one"), site("two")
	one.Target.Shared, two.Target.Shared = false, false
	if err := FleetFaults([]Grant{one, two}).Err(); err == nil || !strings.Contains(err.Error(), "belongs to one") {
		t.Errorf("two grants of a bucket that is not shared: got %v", err)
	}
}

func TestMembersAreProvenAgainstThoseThatLookAlike(t *testing.T) {
	var members []*Member
	for _, name := range []string{"b.example", "a.example.org", "zz", "a.example", "a.exam"} {
		members = append(members, &Member{Grant: site(name)})
	}
	if got, want := beside(site("a.example").Target, members), []string{"a.example.org/", "a.exam/"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	b := Blueprint{Grant: site("a.example"), Probes: "a.example/.probe/"}
	for _, p := range besideProbes(b, []Ability{Create, Read, List, Delete}, "run", []string{"a.example.org/"}) {
		if !strings.HasPrefix(p.Key, "a.example.org/") || p.Want != Denied || p.Where != Neighbour {
			t.Errorf("got %+v, want it refused below the other's prefix", p)
		}
	}
}
