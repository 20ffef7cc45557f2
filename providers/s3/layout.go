// Layouts: the ways in which a grant's permissions hang on its grantee.
package s3

import (
	"context"
	"fmt"

	"github.com/bucketgrant/bucketgrant/core"
)

// layout is one way to hang a grant's permissions on a grantee. It is chosen by
// how the grantee proves who it is and by what the profile says in AWS's own
// words; see [layouts].
type layout interface {
	// faults are what this way cannot accept. d is as far read as it can be.
	faults(d design) core.Faults

	// resources are those of the role step and of the credential step.
	resources(d design) []core.Resource

	// documents are what says what the grantee may do.
	documents(p *Provider, d design) []core.Document

	// operator is what its steps take, beyond what the bucket takes.
	operator(d design) []core.Permission

	// grantee is the ARN by which policies and IAM's simulator know the grantee.
	grantee(d design, account string) string

	// step is the role step.
	step(s *session) piece

	// issuer is nil if no secret is handed over.
	issuer(s *session) core.Issuer

	// outputs is nil if the grantee needs to be told nothing.
	outputs(s *session) func(context.Context) ([]core.Output, error)
}

// piece is a step, or one of several that make one up.
type piece interface {
	core.Step

	// owns reports whether a change with that address is this piece's.
	owns(addr string) bool
}

// hanging is how a grantee proves who it is, and the profile's name for a layout; "" is the usual one.
type hanging struct {
	who  core.Who
	name string
}

// The names of layouts that profiles use.
const (
	layoutGroup = "group" // a managed policy on a group, and a user in it
	layoutUser  = "user"  // a user alone, named in the bucket's policy
)

// layouts are all of them.
func layouts() map[hanging]layout {
	return map[hanging]layout{
		{core.WhoKey, ""}:          groupLayout{},
		{core.WhoKey, layoutGroup}: groupLayout{},
		{core.WhoKey, layoutUser}:  userLayout{},
		{core.WhoAccount, ""}:      assumeLayout{core.WhoAccount},
		{core.WhoOIDC, ""}:         assumeLayout{core.WhoOIDC},
		{core.WhoService, ""}:      backupLayout{},

		{core.WhoService, layoutBackup}: backupLayout{},
	}
}

// layoutOf finds the layout of a grant. The profile's name decides between
// several of one identity, and says nothing of the others. An identity that
// nobody knows is core's fault to tell.
func layoutOf(who core.Who, name string) (layout, core.Faults) {
	known := false
	for h := range layouts() {
		known = known || h.name == name
	}
	if !known {
		return groupLayout{}, core.Faults{{Field: "native", Value: name, Rule: "is no layout", Accepts: fmt.Sprintf("%q or %q", layoutGroup, layoutUser)}}
	}
	all := layouts()
	for _, h := range []hanging{{who, name}, {who, ""}} {
		if l, ok := all[h]; ok {
			return l, nil
		}
	}
	return groupLayout{}, nil
}

// joined is several pieces as one step.
type joined []piece

// Diff asks all of them side by side.
func (j joined) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	found := make([][]core.Change, len(j))
	var reads []func(context.Context) error
	for i, p := range j {
		reads = append(reads, func(ctx context.Context) (err error) { found[i], err = p.Diff(ctx, want); return })
	}
	err := gather(ctx, reads...)
	var list []core.Change
	for _, some := range found {
		list = append(list, some...)
	}
	return list, err
}

// Do leaves the change to whose it is.
func (j joined) Do(ctx context.Context, c core.Change) error {
	for _, p := range j {
		if p.owns(c.Addr) {
			return p.Do(ctx, c)
		}
	}
	return fmt.Errorf("role %s: nobody knows it", c.Addr)
}
