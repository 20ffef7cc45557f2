// What is seen late: how the cloud is, and how the provider waits for it.
package memory

import (
	"context"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// lag is how a change that is made now reaches readers.
func (c *Cloud) lag() *cloudsim.Lag {
	if c.lent != nil {
		return c.lent
	}
	return cloudsim.After(c.delay)
}

// bind adds the binding, once the principal that was made a moment ago is known.
func (s *steps) bind(ctx context.Context) error {
	for waited := time.Duration(0); ; waited += time.Second {
		_, err := s.as(ctx, "policy.add", request{Binding: s.binding()})
		switch {
		case !is(err, early) || s.Flaw == CallsLateAFailure:
			return err
		case waited >= time.Minute:
			return &core.Error{Kind: core.ErrNotConverged, What: "binding/" + s.name, Err: err}
		}
		time.Sleep(time.Second)
	}
}

// lists reports whether a list shows a key.
func (s *issuer) lists(ctx context.Context, id string) bool {
	keys, err := s.List(ctx)
	return err == nil && slices.ContainsFunc(keys, func(k core.Key) bool { return k.ID == id })
}
