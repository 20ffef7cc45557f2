// Remains: what a grant has made when its grantee proved who it is in another way, and which nobody has ended.
package s3

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// remains is the step of the identity that the grant names. It looks for what
// the other identities have left as well, side by side: a door that somebody
// has opened under the grant's name must not stay open unnamed. An apply names
// it and refuses. A destroy takes roles out whoever they let in; a user is
// left to a destroy of the key, which retires the keys first.
type remains struct {
	*session
	piece
	rivals []rival
	ending map[string]piece // by address: what a destroy leaves to a rival's own step
}

// rival is another way to let the grantee in, which makes roles.
type rival struct {
	who    core.Who
	design design
	role   wantedRole // the one by which it is found
}

// rivals are the ways with roles that the grant does not name. Roles for a
// service are made for profiles of that service only.
func rivals(d design) []rival {
	var list []rival
	for _, l := range []struct {
		who core.Who
		layout
	}{{core.WhoAccount, assumeLayout{core.WhoAccount}}, {core.WhoOIDC, assumeLayout{core.WhoOIDC}}, {core.WhoService, backupLayout{}}} {
		if l.who == d.grant.Who || l.who == core.WhoService && d.native.Layout != layoutBackup {
			continue
		}
		other := d
		other.grant.Who, other.layout = l.who, l.layout
		r := rival{who: l.who, design: other}
		switch l := l.layout.(type) {
		case assumeLayout:
			r.role = l.shape(other)
		case backupLayout:
			r.role = l.both(other)[0].wantedRole
		}
		list = append(list, r)
	}
	return list
}

// besides is the step of the identity that the grant names, with a look at the others.
func besides(s *session) piece {
	return &remains{session: s, piece: s.layout.step(s), rivals: rivals(s.design), ending: map[string]piece{}}
}

// Diff asks for everything side by side.
func (r *remains) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	var list, users []core.Change
	reads := []func(context.Context) error{
		func(ctx context.Context) (err error) { list, err = r.piece.Diff(ctx, want); return },
	}
	if r.grant.Who != core.WhoKey {
		reads = append(reads, func(ctx context.Context) (err error) { users, err = r.users(ctx); return })
	}
	var names []string
	for _, one := range r.rivals {
		if !slices.Contains(names, one.role.name) {
			names = append(names, one.role.name)
		}
	}
	found, steps := make([][]core.Change, len(names)), make([]piece, len(names))
	for i, name := range names {
		reads = append(reads, func(ctx context.Context) (err error) { found[i], steps[i], err = r.left(ctx, name, want); return })
	}
	if err := gather(ctx, reads...); err != nil {
		return nil, err
	}
	for n, some := range found {
		for _, c := range some {
			i := slices.IndexFunc(list, func(other core.Change) bool { return other.Addr == c.Addr })
			switch {
			case i < 0:
				list = append(list, c)
			case list[i].Action.Writes():
				continue
			default: // not ours to one identity, because it is the other's
				list[i] = c
			}
			r.ending[c.Addr] = steps[n]
		}
	}
	return append(list, users...), nil
}

// left is what has become of a role that another identity of the grant has made, and the step that ends it.
func (r *remains) left(ctx context.Context, name string, want core.Want) ([]core.Change, piece, error) {
	v, err := r.roleOnce(ctx, name, &r.looked)
	if err != nil || v.role == nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(r.rivals, func(one rival) bool { return one.role.name == name && r.ownRole(one.role, v.role) })
	if i < 0 {
		return nil, nil, nil
	}
	one := r.rivals[i]
	if want.Present {
		c := roleChange(core.Refuse, roleAddr(name), "made for this grant with who: "+string(one.who)+", and still lets in whom it trusts")
		c.Hint = "end that first: destroy the grant, with --who " + string(r.grant.Who) + " or --who " + string(one.who)
		return []core.Change{c}, nil, nil
	}
	step := one.design.layout.step(newSession(r.provider, one.design, r.clients))
	list, err := step.Diff(ctx, want)
	for i, c := range list {
		if c.Addr == roleAddr(name) && c.Action == core.Drop {
			list[i].Why = "made for this grant with who: " + string(one.who)
		}
	}
	return list, step, err
}

// users refuses users of the grant: they may have keys, which only a destroy of the key retires.
func (r *remains) users(ctx context.Context) ([]core.Change, error) {
	var list []core.Change
	pages := iam.NewListUsersPaginator(r.iam, &iam.ListUsersInput{PathPrefix: aws.String(r.path())})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed("iam:user"+r.path(), "iam:ListUsers", err)
		}
		for _, u := range out.Users {
			addr := "iam:user/" + aws.ToString(u.UserName)
			full, err := r.iam.GetUser(ctx, &iam.GetUserInput{UserName: u.UserName})
			switch {
			case gone(err):
				continue
			case err != nil:
				return nil, failed(addr, "iam:GetUser", err)
			case !(&roleStep{r.session}).ownUser(full.User):
				continue
			}
			c := roleChange(core.Refuse, addr, "made for this grant with who: key: whoever has its key still gets in")
			c.Hint = "end that first: destroy the grant with --who key, which retires the key"
			if !strings.EqualFold(aws.ToString(u.UserName), r.stem()) {
				c.Hint += ", and with the --" + setGroup + " that it was made with"
			}
			list = append(list, c)
		}
	}
	return list, nil
}

func (r *remains) owns(addr string) bool { return r.ending[addr] != nil || r.piece.owns(addr) }

// Do leaves a change to the step that has planned it.
func (r *remains) Do(ctx context.Context, c core.Change) error {
	if step := r.ending[c.Addr]; step != nil {
		return step.Do(ctx, c)
	}
	return r.piece.Do(ctx, c)
}

// remainsNeeds are what it takes to find what other identities have left, and to end it.
func remainsNeeds(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	if d.grant.Who != core.WhoKey {
		p.on("*", verbs(core.ForPlan, core.ForApply, core.ForDestroy), "iam:ListUsers")
		p.because("tells whether somebody still has a key that this grant has made before")
		user := d
		user.common = "" // path and name as without a group for many
		p.on(user.iamARN(d.accountOrNot("*"), "user"), verbs(core.ForRepair), "iam:GetUser")
		p.because("only if there is such a user")
	}
	for _, one := range rivals(d) {
		p.on(d.roleARN(d.accountOrNot("*"), rootPath, one.role.name), verbs(core.ForPlan, core.ForApply, core.ForDestroy), "iam:GetRole")
		p.because("tells whether this grant has let somebody in as this role before")
	}
	for _, one := range rivals(d) {
		for _, need := range one.design.layout.operator(one.design) {
			if slices.Contains(need.Verbs, core.ForDestroy) {
				need.Verbs, need.Why = verbs(core.ForRepair), "only if this grant was made with who: "+string(one.who)+" before"
				p.list = append(p.list, need)
			}
		}
	}
	return p.list
}
