// What a command takes of its operator.
package core

import (
	"slices"
	"testing"
)

func TestWhatACommandTakes(t *testing.T) {
	perm := func(action string, step StepName, verbs ...string) Permission {
		return Permission{Action: action, Resource: "r", Step: step, Verbs: verbs}
	}
	b := Blueprint{Operator: []Permission{
		perm("look", BucketStep, ForPlan), perm("bucket", BucketStep, ForApply), perm("role", RoleStep, ForApply), perm("mend", RoleStep, ForRepair),
		perm("key", CredentialStep, ForApply, ForRotate), perm("switch", CredentialStep, ForRotate, ForRevoke), perm("shut", GateStep, ForRevoke),
		perm("try", RoleStep, ForProve), perm("drop", RoleStep, ForDestroy), perm("look", RoleStep, ForPlan, ForStatus),
	}}
	fresh := []Change{{Step: BucketStep, Action: Make}, {Step: RoleStep, Action: Make}, {Step: CredentialStep, Action: Make}}
	drifted := []Change{{Step: BucketStep, Action: Keep}, {Step: RoleStep, Action: Alter}, {Step: CredentialStep, Action: Keep}}
	for name, c := range map[string]struct {
		command string
		changes []Change
		want    []string
	}{
		"a first apply":   {"apply", fresh, []string{"bucket", "key", "look", "role", "try"}},
		"a repair":        {"apply", drifted, []string{"look", "mend", "role", "try"}},
		"a rotation":      {"rotate", drifted, []string{"key", "look", "switch", "try"}},
		"a revocation":    {"revoke", drifted, []string{"shut", "switch"}},
		"a restoration":   {"restore", drifted, []string{"shut", "switch"}},
		"an end":          {"destroy", drifted, []string{"drop", "look"}},
		"no such command": {"dance", drifted, nil},
	} {
		var got []string
		for _, p := range (&Plan{Blueprint: b, Changes: c.changes}).Needs(c.command) {
			got = append(got, p.Action)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
