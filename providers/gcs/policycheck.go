// Policy check: what became of a policy that others have bindings in.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/iam/apiv1/iampb"

	"github.com/bucketgrant/bucketgrant/core"
)

// checkPolicy reads the policy again after it was written: what was wished must
// be exact, and everything of others as it was before.
func checkPolicy(ctx context.Context, at place, before []*iampb.Binding, batch []*edit) error {
	p, err := at.policy(ctx)
	if err != nil {
		return err
	}
	was, is := before, p.bindings
	for _, e := range batch {
		r := e.role.run
		if _, inexact := merge(p.bindings, r, e.want); inexact {
			return &core.Error{Kind: core.ErrNotConverged, What: r.bindingAddr(), Hint: "run the same command again",
				Err: fmt.Errorf("was written, but the policy now reads %q", bindingText(p.bindings, r))}
		}
		was, _ = merge(was, r, bindingDocument{})
		is, _ = merge(is, r, bindingDocument{})
	}
	old, now := spelled(was), spelled(is)
	var differs []string
	for _, line := range old {
		if !slices.Contains(now, line) {
			differs = append(differs, line+" is gone")
		}
	}
	for _, line := range now {
		if !slices.Contains(old, line) {
			differs = append(differs, line+" is new")
		}
	}
	if len(differs) > 0 {
		return &core.Error{Kind: core.ErrMoved, What: batch[0].role.bucketAddr(), Hint: "look at the bucket's policy, then run the same command again",
			Err: errors.New("bindings of others changed while ours was written: " + strings.Join(differs, "; "))}
	}
	return nil
}

// foreign is what is not ours in a policy, spelled out.
func foreign(policy []*iampb.Binding, r *run) []string {
	others, _ := merge(policy, r, bindingDocument{})
	return spelled(others)
}

// spelled says who has which role under which condition. How a policy groups
// and orders them means nothing.
func spelled(policy []*iampb.Binding) []string {
	var lines []string
	for _, b := range policy {
		place := ""
		if c := b.Condition; c != nil {
			place = fmt.Sprintf(" if %q (title %q, description %q, location %q)", c.Expression, c.Title, c.Description, c.Location)
		}
		for _, m := range b.Members {
			lines = append(lines, fmt.Sprintf("%q for %q%s", b.Role, m, place))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
