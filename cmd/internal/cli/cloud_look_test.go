// What the toy cloud shows of itself, and what it knows of failures.
package cli

import (
	"context"
	"encoding/json"
	"regexp"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// toyLook is what tests put there to be found.
type toyLook struct {
	Grants []core.Found
	Odd    []core.Finding
	Checks []core.Check // beside one for each permission
	Lacks  string       // the permission that the operator has not
	Asked  map[string]string
	Fail   error
}

func toyNeeds(g core.Grant) []core.Permission {
	box := "toy:bucket/" + g.Target.Bucket
	return []core.Permission{
		{Action: "toy:Look", Resource: box, Step: core.BucketStep, Verbs: []string{core.ForPlan}},
		{Action: "toy:Build", Resource: box, Step: core.BucketStep, Verbs: []string{core.ForApply}},
		{Action: "toy:Cast", Resource: "toy:role", Step: core.RoleStep, Verbs: []string{core.ForApply}},
		{Action: "toy:Burn", Resource: "toy:role", Step: core.RoleStep, Verbs: []string{core.ForDestroy}},
		{Action: "toy:Count", Resource: "*", Step: core.BucketStep, Verbs: []string{core.ForList}},
	}
}

// Find implements [core.Finder].
func (t *toy) Find(_ context.Context, settings map[string]string) (core.Operator, []core.Found, error) {
	t.look.Asked = settings
	return core.Operator{Account: "box-7", Principal: "ann"}, t.look.Grants, t.look.Fail
}

// Inspect implements [core.Inspector].
func (t *toy) Inspect(context.Context) ([]core.Finding, error) { return t.look.Odd, nil }

// Check implements [core.Preflight].
func (t *toy) Check(_ context.Context, needs []core.Permission) ([]core.Check, error) {
	var list []core.Check
	for _, n := range needs {
		c := core.Check{Kind: "permission", What: n.Action + " on " + n.Resource, Outcome: core.Allowed}
		if n.Action == t.look.Lacks {
			c.Outcome, c.Why, c.Fix = core.Denied, "ann may not", "toy let ann "+n.Action
		}
		list = append(list, c)
	}
	return append(list, t.look.Checks...), t.look.Fail
}

// Causes implements [core.Advisor].
func (t *toy) Causes(b core.Blueprint) []core.Cause {
	said := func(source core.Source, text string, weight int) core.Sign {
		return core.Sign{Source: source, Match: regexp.MustCompile(text), Weight: weight}
	}
	return []core.Cause{
		{Name: "key-gone", Layer: "key", Means: "the key is gone", Confirm: "toy keys", Fix: "reissue, for " + b.Grant.Name, Owner: true, Signs: []core.Sign{said("", "no such key", 9)}},
		{Name: "wrong-place", Layer: "role", Means: "it was put outside the prefix", Confirm: "toy ls " + b.Grant.Target.Bucket, Fix: "put it below " + b.Grant.Target.Prefix, Signs: []core.Sign{said(core.SaidError, "Denied", 3), said(core.SaidTry, "create inside: 200", -9)}},
		{Name: "ended", Layer: "end", Means: "the access is over", Confirm: "toy date", Fix: "toy extend of " + b.Grant.Settings["owner"], Owner: true, Signs: []core.Sign{said(core.SaidClaim, "is over", 10)}},
	}
}

// Exposed implements [core.Advisor].
func (t *toy) Exposed(_ core.Blueprint, keyID string) []string {
	return []string{"toys do nothing about " + keyID}
}

// OperatorPolicy implements [core.Advisor].
func (t *toy) OperatorPolicy(_ core.Blueprint, needs []core.Permission) []core.Document {
	var docs []core.Document
	for _, n := range needs {
		body, _ := json.Marshal(map[string]string{"let": n.Action, "at": n.Resource})
		docs = append(docs, core.Document{Name: n.Action, Of: n.Resource, Why: "toy let --file FILE", Body: body})
	}
	return docs
}

// Tell implements [core.Teller].
func (a toyActor) Tell(ctx context.Context, p core.Probe) (core.Outcome, core.Answer, error) {
	got, err := a.Try(ctx, p)
	answer := core.Answer{Status: 200, Code: "OK", Date: time.Now()}
	switch {
	case err != nil:
		answer = core.Answer{Status: 403, Code: "Unknown", Message: err.Error()}
	case got == core.Denied:
		answer = core.Answer{Status: 403, Code: "Denied", Message: "no"}
	}
	return got, answer, nil
}
