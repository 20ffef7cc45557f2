// Assume diff: the changes that lead from the roles that are there to those that the grant wants.
package s3

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/bucketgrant/bucketgrant/core"
)

func (a *assumeStep) present(v assumeView) []core.Change {
	list := slices.Clone(v.refused)
	var needs []string
	if a.provider != nil {
		list = append(list, a.provider.present(v.provider))
		needs = append(needs, a.provider.addr())
	}
	anew := false
	for i, r := range a.roles {
		seen := v.roles[i]
		anew = anew || seen.role == nil
		c := a.presentRole(r, seen, v.account, needs)
		if i == 0 && v.more != "" && c.Action != core.Refuse {
			c.Why += "; " + v.more
		}
		list = append(list, c)
		list = append(list, seen.shut.leftover(roleAddr(r.name), roleSession)...)
		list = append(list, a.presentUse(r, seen)...)
		for _, p := range r.inline {
			switch {
			case !p.former:
				list = append(list, a.presentInline(r, p, seen))
			case seen.inline[p.name] != "" && c.Action != core.Refuse:
				list = append(list, roleChange(core.Drop, inlineAddr(r.name, p.name), "this form of the grant has none"))
			}
		}
	}
	for i, r := range a.former {
		if seen := v.roles[len(a.roles)+i]; seen.role != nil && a.ownRole(r, seen.role) {
			list = append(list, a.absentRole(r, seen, nil)...)
		}
	}
	if a.policy != nil {
		list = append(list, a.policy.present(v.policy, anew))
	}
	return list
}

func (a *assumeStep) presentRole(r wantedRole, v roleSeen, account string, needs []string) core.Change {
	addr := roleAddr(r.name)
	want := mustJSON(r.trust(account))
	refuse := func(why, hint string) core.Change {
		c := roleChange(core.Refuse, addr, why)
		c.Hint = hint
		return c
	}
	own := v.role != nil && a.ownRole(r, v.role)
	more := slices.Concat(v.attached, v.others)
	shut, closed := v.shut.refusal(addr)
	switch {
	case r.grantee != "" && r.grantee == account:
		return refuse("would let in the account "+account+", which is the one that it is made in", "--"+setVendorAccount+" with the grantee's account, not your own")
	case v.role == nil && r.path == rootPath:
		return roleChange(core.Make, addr, "who takes it on needs no secret", needs...)
	case v.role == nil:
		return roleChange(core.Make, addr, "under path "+r.path+"; who takes it on needs no secret", needs...)
	case !own && r.lends && !samePolicy([]byte(v.trust), want):
		return refuse("exists, is not ours, and trusts somebody else", "leave out --as-documented for roles of its own, or mend its trust policy")
	case !own && r.lends && a.otherGrant(iamTags(v.role.Tags)) != "":
		return roleChange(core.Keep, addr, "made for the grant "+a.otherGrant(iamTags(v.role.Tags))+": used as it is")
	case !own && r.lends:
		return roleChange(core.Keep, addr, "not ours: used as it is, and never changed beyond its two policies")
	case !own && aws.ToString(v.role.Path) == r.path:
		return refuse("a role of this name exists and is not ours", "--name with another name")
	case !own:
		return namesake(addr, "role", aws.ToString(v.role.Path))
	case closed:
		return shut
	case len(more) > 0:
		return refuse("somebody gave it more policies: "+strings.Join(more, ", "), "take them off the role "+r.name)
	}
	if !samePolicy([]byte(v.trust), want) {
		c := roleChange(core.Alter, addr, "does not trust whom the grant says", needs...)
		if dead := deadIn(firstStatement(v.trust)); len(dead) > 0 {
			c.Why = "trusts " + strings.Join(dead, ", ") + ", which no longer exists: a role means the one that it was written for"
		}
		c.Before, c.After = v.trust, string(want)
		return c
	}
	now := boundaryOfRole(v)
	if a.boundary == "" || a.boundary == now {
		return roleChange(core.Keep, addr, "ours, and trusts whom the grant says")
	}
	c := roleChange(core.Alter, addr, "its permissions boundary is not the wanted one")
	c.Before, c.After = now, a.boundary
	return c
}

