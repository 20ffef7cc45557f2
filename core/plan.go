// Plan: what would be done, as the only dry run.
package core

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Plan is what has to be done to reach Want, as seen at one moment.
type Plan struct {
	Want      Want      `json:"want"`
	Blueprint Blueprint `json:"blueprint"`
	Operator  Operator  `json:"operator"` // zero if the plan was made offline
	Changes   []Change  `json:"changes"`
	Keys      []Key     `json:"-"`
	Digest    string    `json:"digest"` // of all of the above but Keys
	Offline   bool      `json:"offline,omitempty"`
	Made      time.Time `json:"made"`
	Calls     int       `json:"calls"`             // cloud calls that making the plan took
	Depth     int       `json:"depth"`             // how many of them waited for each other
	Claimed   *Claim    `json:"claimed,omitempty"` // a run on another machine that is at work on the grant

	steps       *Steps
	stale       []Intent // journal entries that this plan's changes will settle
	undelivered []string // IDs of keys whose delivery an earlier run did not end
	unseen      []Intent // deliveries of keys that no list shows yet
	young       []Intent // keys that were handed over a moment ago and that no list shows yet
	unproven    []Intent // what earlier runs have opened and not proven
	unlisted    error    // why the keys could not be listed of an access that is shut all the same
	late        []string // addresses of keys that go once a fresh one is delivered
	lost        []Intent // journal entries of keys that are being replaced, settled when nothing is left to do
	pending     *Intent  // an issue whose outcome is unknown and too young to be decided
	claimed     string   // what stands in the place of a claim
	hold        *hold    // this run's claim
}

// Changed reports whether carrying the plan out would write anything.
func (p *Plan) Changed() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action.Writes() })
}

// Refused returns the changes that stop everything.
func (p *Plan) Refused() []Change {
	return slices.DeleteFunc(slices.Clone(p.Changes), func(c Change) bool { return c.Action != Refuse })
}

// Refusal is the error of a plan of which something is refused.
func (p *Plan) Refusal() error {
	var errs []error
	for _, c := range p.Refused() {
		errs = append(errs, c.Refusal())
	}
	return errors.Join(errs...)
}

// Issues reports whether carrying the plan out makes a credential.
func (p *Plan) Issues() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Step == CredentialStep && c.Action == Make })
}

// Compile checks g and compiles it, naming all faults at once.
func Compile(p Provider, g Grant) (Blueprint, error) {
	faults := append(g.Faults(), whoFaults(g, p.Info())...)
	b, err := p.Compile(g)
	if more, ok := errors.AsType[Faults](err); ok {
		faults = append(faults, more...)
	} else if err != nil {
		return b, err
	}
	return b, faults.Err()
}

// Offline plans without any call: every resource is taken to be missing.
func (e *Engine) Offline(g Grant) (*Plan, error) {
	b, err := Compile(e.Provider, g)
	if err != nil {
		return nil, err
	}
	p := &Plan{Want: Present, Blueprint: b, Offline: true, Made: time.Now().UTC()}
	for _, r := range b.Resources {
		p.Changes = append(p.Changes, Change{Step: r.Step, Action: Make, Addr: r.Addr, Why: r.What})
	}
	p.Digest = p.digest()
	return p, nil
}

// Plan compiles g and compares it with the cloud. It writes nothing, anywhere.
func (e *Engine) Plan(ctx context.Context, g Grant, want Want) (*Plan, error) {
	b, err := Compile(e.Provider, g)
	if err != nil {
		return nil, err
	}
	var meter Meter
	ctx = WithMeter(ctx, &meter)
	steps, err := e.Provider.Open(ctx, b)
	if err != nil {
		return nil, err
	}
	p := &Plan{Want: want, Blueprint: b, Made: time.Now().UTC(), steps: steps}
	if want.Keys.only() {
		err = p.readKeys(ctx)
		if err == nil {
			err = p.turnKeys()
		}
		if err == nil {
			err = e.resume(p)
		}
	} else {
		err = e.compare(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	p.Calls, p.Depth = meter.Read()
	p.Digest = p.digest()
	if err := e.heed(p); err != nil {
		return nil, err
	}
	return p, nil
}

// compare reads everything that the plan is about, side by side, and fills in
// its changes.
func (e *Engine) compare(ctx context.Context, p *Plan) error {
	var bucket, role []Change
	errs := make([]error, 4)
	err := Together(ctx,
		func(ctx context.Context) error { p.Operator, errs[0] = p.steps.Whoami(ctx); return nil },
		func(ctx context.Context) error { bucket, errs[1] = p.steps.Bucket.Diff(ctx, p.Want); return nil },
		func(ctx context.Context) error { role, errs[2] = p.steps.Role.Diff(ctx, p.Want); return nil },
		func(ctx context.Context) error {
			if p.steps.Credential != nil {
				p.Keys, errs[3] = p.steps.Credential.List(ctx)
			}
			return nil
		},
		func(ctx context.Context) error { p.readClaim(ctx); return nil },
	)
	if err := cmp.Or(err, telling(errs)); err != nil {
		return err
	}
	p.Changes = slices.Concat(bucket, role)
	return e.planKeys(p)
}

// telling is the first of the errors. Refusals of the operator are told all at
// once, each once, so that they can be mended at once.
func telling(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	refusal := func(err error) bool { return errors.Is(err, ErrOperator) || errors.Is(err, ErrBlocked) }
	if !refusal(errs[0]) {
		return errs[0]
	}
	said := map[string]bool{}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool {
		again := said[err.Error()]
		said[err.Error()] = true
		return again || !refusal(err)
	})...)
}

