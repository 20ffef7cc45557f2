// The actor: trying things with a key.
package memory

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

	"github.com/bucketgrant/bucketgrant/core"
)

func random() string { return rand.Text() + rand.Text() }

type actor struct {
	*Provider
	token string
}

// Try makes one attempt.
func (a *actor) Try(ctx context.Context, p core.Probe) (core.Outcome, error) {
	action, key := actions[p.Ability], p.Key
	if p.Ability == core.Overwrite {
		action = "object.put" // the cloud itself tells a replacement from a creation
	}
	if p.Where == core.Whole {
		key = ""
	}
	if a.Flaw == NeverTries {
		return p.Want, nil
	}
	dry := p.Where == core.Elsewhere && a.Flaw != WritesElsewhere || p.Ability == core.Administer
	_, err := a.call(ctx, a.token, action, request{Bucket: p.Bucket, Key: key, Dry: dry})
	switch {
	case err == nil || is(err, missing):
		return core.Allowed, nil
	case denied(err) || a.Flaw == TakesAnyFailureForARefusal:
		return core.Denied, nil
	}
	if a.Flaw == TakesSilenceForConsent {
		return core.Allowed, nil
	}
	if is(err, http.StatusUnauthorized) && a.Flaw != NeverRejected {
		err = fmt.Errorf("%w: %w", core.ErrRejected, err)
	}
	if a.Flaw == LeaksInErrors {
		err = fmt.Errorf("with %s: %w", a.token, err)
	}
	return core.Unclear, err
}

// denied tells the cloud's own refusal from anybody else's.
func denied(err error) bool {
	f, ok := err.(*failure)
	return ok && f.status == http.StatusForbidden && f.answer.Code == "denied"
}