// firstStatement is the first statement of a policy, as it stands there.
func firstStatement(text string) []byte {
	s, err := openShelf(text)
	if err != nil || len(s.statements) == 0 {
		return nil
	}
	return s.statements[0]
}

func boundaryOfRole(v roleSeen) string {
	if v.role.PermissionsBoundary == nil {
		return ""
	}
	return aws.ToString(v.role.PermissionsBoundary.PermissionsBoundaryArn)
}

// presentInline refuses to replace what others have written into a role of theirs.
func (a *assumeStep) presentInline(r wantedRole, p inlinePolicy, v roleSeen) core.Change {
	addr := inlineAddr(r.name, p.name)
	there, want := v.inline[p.name], mustJSON(p.body)
	switch {
	case v.role == nil || there == "":
		return roleChange(core.Make, addr, "what may be done as "+r.name, roleAddr(r.name))
	case samePolicy([]byte(there), want):
		return roleChange(core.Keep, addr, "says what the grant says")
	}
	c := roleChange(core.Alter, addr, "does not say what the grant says", roleAddr(r.name))
	c.Before, c.After = there, string(want)
	if !a.ownRole(r, v.role) {
		c.Action, c.Needs, c.Why = core.Refuse, nil, "a policy of this name says something else, in a role that is not ours"
		c.Hint = "aws iam delete-role-policy --role-name " + r.name + " --policy-name " + p.name
	}
	return c
}

// absent removes what is ours from the outside in: first what the bucket's
// policy says of a role, so that it never names one that does not exist.
func (a *assumeStep) absent(v assumeView) []core.Change {
	var list []core.Change
	var first []string
	if a.policy != nil {
		list = append(list, a.policy.absent(v.policy)...)
		for _, c := range list {
			if c.Action == core.Drop {
				first = append(first, c.Addr)
			}
		}
	}
	var names []string
	for i, r := range a.all() {
		list = append(list, a.absentRole(r, v.roles[i], first)...)
		names = append(names, roleAddr(r.name))
	}
	if a.provider != nil {
		list = append(list, a.provider.absent(v.provider, names)...)
	}
	return list
}

func (a *assumeStep) absentRole(r wantedRole, v roleSeen, first []string) []core.Change {
	addr := roleAddr(r.name)
	if v.role == nil {
		return nil
	}
	own := a.ownRole(r, v.role)
	other := a.otherGrant(iamTags(v.role.Tags))
	switch {
	case own:
	case r.lends && other != "":
		return append(a.absentUse(r, v), roleChange(core.Keep, addr, "made for the grant "+other+", which needs it: left alone"))
	case !r.lends:
		return []core.Change{roleChange(core.Keep, addr, "not ours: left alone")}
	}
	if heirs := a.roleUsers(v); own && len(heirs) > 0 {
		return a.passOn(r, heirs)
	}
	ties := slices.Concat(v.attached, v.others)
	var list []core.Change
	needs := slices.Clone(first)
	for _, p := range r.inline {
		there, c := v.inline[p.name], inlineAddr(r.name, p.name)
		switch {
		case there == "":
		case own:
			list = append(list, roleChange(core.Drop, c, "the grant ends"))
			needs = append(needs, c)
		default: // an inline policy carries no mark: who wrote it cannot be shown
			list = append(list, roleChange(core.Keep, c, "in a role that is not ours, so it may be somebody else's: left; if nobody needs it: aws iam delete-role-policy --role-name "+r.name+" --policy-name "+p.name))
		}
	}
	why := "ours"
	if r.goodbye != "" {
		why += "; " + r.goodbye
	}
	switch {
	case !own:
		list = append(list, roleChange(core.Keep, addr, "not ours: left"))
	case len(ties) > 0:
		list = append(list, roleChange(core.Keep, addr, "left: others tied it to "+strings.Join(ties, ", ")))
	default:
		list = append(list, v.shut.before(roleChange(core.Drop, addr, why, needs...))...)
	}
	return list
}
