// The watch on a provider: every secret that it makes is remembered, to be hunted for.
package providertest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// watched is a provider under the judge's eyes. It changes nothing.
type watched struct {
	core.Provider
	trial *trial
	born  func() // called before each issue; may be nil
	tried func() // called once, before the grantee is tried; may be nil
}

func (w *watched) Act(ctx context.Context, b core.Blueprint, c core.Credential) (core.Actor, error) {
	if f := w.tried; f != nil {
		w.tried = nil
		f()
	}
	if w.trial.afar && c.Secret.Empty() {
		return nil, &core.Error{Kind: core.ErrNotHere, What: "grantee", Err: errors.New("is somewhere else")}
	}
	return w.Provider.Act(ctx, b, c)
}

func (w *watched) Open(ctx context.Context, b core.Blueprint) (*core.Steps, error) {
	steps, err := w.Provider.Open(ctx, b)
	if err != nil {
		return nil, err
	}
	own := *steps
	if steps.Claimer != nil {
		own.Claimer = &watchedClaimer{steps.Claimer}
	}
	if steps.Credential != nil {
		own.Credential = &watchedIssuer{steps.Credential, w}
	}
	return &own, nil
}

// watchedClaimer marks calls that are about the claim only: they run beside others.
type watchedClaimer struct{ core.Claimer }

type claimKey struct{}

func (c *watchedClaimer) Note(ctx context.Context) error {
	return c.Claimer.Note(context.WithValue(ctx, claimKey{}, true))
}

func (c *watchedClaimer) Release(ctx context.Context) (not bool, err error) {
	return c.Claimer.Release(context.WithValue(ctx, claimKey{}, true))
}

// ofClaim begins the names of such calls.
const ofClaim = "claim: "

// named tells such calls apart.
func named(classify func(*http.Request) cloudsim.Op) func(*http.Request) cloudsim.Op {
	return func(r *http.Request) cloudsim.Op {
		op := classify(r)
		if r.Context().Value(claimKey{}) != nil {
			op.Name = ofClaim + op.Name
		}
		return op
	}
}

type watchedIssuer struct {
	core.Issuer
	watched *watched
}

func (i *watchedIssuer) Issue(ctx context.Context) (core.Credential, error) {
	t := i.watched.trial
	t.mu.Lock()
	t.issues++
	t.mu.Unlock()
	if i.watched.born != nil {
		i.watched.born()
	}
	before := len(t.Transport().Calls())
	c, err := i.Issuer.Issue(ctx)
	if t.issuing != nil {
		for _, call := range t.Transport().Calls()[before:] {
			if !strings.HasPrefix(call.Op.Name, ofClaim) {
				t.issuing[call.Op.Name] = call.Op.Write
			}
		}
	}
	if !c.Secret.Empty() {
		kept := c
		kept.Secret = core.NewSecret(slices.Clone(c.Secret.Reveal()))
		t.mu.Lock()
		t.born = append(t.born, kept)
		t.mu.Unlock()
		t.say(c, nil)
	}
	return c, err
}
