// What is new where no key is handed over: who may become the grantee, trying it, asking the cloud, and telling the grantee.
package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

func identities() []core.Identity {
	return []core.Identity{
		{Who: core.WhoAccount, Title: "an account of its own", Why: "nothing is handed over that could be lost", Forgeries: []core.Forgery{
			{Name: "wrong-word", Why: "somebody who guesses"},
			{Name: "no-word", Why: "another customer of the vendor"},
			{Name: "other-account", Why: "somebody who has heard the word"},
		}},
		{Who: core.WhoService, Title: "a service", Why: "the cloud itself does it"},
		{Who: core.WhoHMAC, Title: "a key for another protocol", Why: "it works with other programs", Form: core.PairForm, MostKeys: 3},
		{Who: core.WhoKey, Title: "a key", Why: "it works everywhere", Form: core.PairForm, MostKeys: 2, ShowsUse: true, Outlives: time.Hour},
	}
}

// keyed reports whether g's grantee is handed a key.
func keyed(g core.Grant) bool { return g.Who == core.WhoKey || g.Who == core.WhoHMAC }

// trust is who may become g's grantee.
func (p *Provider) trust(g core.Grant) trust {
	switch {
	case g.Who == core.WhoService:
		return trust{Account: "service"}
	case g.Who != core.WhoAccount:
		return trust{}
	case p.Flaw == AsksForNoWord:
		return trust{Account: g.Settings["vendor"]}
	case p.Flaw == OpensToAnybody:
		return trust{anybody, g.Settings["word"]}
	case p.Flaw == ShutsTheDoor:
		return trust{Account: "nobody"}
	}
	return trust{g.Settings["vendor"], g.Settings["word"]}
}

// Act prepares to try things.
func (p *Provider) Act(_ context.Context, b core.Blueprint, c core.Credential) (core.Actor, error) {
	switch {
	case !c.Secret.Empty() && b.Grant.Who == core.WhoHMAC:
		return &foreigner{actor{p, string(c.Secret.Reveal())}}, nil
	case !c.Secret.Empty():
		return &actor{p, string(c.Secret.Reveal())}, nil
	case b.Grant.Who != core.WhoAccount || p.Vendor == "" || p.Flaw == OnlySimulates:
		return nil, &core.Error{Kind: core.ErrNotHere, What: "grantee", Err: fmt.Errorf("cannot be had as %s", b.Grant.Who)}
	}
	return &visitor{Provider: p, name: stem(p, b.Grant), word: b.Grant.Settings["word"]}, nil
}

// foreigner is the holder of a key that only storage knows.
type foreigner struct{ actor }

// Tries is what storage decides.
func (f *foreigner) Tries() []core.Ability {
	var list []core.Ability
	for a := range actions {
		if a != core.Identify && (f.Flaw != TriesLittle || a == core.Inspect) {
			list = append(list, a)
		}
	}
	return list
}

// visitor tries things as a grantee that has no key.
type visitor struct {
	*Provider
	name, word string

	mu    sync.Mutex
	token string // of the session, once there is one
}

// Forgeries are all that there are.
func (v *visitor) Forgeries() []string {
	if v.Flaw == ForgesNothing {
		return nil
	}
	return []string{"wrong-word", "no-word", "other-account"}
}

// Try makes one attempt.
func (v *visitor) Try(ctx context.Context, p core.Probe) (core.Outcome, error) {
	if p.Ability == core.Enter {
		if v.Flaw == NeverForges && p.Key != "" {
			return core.Denied, nil
		}
		_, err := v.enter(ctx, p.Key)
		switch {
		case err == nil:
			return core.Allowed, nil
		case denied(err):
			return core.Denied, nil
		}
		return core.Unclear, err
	}
	token, err := v.session(ctx)
	if err != nil {
		return core.Unclear, err
	}
	outcome, err := (&actor{v.Provider, token}).Try(ctx, p)
	if v.Flaw == LeaksSessions && err == nil && outcome == core.Denied {
		err = fmt.Errorf("refused with %s", token)
	}
	return outcome, err
}

// session enters, unless it is known that somebody has. Nothing is held meanwhile.
func (v *visitor) session(ctx context.Context) (string, error) {
	v.mu.Lock()
	token := v.token
	v.mu.Unlock()
	if token != "" {
		return token, nil
	}
	out, err := v.enter(ctx, "")
	if err != nil {
		return "", fmt.Errorf("enter: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.token = out.Secret
	return v.token, nil
}

func (v *visitor) enter(ctx context.Context, forgery string) (answer, error) {
	token, word := v.Vendor, v.word
	switch forgery {
	case "wrong-word":
		word += "x"
	case "no-word":
		word = ""
	case "other-account":
		token = v.Stranger
	}
	return v.call(ctx, token, "principal.enter", request{Name: v.name, Trust: trust{Word: word}})
}

type simulator steps

// Simulate asks the cloud.
func (s *simulator) Simulate(ctx context.Context, p core.Probe) (core.Outcome, error) {
	if s.Flaw == SimulatesNothing {
		return p.Want, nil
	}
	if s.Flaw == CannotBeAsked && s.b.Grant.Who == core.WhoAccount {
		return core.Unclear, nil
	}
	out, err := (*steps)(s).as(ctx, "principal.ask", request{Key: actions[p.Ability], Binding: binding{Prefix: p.Key}})
	switch {
	case err != nil:
		return core.Unclear, err
	case out.Code == "allowed":
		return core.Allowed, nil
	}
	return core.Denied, nil
}

// outputs are what the grantee must be told.
func (s *steps) outputs(context.Context) ([]core.Output, error) {
	t := s.b.Grant.Target
	list := []core.Output{
		{Name: "PLACE", Value: "memory://" + t.Bucket + "/" + t.Prefix, Why: "where things go"},
		{Name: "settings", Value: "principal = " + s.name + "\n", File: "grant.conf"},
	}
	switch s.Flaw {
	case TellsTheSecret:
		if s.secret != "" {
			list = append(list, core.Output{Name: "SECRET", Value: s.secret})
		}
	case TellsSomethingElse:
		list = append(list, core.Output{Name: "NUMBER", Value: random()})
	}
	return list, nil
}
