// Cases about the end of a grant, and about deliveries that fail.
package providertest

import (
	"errors"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) DestroyKeepsData(b *bench) {
	b.now(func(t *trial) {
		g := t.Grant()
		blue := t.blueprint(g)
		t.must(job{grant: g, noProof: true})
		t.Plant(Data, blue)
		t.Plant(OtherBucket, blue)
		data, foreign := t.Objects(g.Target.Bucket), t.Foreign(blue)
		if len(data) < 2 {
			t.Fatalf("data is there: got %q, want an object inside and one outside the prefix", data)
		}
		t.must(job{grant: g, absent: true})
		t.holds("destroy keeps data", t.Objects(g.Target.Bucket), data)
		t.holds("destroy leaves nothing but the bucket", t.Ours(blue), []string{"bucket"})
		t.holds("destroy ends every key", t.Keys(blue), nil)
		if _, _, err := t.do(job{grant: g, absent: true, want: core.Want{DropBucket: true}}); err == nil {
			t.Logf("dropping a bucket that holds data is no error here")
		}
		t.holds("not even dropping the bucket drops data", t.Objects(g.Target.Bucket), data)
		t.same("destroy leaves strangers' things", t.Foreign(blue), foreign)
	})
}

func (cases) DestroyTwice(b *bench) {
	b.later("keeping the bucket", func(t *trial) { t.destroysTwice(core.Absent, []string{"bucket"}) })
	b.later("dropping the bucket", func(t *trial) { t.destroysTwice(core.Want{DropBucket: true}, nil) })
	b.later("of what never was", func(t *trial) {
		writes := t.writing(func() { t.must(job{grant: t.Grant(), absent: true}) })
		t.holds("destroying nothing writes nothing", writes, nil)
	})
}

func (t *trial) destroysTwice(want core.Want, left []string) {
	t.Helper()
	blue := t.blueprint(t.Grant())
	for round := range 2 { // what was destroyed can be made again
		t.must(job{grant: t.Grant()})
		t.holds("the delivered key works", t.Keys(blue), []string{t.last().ID})
		if len(t.given) != round+1 {
			t.Errorf("an apply after destroy delivers: got %d deliveries, want %d", len(t.given), round+1)
		}
		plan, _ := t.must(job{grant: t.Grant(), absent: true, want: want})
		t.cutsFirst(plan)
		t.holds("destroy leaves nothing else", t.Ours(blue), left)
		t.holds("destroy ends every key", t.Keys(blue), nil)
		writes := t.writing(func() {
			plan, _ := t.must(job{grant: t.Grant(), absent: true, want: want})
			if plan.Changed() {
				t.Errorf("a second destroy has nothing to do: got%s", changes(plan))
			}
		})
		t.holds("a second destroy writes nothing", writes, nil)
	}
}

// cutsFirst checks that keys end before anything else does.
func (t *trial) cutsFirst(p *core.Plan) {
	t.Helper()
	var keys []string
	for _, c := range p.Changes {
		if c.Step == core.CredentialStep && c.Action == core.Drop {
			keys = append(keys, c.Addr)
		}
	}
	if len(keys) == 0 {
		t.Errorf("destroy retires keys: got%s", changes(p))
	}
	for _, c := range p.Changes {
		for _, k := range keys {
			if c.Step != core.CredentialStep && c.Action.Writes() && !slices.Contains(c.Needs, k) {
				t.Errorf("keys end first: %s does not need %s", c.Addr, k)
			}
		}
	}
}

func (cases) FailedDeliveryLeavesNoKey(b *bench) {
	full := errors.New("the disk is full")
	for _, noProof := range []bool{false, true} {
		name := "proven"
		if noProof {
			name = "unproven"
		}
		b.later(name, func(t *trial) {
			blue := t.blueprint(t.Grant())
			_, receipt, err := t.do(job{grant: t.Grant(), noProof: noProof, refuse: full})
			if !errors.Is(err, full) {
				t.Errorf("a failed delivery is the error: got %v, want %v", err, full)
			}
			t.holds("a failed delivery leaves no key", t.Keys(blue), nil)
			if receipt.Key != nil || receipt.Delivery != nil {
				t.Errorf("a receipt names no key that was not delivered: got %+v, %+v", receipt.Key, receipt.Delivery)
			}
			if debts := t.disk.debts(); len(debts) > 0 {
				t.Errorf("a retired key is no debt: got %+v pending", debts)
			}
			t.converges(t.Grant())
		})
	}
	b.later("rehearsal", func(t *trial) {
		writes := t.writing(func() {
			if _, _, err := t.do(job{grant: t.Grant(), lack: full}); !errors.Is(err, full) {
				t.Errorf("a delivery that would fail is the error: got %v, want %v", err, full)
			}
		})
		t.holds("a delivery that would fail stops before any write", writes, nil)
	})
}