// planKeys adds the changes of the credential step.
func (e *Engine) planKeys(p *Plan) error {
	issuer := p.steps.Credential
	orphans, err := e.orphans(p)
	if err != nil {
		return err
	}
	if issuer == nil {
		return nil
	}
	if p.Want.Present && (p.Want.Keys.Fresh || len(p.Keys) == 0) {
		if err := p.handedUnseen(); err != nil {
			return err
		}
	}
	var dropped []string // addresses of the keys that go, before anything else does
	var lost []string    // of those whose secrets are lost
	kept := 0
	for _, k := range p.Keys {
		c := Change{Step: CredentialStep, Action: Keep, Addr: issuer.Addr(k.ID)}
		switch {
		case !p.Want.Present:
			c.Action, c.Why = Drop, "the grant ends"
		case orphans[k.ID] != "":
			c.Action, c.Why = Drop, orphans[k.ID]
		case slices.Contains(p.Want.Keys.Gone, k.ID):
			c.Action, c.Why = Drop, "its secret is lost"
			lost = append(lost, c.Addr)
		case !k.Active:
			c.Why = "switched off: restore gives it back, reissue replaces it"
		default:
			c.Why = "issued " + k.Created.UTC().Format(time.DateOnly)
			kept++
		}
		if c.Action == Drop && !slices.Contains(lost, c.Addr) {
			dropped = append(dropped, c.Addr)
		}
		p.Changes = append(p.Changes, c)
	}
	if p.Want.Present && p.Want.Keys.Fresh {
		e.planFresh(p, dropped, lost)
		return nil
	}
	if !p.Want.Present {
		for i, c := range p.Changes {
			if c.Step != CredentialStep && c.Action.Writes() {
				p.Changes[i].Needs = slices.Concat(c.Needs, dropped) // the fast cut first
			}
		}
		return nil
	}
	if kept == 0 && len(p.Keys)-len(dropped) == 0 {
		p.Changes = append(p.Changes, Change{Step: CredentialStep, Action: Make, Addr: issuer.Addr(""),
			Needs: slices.Concat(issuer.Needs(), dropped), Why: "issued last, proven, sealed, delivered"})
	}
	return nil
}

// planFresh adds a further key. Keys whose secrets are lost go once it is
// delivered, or before if there is no room for both.
func (e *Engine) planFresh(p *Plan, dropped, lost []string) {
	issuer := p.steps.Credential
	id, _ := e.Provider.Info().Identity(p.Blueprint.Grant.Who)
	c := Change{Step: CredentialStep, Action: Make, Addr: issuer.Addr(""), Needs: slices.Concat(issuer.Needs(), dropped), Why: "issued beside those that are there, proven, sealed, delivered"}
	left := len(p.Keys) - len(dropped)
	switch most := id.MostKeys; {
	case most == 0 || left < most:
		p.late = lost
	case left-len(lost) < most:
		c.Needs = slices.Concat(c.Needs, lost)
	default:
		var ages []string
		for _, k := range p.Keys {
			ages = append(ages, k.ID+" "+k.age(p.Made))
		}
		c.Action, c.Needs = Refuse, nil
		c.Why = fmt.Sprintf("no room for a further key: there are %d of %d: %s", left, most, strings.Join(ages, "; "))
		c.Hint = "finish the rotation that is under way, or retire a key that nobody uses"
	}
	p.Changes = append(p.Changes, c)
}

// digest is a fingerprint of what a reviewer of the plan has seen.
func (p *Plan) digest() string {
	seen := struct {
		Want      Want
		Blueprint Blueprint
		Account   string
		Changes   []Change
	}{p.Want, p.Blueprint, p.Operator.Account, p.Changes}
	raw, err := json.Marshal(seen)
	if err != nil {
		panic(fmt.Sprintf("core: a plan that is no JSON: %v", err))
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}
