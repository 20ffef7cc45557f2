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

// checkPolicy reads the policy again after it was written: ours must be exact,
// and everything of others as it was before.
func (r *role) checkPolicy(ctx context.Context, before []*iampb.Binding, want bindingDocument) error {
	p, err := r.where.policy(ctx)
	if err != nil {
		return err
	}
	if _, inexact := merge(p.bindings, r.run, want); inexact {
		return &core.Error{Kind: core.ErrNotConverged, What: r.bindingAddr(), Hint: "run the same command again",
			Err: fmt.Errorf("was written, but the policy now reads %q", bindingText(p.bindings, r.run))}
	}
	was, is := foreign(before, r.run), foreign(p.bindings, r.run)
	var differs []string
	for _, line := range was {
		if !slices.Contains(is, line) {
			differs = append(differs, line+" is gone")
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			differs = append(differs, line+" is new")
		}
	}
	if len(differs) > 0 {
		return &core.Error{Kind: core.ErrMoved, What: r.bucketAddr(), Hint: "look at the bucket's policy, then run the same command again",
			Err: errors.New("bindings of others changed while ours was written: " + strings.Join(differs, "; "))}
	}
	return nil
}

// foreign spells out who has which role under which condition, without ours.
// How a policy groups and orders them means nothing.
func foreign(policy []*iampb.Binding, r *run) []string {
	others, _ := merge(policy, r, bindingDocument{})
	var lines []string
	for _, b := range others {
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
