// Waiting for a refusal, in virtual time.
package core

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// fading is an actor whose access ends some time after it was made.
type fading struct {
	end    time.Time
	answer Outcome // afterwards
	err    error
	flaps  bool // one answer of four comes from where nothing is known yet
	n      int
}

func (f *fading) Try(context.Context, Probe) (Outcome, error) {
	f.n++
	if time.Now().Before(f.end) || f.flaps && f.n%3 == 0 {
		return Allowed, nil
	}
	return f.answer, f.err
}

func TestARefusalIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		actor fading
		after time.Duration
		want  error
	}{
		"refused at once":          {fading{answer: Denied}, 0, nil},
		"refused after a while":    {fading{answer: Denied}, 20 * time.Second, nil},
		"not accepted any more":    {fading{answer: Unclear, err: ErrRejected}, 20 * time.Second, nil},
		"unclear is no refusal":    {fading{answer: Unclear, err: errors.New("a broken line")}, 0, ErrNotConverged},
		"now and then is not ever": {fading{answer: Denied, flaps: true}, 0, ErrNotConverged},
		"it goes on":               {fading{answer: Denied}, time.Hour, ErrNotConverged},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := c.actor
				a.end = time.Now().Add(c.after)
				e := &Engine{Provider: abled{&small{act: func() (Actor, error) { return &a, nil }}}, Journal: records{}, RunID: "run"}
				b := Blueprint{Grant: anyGrant, Probes: ".probe/"}
				waited, err := e.AwaitRefusal(t.Context(), &Plan{Blueprint: b}, Credential{ID: "a", Secret: NewSecret([]byte(canary))})
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Fatalf("got error %v after %s, want %v", err, waited, c.want)
				}
				if err == nil && (waited < c.after || waited > c.after+10*time.Second) {
					t.Errorf("got a refusal after %s, want one soon after %s", waited, c.after)
				}
			})
		})
	}
}

// abled is a small provider that can try to put objects.
type abled struct{ *small }

func (a abled) Info() Info {
	i := a.small.Info()
	i.Abilities = []Ability{Create}
	return i
}
