// Rotation of certificates: the successor is uploaded beside the old one, which is switched off and deleted later.
package gcs

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// nextKey is another key pair of the grantee's.
var nextKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, leastBits)
	if err != nil {
		panic(err)
	}
	return key
})

// successor is the grant with the certificate of the next key pair.
func successor() core.Grant {
	return withCertificate(signed(nextKey(), epoch.AddDate(-1, 0, 0), epoch.AddDate(50, 0, 0)))
}

var further = core.Want{Present: true, Keys: core.KeyWant{Fresh: true}}

// listed are the keys of g, those that the grant names first.
func (w *world) listed(g core.Grant) (named, others []core.Key) {
	w.t.Helper()
	_, steps := w.opened(g)
	keys, err := steps.Keyring.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, k := range keys {
		if k.Named {
			named = append(named, k)
		} else {
			others = append(others, k)
		}
	}
	return named, others
}

func TestCertificateIsRotatedBesideTheOldOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		old, next := withCertificate(goodCertificate()), successor()
		w.apply(old)
		b, _ := w.opened(old)
		named, others := w.listed(old)
		if len(named) != 1 || len(others) != 0 || !named[0].Active || !named[0].Expires.Equal(epoch.AddDate(90, 0, 0)) {
			t.Fatalf("got %+v and %+v, want the one certificate and its end", named, others)
		}
		byHand := w.AddKey(b) // whosever it is, a rotation is not the time to ask
		if _, _, err := w.reach(next, further); err != nil {
			t.Fatal(err)
		}
		w.mustTry(b, core.Credential{}, "old still works", core.Allowed, nil)
		fresh, others := w.listed(next)
		if len(fresh) != 1 || len(others) != 2 || !slices.ContainsFunc(others, func(k core.Key) bool { return k.ID == byHand }) || !fresh[0].Expires.Equal(epoch.AddDate(50, 0, 0)) {
			t.Fatalf("got %+v and %+v, want the successor beside two others", fresh, others)
		}
		if p, err := w.engine().Plan(t.Context(), next, further); err != nil || p.Changed() {
			t.Errorf("got %v (%v), want nothing uploaded twice", p.Changes, err)
		}

		_, steps := w.opened(next)
		if err := steps.Keyring.Switch(t.Context(), named[0].ID, false); err != nil {
			t.Fatal(err)
		}
		w.mustTry(b, core.Credential{}, "old is off", core.Unclear, core.ErrRejected)
		for range 2 {
			if err := steps.Keyring.Retire(t.Context(), named[0].ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, others := w.listed(next); len(others) != 1 || others[0].ID != byHand {
			t.Errorf("got %+v, want the old one alone deleted", others)
		}
	})
}

func TestNoCertificateIsUploadedWhereTenKeysAre(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		old, next := withCertificate(goodCertificate()), successor()
		w.apply(old)
		b, _ := w.opened(old)
		for range mostKeys - 1 {
			w.AddKey(b)
		}
		p, _, err := w.reach(next, further)
		if said := refusals(p); err == nil || !strings.Contains(said, tooManyKeys) || !strings.Contains(said, "[gcloud iam service-accounts keys list") {
			t.Errorf("got %v with %q, want it refused before anything is written", err, said)
		}
		if named, others := w.listed(old); len(named) != 1 || len(others) != mostKeys-1 {
			t.Errorf("got %d and %d keys, want all of them as they were", len(named), len(others))
		}
	})
}

func TestCertificateThatIsSwitchedOffIsNotUploadedOnceMore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := withCertificate(goodCertificate())
		w.apply(g)
		named, _ := w.listed(g)
		_, steps := w.opened(g)
		if err := steps.Keyring.Switch(t.Context(), named[0].ID, false); err != nil {
			t.Fatal(err)
		}
		for _, want := range []core.Want{core.Present, further} {
			if p, _, err := w.reach(g, want); err == nil || !strings.Contains(refusals(p), "whoever did it had a reason") || !strings.Contains(refusals(p), "keys enable "+named[0].ID) {
				t.Errorf("got %v with %q, want it left to whoever did it", err, refusals(p))
			}
		}
		if named, others := w.listed(g); len(named) != 1 || named[0].Active || len(others) != 0 {
			t.Errorf("got %+v and %+v, want the one key, switched off", named, others)
		}
		w.fake.Expose(named[0].ID)
		if p, _, err := w.reach(g, core.Present); err == nil || !strings.Contains(refusals(p), exposed) || !strings.Contains(refusals(p), "--certificate") {
			t.Errorf("got %v with %q, want Google's reason, and another certificate", err, refusals(p))
		}
		if _, _, err := w.reach(g, core.Absent); err != nil {
			t.Errorf("destroy: %v", err)
		}
	})
}

func TestCertificatesOfAStrangersAccountAreNotListed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := withCertificate(goodCertificate())
		w.apply(g)
		named, _ := w.listed(g)
		_, steps := w.opened(g)
		w.redescribeAccount(namesOf(g, SandboxProject))
		if keys, err := steps.Keyring.List(t.Context()); err != nil || len(keys) != 0 {
			t.Errorf("got %+v (%v), want none", keys, err)
		}
		for _, err := range []error{steps.Keyring.Switch(t.Context(), named[0].ID, false), steps.Keyring.Retire(t.Context(), named[0].ID)} {
			if !errors.Is(err, core.ErrMoved) {
				t.Errorf("got %v, want %v", err, core.ErrMoved)
			}
		}
	})
}

func TestTokenOfACertificateOutlivesIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := withCertificate(goodCertificate())
		w.apply(g)
		b, steps := w.opened(g)
		holder := w.actor(b, core.Credential{})
		if got, err := holder.Try(t.Context(), creates(b, "before")); got != core.Allowed {
			t.Fatal(got, err)
		}
		named, _ := w.listed(g)
		if err := steps.Keyring.Switch(t.Context(), named[0].ID, false); err != nil {
			t.Fatal(err)
		}
		if got, _ := holder.Try(t.Context(), creates(b, "token")); got != core.Allowed {
			t.Errorf("got %s, want the token to live on for its hour", got)
		}
		time.Sleep(tokenLife)
		if got, err := holder.Try(t.Context(), creates(b, "over")); got != core.Unclear || !errors.Is(err, core.ErrRejected) {
			t.Errorf("got %s (%v), want it over", got, err)
		}
	})
}
