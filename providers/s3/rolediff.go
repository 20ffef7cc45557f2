// Role diff: the changes that lead from what IAM shows to what the grant wants.
package s3

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

func roleChange(a core.Action, addr, why string, needs ...string) core.Change {
	return core.Change{Step: core.RoleStep, Action: a, Addr: addr, Why: why, Needs: needs}
}

// namesake refuses what has our name and not our mark.
func namesake(addr, what, path string) core.Change {
	c := roleChange(core.Refuse, addr, "a "+what+" of this name exists under path "+path+" and is not ours")
	c.Hint = "--name with another name"
	return c
}

func (r *roleStep) present(v *roleView) []core.Change {
	list := []core.Change{r.presentPolicy(v), r.presentGroup(v)}
	attached := v.group != nil && slices.Contains(v.attached, r.ownPolicyARN(v.group))
	list = append(list, link(attached, r.attachAddr(), "the group carries the policy", r.policyAddr(), r.groupAddr()))
	list = append(list, r.presentUser(v))
	list = append(list, v.shut.leftover(r.userAddr(), userSession)...)
	member := slices.Contains(v.groups, r.carrier())
	return append(list, link(member, r.memberAddr(), "the user is in the group", r.userAddr(), r.groupAddr()))
}

// link is the change of an attachment or a membership.
func link(there bool, addr, why string, needs ...string) core.Change {
	if there {
		return roleChange(core.Keep, addr, why)
	}
	return roleChange(core.Make, addr, why, needs...)
}

func (r *roleStep) presentPolicy(v *roleView) core.Change {
	addr := r.policyAddr()
	switch {
	case v.policy == nil:
		return roleChange(core.Make, addr, "for "+r.objectsARN())
	case !r.ownPolicy(v):
		return namesake(addr, "policy", aws.ToString(v.policy.Path))
	case samePolicy([]byte(v.document), mustJSON(r.provider.grantPolicy(r.design))):
		return roleChange(core.Keep, addr, "says what the grant says")
	}
	c := roleChange(core.Alter, addr, "does not say what the grant says")
	if r.saysOther(v) {
		c = roleChange(core.Refuse, addr, "the sites of the group "+r.common+" are granted something else: one policy serves all of them")
		c.Hint = "--shared-group with another name"
		return c
	}
	c.Before, c.After = v.document, string(mustJSON(r.provider.grantPolicy(r.design)))
	return c
}

func (r *roleStep) ownPolicy(v *roleView) bool {
	return aws.ToString(v.policy.Path) == r.carrierPath() && r.ownCarrier(iamTags(v.policyTags))
}

// presentGroup refuses a group of ours that gives more than our policy: then
// the grant would not be what it says.
func (r *roleStep) presentGroup(v *roleView) core.Change {
	addr := r.groupAddr()
	// Our policy may have come since the list of policies was made: other sites make it too.
	more := slices.DeleteFunc(slices.Clone(v.attached), func(arn string) bool { return v.group != nil && arn == r.ownPolicyARN(v.group) })
	more = append(more, v.inline...)
	switch {
	case v.group == nil:
		return r.newGroup(v)
	case !r.ownGroup(v.group):
		return namesake(addr, "group", aws.ToString(v.group.Path))
	case len(more) > 0:
		c := roleChange(core.Refuse, addr, "somebody gave it more policies: "+strings.Join(more, ", "))
		c.Hint = "take them off the group " + r.carrier()
		return c
	case r.common != "":
		return roleChange(core.Keep, addr, fmt.Sprintf("ours, for many sites; %d others are in it", len(v.members)))
	case len(v.members) > 0:
		return roleChange(core.Keep, addr, "ours; somebody put others into it: "+strings.Join(v.members, ", "))
	}
	return roleChange(core.Keep, addr, "ours")
}

