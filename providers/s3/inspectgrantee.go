// Inspection of the grantee: what hangs on its user or its roles beyond what the grant says.
package s3

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// shutOut tells a user or role that was shut out, or whose policy for that says something else.
func shutOut(s shutState, principal string) []core.Finding {
	c, shut := s.refusal(principal)
	if !shut {
		return nil
	}
	return []core.Finding{{Kind: core.ShutOut, Addr: principal, Text: c.Why, Fix: c.Hint, Grave: s.strange()}}
}

// ofUser is what hangs on the user and on its group.
func (i *inspector) ofUser(v *roleView) []core.Finding {
	r := &roleStep{i.session}
	var list []core.Finding
	if v.user != nil && r.ownUser(v.user) {
		if v.console {
			list = append(list, core.Finding{Kind: core.ConsoleLogin, Addr: i.userAddr(), Text: "somebody gave it a console password", Fix: "aws iam delete-login-profile --user-name " + i.userName(), Grave: true})
		}
		list = append(list, shutOut(v.shut, i.userAddr())...)
		for _, p := range v.direct {
			list = append(list, i.direct(p))
		}
		for _, g := range r.otherGroups(v) {
			list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: i.userAddr(), Text: "somebody put it into the group " + g + ": it may do what that group may", Fix: "aws iam remove-user-from-group --group-name " + g + " --user-name " + i.userName(), Grave: true})
		}
		if now := boundaryOf(v.user); i.boundary != "" && now != i.boundary {
			list = append(list, i.unbounded(i.userAddr(), now))
		}
	}
	if v.group != nil && r.ownGroup(v.group) {
		list = append(list, i.ofGroup(r, v)...)
	}
	if v.policy != nil && r.ownPolicy(v) && v.document != "" {
		list = append(list, compared(i.policyAddr(), v.document, mustJSON(i.provider.grantPolicy(i.design)))...)
	}
	return list
}

// ofGroup is who is in the group, and what it carries, beyond what it is for.
func (i *inspector) ofGroup(r *roleStep, v *roleView) []core.Finding {
	var list []core.Finding
	for _, arn := range v.attached {
		if arn != r.ownPolicyARN(v.group) {
			list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: i.groupAddr(), Text: "somebody gave the group the policy " + arn, Fix: "aws iam detach-group-policy --group-name " + i.carrier() + " --policy-arn " + arn, Grave: true})
		}
	}
	for _, name := range v.inline {
		list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: i.groupAddr(), Text: "somebody wrote the policy " + name + " into the group", Fix: "aws iam delete-group-policy --group-name " + i.carrier() + " --policy-name " + name, Grave: true})
	}
	if i.common != "" {
		return list
	}
	for _, name := range v.members {
		list = append(list, core.Finding{Kind: core.WideTrust, Addr: i.groupAddr(), Text: "somebody put the user " + name + " into the group: it may do what was granted", Fix: "aws iam remove-user-from-group --group-name " + i.carrier() + " --user-name " + name, Grave: true})
	}
	return list
}

// direct is a policy on or in the user itself, by its ARN or its name.
func (i *inspector) direct(p string) core.Finding {
	f := core.Finding{Kind: core.DirectPolicy, Addr: i.userAddr(), Grave: true}
	name := p[strings.LastIndex(p, "/")+1:]
	group, grouped := strings.CutPrefix(p, "those of the group ")
	switch {
	case grouped:
		f.Kind, f.Text = core.ExtraPermission, "somebody put it into the group "+group+": it may do what that group may"
		f.Fix = "aws iam remove-user-from-group --group-name " + group + " --user-name " + i.userName()
	case quarantined([]string{p}) != "":
		f.Kind, f.Text, f.Fix = core.Exposed, "AWS has found a key of it in public and put the policy "+name+" on it, which does not stop uploads", "revoke --compromised"
	case strings.HasPrefix(p, "arn:"):
		f.Text, f.Fix = "somebody gave it the policy "+p, "aws iam detach-user-policy --user-name "+i.userName()+" --policy-arn "+p
	default:
		f.Text, f.Fix = "somebody wrote the policy "+p+" into it", "aws iam delete-user-policy --user-name "+i.userName()+" --policy-name "+p
	}
	return f
}

func (i *inspector) unbounded(addr, now string) core.Finding {
	text := "has no permissions boundary; wanted is " + i.boundary
	if now != "" {
		text = "has the permissions boundary " + now + "; wanted is " + i.boundary
	}
	return core.Finding{Kind: core.ExtraPermission, Addr: addr, Text: text, Fix: applyAgain, Grave: true}
}

