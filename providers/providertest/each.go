// Each: taking every further grant of a world through a part of a case.
package providertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// briefly is how long a proof waits for what is known to be missing.
const briefly = 5 * time.Second

// grants are the names of the world's further grants, sorted.
func (b *bench) grants() (names []string) {
	b.now(func(t *trial) { names = slices.Sorted(maps.Keys(t.Grants())) })
	return names
}

// each runs f in a fresh world for every further grant. What the grant
// presupposes is there: the bucket that it adopts, and another one to be refused in.
func (b *bench) each(f func(t *trial, g core.Grant, blue core.Blueprint)) {
	for _, name := range b.grants() {
		b.later(path(name), func(t *trial) { f(t, t.Grants()[name], t.ready(t.Grants()[name])) })
	}
}

// kind is what g has in common with the variants of its profile that have the
// same identity and a bucket of the same kind.
func kind(g core.Grant) string {
	profile, _, _ := strings.Cut(g.Profile, "+")
	return fmt.Sprint(profile, g.Who, g.Literal, g.Target.Shared, g.Target.Adopt)
}

// path makes a name usable as one part of a subtest's name.
func path(name string) string { return strings.ReplaceAll(name, "/", "|") }

// ready compiles g and plants what it presupposes.
func (t *trial) ready(g core.Grant) core.Blueprint {
	t.Helper()
	blue := t.blueprint(g)
	if g.Target.Adopt {
		t.Plant(OwnersBucket, blue)
	}
	t.Plant(OtherBucket, blue)
	return blue
}

// keyless reports whether g's grantee is handed no secret.
func (t *trial) keyless(g core.Grant) bool { return t.Provider().Info().Form(g.Who) == "" }

// holder is what g's grantee has to show: the key that was delivered last, or nothing.
func (t *trial) holder(g core.Grant) core.Credential {
	t.Helper()
	if t.keyless(g) {
		return core.Credential{}
	}
	return t.last()
}

// handed checks that what works is what was delivered: the last key, or none at all.
func (t *trial) handed(b core.Blueprint) {
	t.Helper()
	if t.keyless(b.Grant) {
		t.holds("nobody is handed a key who needs none", t.Keys(b), nil)
		t.holds("nothing is delivered where nothing is secret", ids(t.given), nil)
		return
	}
	t.holds("the key that was delivered last works, and no other", t.Keys(b), []string{t.last().ID})
}

// shut checks that nobody can become b's grantee any more.
func (t *trial) shut(b core.Blueprint, when string) {
	t.Helper()
	t.holds(when+" no key works", t.Keys(b), nil)
	if !t.keyless(b.Grant) {
		return
	}
	actor, err := t.Provider().Act(t.Context(), b, core.Credential{})
	t.say(nil, err)
	if err != nil {
		return // it cannot even begin
	}
	got, err := actor.Try(t.Context(), core.Probe{Ability: core.Enter, Where: core.Door, Bucket: b.Grant.Target.Bucket, Want: core.Denied})
	t.say(got, err)
	if got == core.Allowed {
		t.Errorf("%s nobody becomes the grantee any more: got %s", when, got)
	}
}

// stays is what [World.Ours] names after a destroy that keeps the bucket.
func stays(g core.Grant) []string {
	if g.Target.Adopt {
		return nil
	}
	return []string{"bucket"}
}
