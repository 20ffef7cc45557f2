// What the tests share: one run of the engine over a fake cloud, in virtual time.
package gcs

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/bucketgrant/bucketgrant/core"
)

// inWorld runs f in a fresh cloud and virtual time.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

// memory is a journal that forgets at the end of a test.
type memory struct {
	mu   sync.Mutex
	open []core.Intent
}

func (m *memory) Intend(i core.Intent) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = append(m.open, i)
	return nil
}

func (m *memory) Settle(id string, _ bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = slices.DeleteFunc(m.open, func(i core.Intent) bool { return i.ID == id })
	return nil
}

func (m *memory) Pending() ([]core.Intent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.open), nil
}

// pocket keeps the last delivered credential.
type pocket struct{ credential core.Credential }

func (*pocket) Rehearse() error { return nil }

func (p *pocket) Deliver(c core.Credential, _ core.Receipt) (core.Delivery, error) {
	c.Secret = core.NewSecret(slices.Clone(c.Secret.Reveal()))
	p.credential = c
	return core.Delivery{}, nil
}

func (w *world) engine() *core.Engine {
	return &core.Engine{Provider: w.Provider(), Journal: &memory{}, RunID: "run"}
}

// reach plans and applies, without a proof, and returns the delivered credential.
func (w *world) reach(g core.Grant, want core.Want) (*core.Plan, core.Credential, error) {
	e := w.engine()
	p, err := e.Plan(w.t.Context(), g, want)
	if err != nil {
		return p, core.Credential{}, err
	}
	var d pocket
	_, err = e.Apply(w.t.Context(), p, core.ApplyOptions{Deliver: &d, NoProof: true})
	return p, d.credential, err
}

// apply must succeed.
func (w *world) apply(g core.Grant) (*core.Plan, core.Credential) {
	w.t.Helper()
	p, c, err := w.reach(g, core.Present)
	if err != nil {
		w.t.Fatalf("apply: got %v, want success", err)
	}
	return p, c
}

// refusals are the reasons and hints of what a plan refuses.
func refusals(p *core.Plan) string {
	var lines []string
	for _, c := range p.Refused() {
		lines = append(lines, c.Addr+": "+c.Why+" ["+c.Hint+"]")
	}
	return strings.Join(lines, "\n")
}

// change returns the change of one address.
func change(t *testing.T, p *core.Plan, addr string) core.Change {
	t.Helper()
	i := slices.IndexFunc(p.Changes, func(c core.Change) bool { return c.Addr == addr })
	if i < 0 {
		t.Fatalf("got no change of %s", addr)
	}
	return p.Changes[i]
}

// hintOf is the hint of an error.
func hintOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Hint
	}
	return ""
}
