// Preflight: what a run takes, and whether it is there, before the first write.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// runs says which permissions each command takes, by [Permission.Verbs].
var runs = map[string][]string{
	"plan":      {ForPlan},
	"apply":     {ForPlan, ForApply, ForProve},
	"verify":    {ForProve},
	"status":    {ForPlan, ForStatus},
	"rotate":    {ForPlan, ForRotate, ForProve},
	"reissue":   {ForPlan, ForRotate, ForProve},
	"revoke":    {ForRevoke},
	"restore":   {ForRevoke},
	"destroy":   {ForPlan, ForDestroy},
	"list":      {ForList},
	"preflight": {ForPlan, ForPreflight},
	"doctor":    {ForPlan, ForStatus},
}

// Commands are the commands that [Plan.Needs] knows.
func Commands() []string {
	var list []string
	for c := range runs {
		list = append(list, c)
	}
	slices.Sort(list)
	return list
}

// Needs is what the operator must be allowed to do for a command on the grant of
// p, each permission once. What apply takes for a step in which p has nothing to
// write is left out; what repairs take is in it only if something has drifted.
func (p *Plan) Needs(command string) []Permission {
	verbs := slices.Clone(runs[command])
	if command == "apply" && slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action == Alter || c.Action == Drop || c.Action == Refuse }) {
		verbs = append(verbs, ForRepair)
	}
	idle := func(s StepName) bool {
		return command == "apply" && !p.Offline && !slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Step == s && c.Action.Writes() })
	}
	var needs []Permission
	for _, need := range p.Blueprint.Operator {
		wanted := slices.ContainsFunc(need.Verbs, func(v string) bool {
			return slices.Contains(verbs, v) && (v != ForApply || !idle(need.Step))
		})
		same := func(n Permission) bool { return n.Action == need.Action && n.Resource == need.Resource }
		if wanted && !slices.ContainsFunc(needs, same) {
			needs = append(needs, need)
		}
	}
	slices.SortStableFunc(needs, func(a, b Permission) int {
		return cmp.Or(strings.Compare(a.Resource, b.Resource), strings.Compare(a.Action, b.Action))
	})
	return needs
}

// Preflight looks for what would stop a command on the grant of p. It only reads.
// Nothing [Denied] among the checks means that nothing stands in the way as far as anybody can tell.
func (e *Engine) Preflight(ctx context.Context, p *Plan, command string) ([]Check, error) {
	if p.steps == nil || p.steps.Preflight == nil {
		return nil, &Error{Kind: ErrInvalid, What: "preflight", Err: errors.New("this cloud cannot be asked before the first write")}
	}
	checks, err := p.steps.Preflight.Check(ctx, p.Needs(command))
	for _, c := range p.Refused() {
		if !slices.Contains([]string{"plan", "apply", "rotate", "reissue"}, command) {
			break // the others go on all the same
		}
		checks = append(checks, Check{Kind: "name", What: c.Addr, Outcome: Denied, Why: c.Why, Fix: c.Hint})
	}
	id, _ := e.Provider.Info().Identity(p.Blueprint.Grant.Who)
	if n := len(p.Keys); command == "rotate" && id.MostKeys > 0 && n >= id.MostKeys {
		checks = append(checks, Check{Kind: "quota", What: fmt.Sprintf("room for a further key: %d of %d are there", n, id.MostKeys), Outcome: Denied,
			Why: "a rotation has two keys side by side", Fix: "rotate finish, or retire a key that nobody uses"})
	}
	return checks, err
}