// ofRoles is what hangs on the roles. What is used as it is, is its owner's business.
func (i *inspector) ofRoles(seen *rolesSeen) []core.Finding {
	var list []core.Finding
	for n, want := range seen.wanted {
		v := seen.view.roles[n]
		if v.role == nil || !i.ownRole(want, v.role) {
			continue
		}
		addr := roleAddr(want.name)
		list = append(list, shutOut(v.shut, addr)...)
		for _, arn := range v.attached {
			list = append(list, core.Finding{Kind: core.DirectPolicy, Addr: addr, Text: "somebody gave it the policy " + arn, Fix: "aws iam detach-role-policy --role-name " + want.name + " --policy-arn " + arn, Grave: true})
		}
		for _, name := range v.others {
			list = append(list, core.Finding{Kind: core.DirectPolicy, Addr: addr, Text: "somebody wrote the policy " + name + " into it", Fix: "aws iam delete-role-policy --role-name " + want.name + " --policy-name " + name, Grave: true})
		}
		if now := boundaryOfRole(v); i.boundary != "" && now != i.boundary {
			list = append(list, i.unbounded(addr, now))
		}
		for _, p := range want.wanted() {
			if there := v.inline[p.name]; there != "" {
				list = append(list, compared(inlineAddr(want.name, p.name), there, mustJSON(p.body))...)
			}
		}
		list = append(list, trusted(addr, v.trust, want.trust(seen.view.account))...)
	}
	return list
}

// trusted compares who may take a role on with whom the grant says: every
// statement that lets somebody in and is none of ours widens it.
func trusted(addr, there string, want policy) []core.Finding {
	shelf, err := openShelf(there)
	if err != nil {
		return []core.Finding{unread(addr, err)}
	}
	var list []core.Finding
	for _, raw := range shelf.statements {
		for _, id := range deadIn(raw) {
			list = append(list, core.Finding{Kind: core.OrphanPrincipal, Addr: addr, Text: "trusts " + id + ", which no longer exists", Fix: applyAgain})
		}
		ours := slices.ContainsFunc(want.Statement, func(s statement) bool { return samePolicy(raw, mustJSON(s)) })
		s, err := speak(raw)
		switch {
		case err != nil:
			list = append(list, unread(addr, err))
		case ours || !s.allows() || len(deadIn(raw)) > 0:
		default:
			list = append(list, core.Finding{Kind: core.WideTrust, Addr: addr, Text: "lets in " + s.names() + otherwise(raw, want), Fix: applyAgain, Grave: true})
		}
	}
	return list
}

// names are whom a statement speaks of, for people.
func (s spoken) names() string {
	var list []string
	for kind, names := range s.who {
		for _, n := range names {
			list = append(list, strings.TrimPrefix(kind+" "+n, awsKind+" "))
		}
	}
	slices.Sort(list)
	if s.others != nil {
		return "everybody but some"
	}
	return strings.Join(list, ", ")
}

// otherwise says how the conditions of a statement differ from those of ours.
func otherwise(raw json.RawMessage, want policy) string {
	var s struct{ Condition map[string]map[string]any }
	if json.Unmarshal(raw, &s) != nil || len(s.Condition) == 0 {
		return ", without any condition"
	}
	var keys []string
	for operator, conditions := range s.Condition {
		for key, value := range conditions {
			keys = append(keys, fmt.Sprint(key, " ", operator, " ", value))
		}
	}
	slices.Sort(keys)
	if len(want.Statement) > 0 && len(want.Statement[0].Condition) > 0 {
		return ", under other conditions than ours: " + strings.Join(keys, "; ")
	}
	return ", if " + strings.Join(keys, "; ")
}

// compared says what one document allows beyond another, and what it lacks.
func compared(addr, there string, want json.RawMessage) []core.Finding {
	shown, err := powersOf([]byte(there))
	if err != nil {
		return []core.Finding{unread(addr, err)}
	}
	wanted, err := powersOf(want)
	if err != nil {
		return []core.Finding{unread(addr, err)}
	}
	var list []core.Finding
	if extra := beyond(shown, wanted); len(extra) > 0 {
		list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: addr, Text: "allows more than was granted: " + strings.Join(extra, ", "), Fix: applyAgain, Grave: true})
	}
	missing := beyond(wanted, shown)
	for _, p := range shown {
		if p.effect != "Allow" && !slices.Contains(wanted, p) {
			missing = append(missing, p.String()+" is denied")
		}
	}
	if len(missing) > 0 {
		list = append(list, core.Finding{Kind: core.MissingPermission, Addr: addr, Text: "allows less than was granted: " + strings.Join(missing, ", "), Fix: applyAgain})
	}
	return list
}
