// What the journal knows of a key follows what becomes of the key.
package core

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// diary is a ledger that remembers what was said of each entry, and has only so many good pages.
type diary struct {
	ledger
	said  map[string]bool // by the ID of what was settled: whether it happened
	times int
	blind error // what asking for the entries gives
	full  string
}

func (d *diary) Settle(id string, ok bool) error {
	if d.said == nil {
		d.said = map[string]bool{}
	}
	d.said[id] = ok
	d.times++
	return d.ledger.Settle(id, ok)
}

func (d *diary) Intend(i Intent) error {
	if d.full != "" && strings.HasSuffix(i.ID, d.full) {
		return errFull
	}
	return d.ledger.Intend(i)
}

func (d *diary) Pending() ([]Intent, error) {
	if d.blind != nil {
		return nil, d.blind
	}
	return d.ledger.Pending()
}

func (d *diary) ids() []string {
	var ids []string
	for _, i := range d.open {
		ids = append(ids, i.ID)
	}
	return ids
}

func TestWhatIsKnownOfAKeyFollowsWhatBecomesOfIt(t *testing.T) {
	fact := func(id string, verb Verb, key, account, cause string) Intent {
		return Intent{ID: id, RunID: "earlier", Account: account, Verb: verb, Key: key, Cause: cause}
	}
	hold, rest, stolen := fact("hold", DoHold, "a", "one", ""), fact("rest", DoRest, "a", "one", Rotated), fact("stolen", DoRest, "a", "one", Compromised)
	begun := fact("begun", DoChange, "a", "one", Rotated)
	own := begun
	own.ID, own.RunID = "own", "run"
	off, on, gone := Change{Action: Alter, After: keyOff}, Change{Action: Alter, After: keyOn}, Change{Action: Drop}
	for name, c := range map[string]struct {
		before []Intent
		change Change
		after  []string
	}{
		"switched off":                      {[]Intent{hold}, off, []string{"hold", "run/rest/a"}},
		"switched off again, for a reason":  {[]Intent{hold, rest}, off, []string{"hold", "run/rest/a"}},
		"switched on":                       {[]Intent{hold, rest}, on, []string{"hold"}},
		"switched on although compromised":  {[]Intent{hold, stolen}, on, []string{"hold"}},
		"retired":                           {[]Intent{hold, rest}, gone, nil},
		"retired because it is compromised": {[]Intent{hold, stolen}, gone, []string{"stolen"}},
		"a run that died was switching it":  {[]Intent{begun}, on, nil},
		"this run is switching it":          {[]Intent{own}, on, []string{"own"}},
		"an open change of something else":  {[]Intent{fact("other", DoChange, "a", "one", "")}, gone, []string{"other"}},
		"another key":                       {[]Intent{fact("b", DoHold, "b", "one", "")}, gone, []string{"b"}},
		"another account":                   {[]Intent{fact("two", DoHold, "a", "two", "")}, gone, []string{"two"}},
		"a debt":                            {[]Intent{fact("debt", DoHand, "a", "one", Compromised)}, gone, []string{"debt"}},
	} {
		j := &diary{ledger: ledger{open: c.before}}
		p := &Plan{Operator: Operator{Account: "one"}}
		if err := (&Engine{Journal: j, RunID: "run"}).turned(p, "a", c.change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := j.ids(); !slices.Equal(got, c.after) {
			t.Errorf("%s: got %q on record, want %q", name, got, c.after)
		}
		if slices.Contains(slices.Collect(maps.Values(j.said)), true) {
			t.Errorf("%s: what is forgotten has not happened again: got %v", name, j.said)
		}
	}
}

func TestWhyAKeyIsSwitchedOffIsNoted(t *testing.T) {
	for given, want := range map[string]string{"": Revoked, Rotated: Rotated, Compromised: Compromised} {
		j := &diary{}
		p := &Plan{Operator: Operator{Account: "one"}, Want: Want{Keys: KeyWant{Cause: given}}}
		err := (&Engine{Journal: j, RunID: "run"}).turned(p, "a", Change{Addr: "key/a", Action: Alter, After: keyOff})
		known := handedIn(j.open, "one")
		if err != nil || len(known) != 1 || known[0].Cause != want || known[0].Key != "a" || time.Since(known[0].Off) > time.Minute {
			t.Errorf("cause %q: got %+v and %v, want %q", given, known, err, want)
		}
	}
}

func TestWhatCannotBeNotedOfAKeyIsAnError(t *testing.T) {
	hold := Intent{ID: "hold", Account: "one", Verb: DoHold, Key: "a"}
	for name, c := range map[string]struct {
		j      *diary
		change Change
	}{
		"the journal cannot be read":     {&diary{blind: errFull}, Change{Action: Drop}},
		"what is over cannot be settled": {&diary{ledger: ledger{open: []Intent{hold}, fail: "hold"}}, Change{Action: Drop}},
		"what is cannot be added":        {&diary{full: "rest/a"}, Change{Action: Alter, After: keyOff}},
	} {
		if err := (&Engine{Journal: c.j, RunID: "run"}).turned(&Plan{Operator: Operator{Account: "one"}}, "a", c.change); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestWhoeverHoldsAKeyIsKnownFromTheOldestOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &diary{}
		e := &Engine{Journal: j, RunID: "run"}
		p := &Plan{Operator: Operator{Account: "one"}, steps: &Steps{Credential: &holder{}}}
		ack := &Acknowledgement{}
		for id, d := range map[string]*Delivery{"sealed": {Acknowledge: ack}} {
			if err := e.hold(p, Credential{ID: id}, d); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		if err := e.hold(p, Credential{ID: "plain"}, nil); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(j.open)
		got, err := e.Handed("one")
		if err != nil || len(got) != 2 || got[0].Key != "sealed" || got[0].Ack != ack || got[1].Key != "plain" || got[1].Ack != nil {
			t.Errorf("got %+v and %v, want the sealed one with its acknowledgement, then the other", got, err)
		}
	})
}

func TestASwitchThatADeadRunDidNotNoteIsNotedByTheNext(t *testing.T) {
	begun := Intent{ID: "dead/change", RunID: "dead", Account: "one", Verb: DoChange, Addr: "key/a", Key: "a", Cause: Rotated}
	keep := Change{Addr: "key/a", Action: Keep}
	for name, c := range map[string]struct {
		alter func(i *Intent, k *Key, c *Change)
		want  []string
	}{
		"it took effect":                {func(*Intent, *Key, *Change) {}, []string{"dead/rest/a"}},
		"the key works":                 {func(_ *Intent, k *Key, _ *Change) { k.Active = true }, nil},
		"another key rests":             {func(_ *Intent, k *Key, _ *Change) { k.ID = "b" }, nil},
		"this run changes it":           {func(_ *Intent, _ *Key, c *Change) { c.Action = Drop }, nil},
		"this run keeps another":        {func(_ *Intent, _ *Key, c *Change) { c.Addr = "key/b" }, nil},
		"it was no switching off":       {func(i *Intent, _ *Key, _ *Change) { i.Cause = "" }, nil},
		"it was no change":              {func(i *Intent, _ *Key, _ *Change) { i.Verb = DoIssue }, nil},
		"it was no change, nor a cause": {func(i *Intent, _ *Key, _ *Change) { i.Verb, i.Cause = DoIssue, "" }, nil},
	} {
		i, k, kept := begun, Key{ID: "a"}, keep
		c.alter(&i, &k, &kept)
		j := &diary{ledger: ledger{open: []Intent{i}}}
		p := &Plan{Keys: []Key{k}, Changes: []Change{kept}, stale: []Intent{i}}
		e := &Engine{Journal: j, RunID: "run"}
		if err := errors.Join(e.closeStale(p), e.closeStale(p)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := j.ids(); !slices.Equal(got, c.want) || j.times != 1 || j.said[begun.ID] {
			t.Errorf("%s: got %q on record after %d settlements that say %v, want %q after one that says no", name, got, j.times, j.said, c.want)
		}
	}
}
