// Hostile conditions, claims and names: the fake's evaluator against Google's own, and whatever a grant can be called.
package fakegcp_test

import (
	"math"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

// FuzzConditionsMeanTheSameToGooglesEvaluator: what the fake lets be written and
// Google's evaluator can read, both decide in the same way.
func FuzzConditionsMeanTheSameToGooglesEvaluator(f *testing.F) {
	for _, s := range []string{
		`resource.name.startsWith("projects/_/buckets/b/objects/p/") || resource.name == "projects/_/buckets/b"`, `(resource.name.startsWith('x')) && request.time < timestamp("2027-02-20T12:00:00Z")`,
		`!(resource.type in ["a", "storage.googleapis.com/Object"])`, `resource.name.matches("^p.*[.]json$") && resource.name.endsWith("n")`, `r'\' == "\\"`, `request.time - timestamp("2024-04-15T09:00:00Z") > duration("3600s")`,
		`"a" < "b" && 1 <= 2 && resource.name.size() > 3`, `request.time.getHours("Europe/Berlin") >= 9 || request.time.getDayOfWeek() == 1`, `resource.nothing == "x" || true`,
	} {
		f.Add(s, "projects/_/buckets/b/objects/p/a.json", int64(1_803_124_800))
	}
	f.Fuzz(func(t *testing.T, text, name string, seconds int64) {
		if len(text) > 1000 || seconds < -1_000_000_000 || seconds > 10_000_000_000 || fakegcp.Acceptable(text) != nil || !readable(celBinding, text) {
			return
		}
		at := time.Unix(seconds, 0).UTC()
		got, err := fakegcp.Condition(text, name, "storage.googleapis.com/Object", at)
		out, _ := celEval(celBinding, text, map[string]any{"resource.name": name, "resource.type": "storage.googleapis.com/Object", "resource.service": "storage.googleapis.com", "request.time": at})
		if got != (out == true) {
			t.Errorf("%s of %q at %s: got %v (%v), and Google's evaluator says %v", text, name, at, got, err, out)
		}
	})
}

// FuzzClaimsMeanTheSameToGooglesEvaluator is the same for what a provider asks of a token.
func FuzzClaimsMeanTheSameToGooglesEvaluator(f *testing.F) {
	for _, s := range []string{
		`assertion.repository_id == "456789" && assertion.ref == "refs/heads/main" && !assertion.event_name.startsWith("pull_request")`,
		`assertion.ref.matches("^refs/heads/rel\\..*/.$")`, `has(assertion.environment) ? assertion.environment == "x" : false`, `assertion["ref"].contains("main")`,
		`assertion.ref in ["refs/heads/main"] || assertion.list[0] == "a"`, `size(assertion.ref) > 3 && assertion.n < 3`, `"ref" in assertion`, `assertion.ref.extract("refs/heads/{b}") == "main"`,
	} {
		f.Add(s, "refs/heads/main", int64(2))
	}
	f.Fuzz(func(t *testing.T, text, ref string, n int64) {
		if len(text) > 1000 || n == math.MinInt64 || !readable(celClaims, text) {
			return
		}
		claims := map[string]any{"repository_id": "456789", "ref": ref, "event_name": "push", "n": n, "list": []any{"a", "b"}}
		got, err := fakegcp.Claims(text, claims)
		if err != nil {
			return // nobody is let in by what the fake cannot evaluate
		}
		out, ok := celEval(celClaims, text, map[string]any{"assertion": claims})
		if (got == true) != (ok && out == true) {
			t.Errorf("%s with %v: got %v (%v), and Google's evaluator says %v", text, claims, got, err, out)
		}
	})
}

// FuzzNamesOfBucketsAndPrefixesWidenNothing: whatever a bucket and a prefix are
// called, the grant is refused, or means to every judge what it says.
func FuzzNamesOfBucketsAndPrefixesWidenNothing(f *testing.F) {
	f.Add("acme-events", "events/", "x", uint16(1), true)
	f.Add("acme", `a") || true || ("/`, `"`, uint16(0xffff), false)
	f.Add("a\n", "é/..", "\\", uint16(16), false)
	f.Fuzz(func(t *testing.T, bucket, prefix, key string, can uint16, ends bool) {
		g := core.Grant{Name: "acme", Profile: "event-dump", Who: core.WhoKey, Settings: map[string]string{"project": "acme-project"}, Target: core.Target{Bucket: bucket, Prefix: prefix, Region: "EU"}}
		for i, a := range core.Abilities() {
			if a.Grantable && can&(1<<i) != 0 {
				g.Can = append(g.Can, a.Ability)
			}
		}
		if ends {
			g.Limits.Expires = today
		}
		b, err := core.Compile(gcs.New(gcs.Config{}), g)
		if err != nil {
			return
		}
		own, _ := taken(t, b)
		for _, p := range telling {
			for _, k := range append(keys(prefix), key, prefix+key) {
				for _, at := range []time.Time{today.Add(-time.Second), today} {
					r := request{own.Member, p, bucket, k, "", at}
					r.kind = kindOf(r)
					judge(t, g, own, r)
				}
			}
		}
	})
}
