// Hand-over: what an earlier delivery has left goes at the last moment, and not before.
package core

import (
	"errors"
	"slices"
	"testing"
)

// clerk delivers, and remembers what was asked of it.
type clerk struct {
	unable error // Rehearse fails with it
	did    []string
}

func (c *clerk) Rehearse() error { return c.unable }

func (c *clerk) Forget(key string) error {
	c.did = append(c.did, "forget "+key)
	return nil
}

func (c *clerk) Deliver(cred Credential, _ Receipt) (Delivery, error) {
	c.did = append(c.did, "deliver "+cred.ID)
	return Delivery{}, nil
}

func TestFilesOfALostDeliveryStayUntilTheNextOneIsSure(t *testing.T) {
	e := &Engine{RunID: "run", Journal: &ledger{}}
	p := &Plan{steps: &Steps{}, Changes: []Change{{Step: CredentialStep, Action: Make}}, undelivered: []string{"old"}}
	c := &clerk{unable: errors.New("disk full")}
	if err := e.mayStart(p, ApplyOptions{Deliver: c}); !errors.Is(err, c.unable) || len(c.did) > 0 {
		t.Errorf("a rehearsal that fails: got %v, and %q done; want nothing done", err, c.did)
	}
	if err := e.handOver(t.Context(), p, ApplyOptions{Deliver: c, NoProof: true}, Credential{ID: "new"}, &Receipt{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"forget old", "deliver new"}; !slices.Equal(c.did, want) {
		t.Errorf("got %q, want %q", c.did, want)
	}
}
