// Operator policy: what whoever runs a command must be allowed to do, as the cloud's own tools take it.
package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

const (
	operatorKey     = "operator-policy"
	operatorDefault = "apply" // the command that is meant if none is named
)

// operatorFaults is what is wrong with the wish for an operator's policy.
func (o planOptions) operatorFaults() core.Faults {
	if o.Operator == "" {
		return nil
	}
	faults := commandFaults(operatorKey, o.Operator)
	for _, other := range []struct {
		key   string
		given bool
	}{{"out", o.Out != ""}, {"documents", o.Documents}, {"exit-code", o.ExitCode}} {
		if other.given {
			faults = append(faults, core.Fault{Field: operatorKey, Rule: "is given together with " + other.key, Accepts: "one of them"})
		}
	}
	return faults
}

// commandFaults is a fault if no command of that name takes permissions.
func commandFaults(field, command string) core.Faults {
	if slices.Contains(core.Commands(), command) {
		return nil
	}
	rule := "is no command that takes permissions"
	if near := meant(command, core.Commands()); near != "" {
		rule += " (did you mean \"" + near + "\"?)"
	}
	return core.Faults{{Field: field, Value: command, Rule: rule, Accepts: strings.Join(core.Commands(), ", ")}}
}

// operatorJSON is an operator's policy as machines read it.
type operatorJSON struct {
	SchemaVersion int               `json:"schema_version"`
	Sandbox       bool              `json:"sandbox,omitempty"`
	Offline       bool              `json:"offline,omitempty"`
	Grant         string            `json:"grant"`
	Command       string            `json:"command"`
	Documents     []core.Document   `json:"documents"`
	Permissions   []core.Permission `json:"permissions"` // what the documents are made of
}

// printOperatorPolicy prints the documents on standard output and nothing else
// there, so that the cloud's own tools can read them; what they are for is conversation.
func (a *app) printOperatorPolicy(p *core.Plan, command string, s *session) error {
	advisor, ok := core.Power[core.Advisor](s.provider)
	if !ok {
		return &core.Error{Kind: core.ErrInvalid, What: operatorKey, Err: errors.New("this cloud's provider writes none"), Hint: a.cloud.Program + " plan --documents"}
	}
	needs := p.Needs(command)
	docs := []core.Document{}
	if len(needs) > 0 {
		docs = append(docs, advisor.OperatorPolicy(p.Blueprint, needs)...)
	}
	if a.global.JSON {
		return printJSON(a.env.Stdout, operatorJSON{1, s.sandbox != nil, p.Offline, p.Blueprint.Grant.Name, command, docs, append([]core.Permission{}, needs...)})
	}
	if a.talks() {
		w := a.paper(a.env.Stderr, a.env.Terminal.Err)
		if s.sandbox != nil {
			w.loud(sandboxBanner)
		}
		w.line("what you must be allowed to do for %s %s of the grant %s", a.cloud.Program, command, p.Blueprint.Grant.Name)
		if p.Offline {
			w.line("made offline: as if nothing existed, and with a placeholder or a pattern where only the cloud knows a name")
		}
		if len(docs) == 0 {
			w.line("nothing: it takes no permission of yours")
		}
		for _, d := range docs {
			of := ""
			if d.Of != "" {
				of = ", for " + d.Of
			}
			w.line("%s%s: %s", d.Name, of, d.Why)
		}
		if w.err != nil {
			return w.err
		}
	}
	for _, d := range docs {
		if err := printJSON(a.env.Stdout, d.Body); err != nil {
			return err
		}
	}
	return nil
}