func (r *roleStep) presentUser(v *roleView) core.Change {
	addr := r.userAddr()
	refuse := func(why, hint string) core.Change {
		c := roleChange(core.Refuse, addr, why)
		c.Hint = hint
		return c
	}
	others := r.otherGroups(v)
	shut, closed := v.shut.refusal(addr)
	switch {
	case v.user == nil:
		return roleChange(core.Make, addr, "under path "+r.path()+", without console login")
	case !r.ownUser(v.user):
		return namesake(addr, "user", aws.ToString(v.user.Path))
	case closed:
		return shut
	case v.console:
		return refuse("somebody gave it a console password", "aws iam delete-login-profile --user-name "+r.userName())
	case quarantined(v.direct) != "":
		return refuse(quarantineWords(quarantined(v.direct)), quarantineEnd)
	case len(v.direct) > 0:
		return refuse("somebody gave it more policies: "+strings.Join(v.direct, ", "), "take them off the user "+r.userName())
	case len(others) > 0:
		return refuse("somebody put it into other groups: "+strings.Join(others, ", "), "take the user "+r.userName()+" out of them")
	}
	now := boundaryOf(v.user)
	if r.boundary == "" || r.boundary == now {
		return roleChange(core.Keep, addr, "ours")
	}
	c := roleChange(core.Alter, addr, "its permissions boundary is not the wanted one")
	c.Before, c.After = now, r.boundary
	return c
}

func boundaryOf(u *types.User) string {
	if u.PermissionsBoundary == nil {
		return ""
	}
	return aws.ToString(u.PermissionsBoundary.PermissionsBoundaryArn)
}

func (r *roleStep) otherGroups(v *roleView) []string {
	return slices.DeleteFunc(slices.Clone(v.groups), func(g string) bool { return g == r.carrier() })
}

// absent removes what is ours from the outside in. What others tied to it stays,
// and so does whatever it is tied to.
func (r *roleStep) absent(v *roleView) []core.Change {
	var list []core.Change
	ownUser := v.user != nil && r.ownUser(v.user)
	ownGroup := v.group != nil && r.ownGroup(v.group)
	ownPolicy := v.policy != nil && r.ownPolicy(v)
	stays := r.common != "" && len(v.members) > 0
	if ownUser && ownGroup && slices.Contains(v.groups, r.carrier()) {
		list = append(list, roleChange(core.Drop, r.memberAddr(), "the grant ends"))
	}
	if !stays && ownGroup && ownPolicy && slices.Contains(v.attached, aws.ToString(v.policy.Arn)) {
		list = append(list, roleChange(core.Drop, r.attachAddr(), "the grant ends"))
	}
	drop := func(addr string, exists, own bool, ties []string, needs ...string) {
		if c, ok := let(addr, exists, own, ties, needs...); ok {
			list = append(list, c)
		}
	}
	list = append(list, r.absentUser(v, r.memberAddr())...)
	if stays {
		serves := fmt.Sprintf("stays: it serves %d other sites", len(v.members))
		return append(list, roleChange(core.Keep, r.groupAddr(), serves), roleChange(core.Keep, r.policyAddr(), serves))
	}
	groupTies := slices.Concat(v.members, v.inline)
	for _, arn := range v.attached {
		if v.policy == nil || arn != aws.ToString(v.policy.Arn) {
			groupTies = append(groupTies, arn)
		}
	}
	drop(r.groupAddr(), v.group != nil, ownGroup, groupTies, r.memberAddr(), r.attachAddr())
	drop(r.policyAddr(), v.policy != nil, ownPolicy, v.carriers, r.attachAddr())
	return list
}

// absentUser lets the user go, once what it needs is settled.
func (r *roleStep) absentUser(v *roleView, needs ...string) []core.Change {
	ties := slices.Concat(r.otherGroups(v), v.direct)
	if v.console {
		ties = append(ties, "a console password")
	}
	c, ok := let(r.userAddr(), v.user != nil, v.user != nil && r.ownUser(v.user), ties, needs...)
	if !ok {
		return nil
	}
	if c.Action != core.Drop {
		return []core.Change{c}
	}
	return v.shut.before(c)
}

// let drops what exists, is ours and is tied to nothing of others. It says why
// anything else stays, and false of what is not there.
func let(addr string, exists, own bool, ties []string, needs ...string) (core.Change, bool) {
	switch {
	case !exists:
		return core.Change{}, false
	case !own:
		return roleChange(core.Keep, addr, "not ours: left alone"), true
	case len(ties) > 0:
		return roleChange(core.Keep, addr, "left: others tied it to "+strings.Join(ties, ", ")), true
	}
	return roleChange(core.Drop, addr, "ours", needs...), true
}
