// The second law: AWS's rules of evaluation once more, from its documentation alone and by other means than the fake's.
package s3_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// law is a policy document as it was read: sets of deeds, none of them our own types.
type law struct{ articles []article }

// article is one statement. A nil [names] is an element that is not there.
type article struct {
	deny                   bool
	who, whoNot            map[string]names // kind of principal to names
	deeds, deedsNot        names
	places, placesNot      names
	conditions             []condition
	speaks                 bool // variables have a meaning
	accused, exempt, blank bool // whether who or whoNot is there; blank if neither
}

// names is a string or a list of strings.
type names []string

func (n *names) UnmarshalJSON(raw []byte) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	if list, ok := v.([]any); ok {
		*n = names{}
		for _, one := range list {
			*n = append(*n, fmt.Sprint(one))
		}
		return nil
	}
	*n = names{fmt.Sprint(v)}
	return nil
}

func (l *law) UnmarshalJSON(raw []byte) error {
	var doc struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	type form struct {
		Effect                                   string
		Principal, NotPrincipal                  json.RawMessage
		Action, NotAction, Resource, NotResource names
		Condition                                map[string]map[string]names
	}
	var list []form
	if json.Unmarshal(doc.Statement, &list) != nil {
		list = make([]form, 1)
		if err := json.Unmarshal(doc.Statement, &list[0]); err != nil {
			return err
		}
	}
	for _, f := range list {
		a := article{
			deny: f.Effect == "Deny", deeds: f.Action, deedsNot: f.NotAction, places: f.Resource, placesNot: f.NotResource,
			speaks: doc.Version == "2012-10-17", accused: f.Principal != nil, exempt: f.NotPrincipal != nil,
		}
		a.blank = !a.accused && !a.exempt
		a.who, a.whoNot = principalsOf(f.Principal), principalsOf(f.NotPrincipal)
		for _, operator := range slices.Sorted(maps.Keys(f.Condition)) {
			for key, values := range f.Condition[operator] {
				a.conditions = append(a.conditions, readCondition(operator, key, values))
			}
		}
		l.articles = append(l.articles, a)
	}
	return nil
}

func principalsOf(raw json.RawMessage) map[string]names {
	var all string
	if json.Unmarshal(raw, &all) == nil && all == "*" {
		return map[string]names{"AWS": {"*"}}
	}
	var kinds map[string]names
	_ = json.Unmarshal(raw, &kinds)
	return kinds
}

// plea is one request, in the form of the documented verdicts.
type plea struct {
	Principal struct{ ARN, Role, ID, Service, Federated string }

	Action, Resource, ResourceAccount string

	Context                    map[string][]string
	Identity, Service, Session []titled
	Boundary, Attached         *titled
	Demand                     bool
}

type titled struct {
	Name     string
	Document law
}

// sentence is what a court says of a plea.
type sentence struct{ allowed, explicit bool }

// judge decides as AWS describes it: denials first; then what may only take
// away; then whether the identity's or the resource's policies give.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func (p *plea) judge() sentence {
	facts := p.facts()
	identity, service, session := p.say(p.Identity, facts), p.say(p.Service, facts), p.say(p.Session, facts)
	boundary, attached := p.say(one(p.Boundary), facts), p.say(one(p.Attached), facts)
	for _, v := range []voice{identity, service, session, boundary, attached} {
		if v.denies {
			return sentence{explicit: true}
		}
	}
	if len(p.Service) > 0 && !service.allows {
		return sentence{}
	}
	root := strings.HasSuffix(p.Principal.ARN, ":root") && p.Principal.Role == ""
	own := (identity.allows || root) && (p.Boundary == nil || boundary.allows) && (len(p.Session) == 0 || session.allows)
	switch {
	case p.Demand && root:
		return sentence{}
	case p.Principal.ARN == "": // a service, a federated identity or nobody: only the resource knows it
		return sentence{allowed: attached.allows}
	case p.Demand || p.ResourceAccount != "" && p.ResourceAccount != field(p.Principal.ARN, 4):
		named := attached.allows
		if field(p.Principal.ARN, 4) != p.ResourceAccount {
			return sentence{allowed: named && own}
		}
		return sentence{allowed: named && own || p.given(attached, session, boundary)}
	}
	return sentence{allowed: own || p.given(attached, session, boundary)}
}

// given reports whether the resource's policy alone suffices inside of its
// account: it names who asks, and not only the account. What it gives a role is
// bounded by the role's boundary and the session's policy; what it gives a user
// or one session is not.
func (p *plea) given(attached, session, boundary voice) bool {
	bounded := (len(p.Session) == 0 || session.allows) && (p.Boundary == nil || boundary.allows)
	return attached.person || attached.role && bounded
}

func one(t *titled) []titled {
	if t == nil {
		return nil
	}
	return []titled{*t}
}

// voice is what a set of policies says of a plea.
type voice struct {
	denies, allows bool
	person, role   bool // an Allow names who asks directly, or the role behind it
}

func (p *plea) say(policies []titled, facts map[string][]string) (v voice) {
	for _, t := range policies {
		for _, a := range t.Document.articles {
			how := p.named(a)
			if how == stranger || !a.covers(p, facts) {
				continue
			}
			v.denies = v.denies || a.deny
			if !a.deny {
				v.allows, v.person, v.role = true, v.person || how == person, v.role || how == behind
			}
		}
	}
	return v
}

func (a article) covers(p *plea, facts map[string][]string) bool {
	in := func(list names, text string, blind bool) bool {
		return slices.ContainsFunc(list, func(pattern string) bool { return matches(pattern, text, blind, a.speaks, facts) })
	}
	if a.deeds != nil && !in(a.deeds, p.Action, true) || a.deedsNot != nil && in(a.deedsNot, p.Action, true) {
		return false
	}
	if a.places != nil && !in(a.places, p.Resource, false) || a.placesNot != nil && in(a.placesNot, p.Resource, false) {
		return false
	}
	return !slices.ContainsFunc(a.conditions, func(c condition) bool { return !c.holds(facts, a.speaks) })
}

// How a statement's principal is meant.
const (
	stranger = iota // not at all
	account         // as one of an account
	behind          // as who has taken a role on
	person          // by itself
)

// named says how a means who asks.
func (p *plea) named(a article) int {
	switch {
	case a.blank:
		return person
	case a.exempt:
		// Who is to be spared is named itself, together with its account, and has no boundary.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
		whole := slices.ContainsFunc(a.whoNot["AWS"], func(n string) bool { return strings.HasSuffix(n, ":root") && field(n, 4) == field(p.Principal.ARN, 4) })
		if p.among(a.whoNot) > account && (whole || p.Principal.ARN == "") && p.Boundary == nil {
			return stranger
		}
		return person
	}
	return p.among(a.who)
}

// among is the closest way in which one of the names means who asks.
func (p *plea) among(kinds map[string]names) (best int) {
	who := p.Principal
	if who.Service != "" && slices.Contains(kinds["Service"], who.Service) || who.Federated != "" && slices.Contains(kinds["Federated"], who.Federated) {
		best = person
	}
	for _, name := range kinds["AWS"] {
		switch {
		case name == "*":
			best = max(best, person)
		case who.ARN == "":
		case name == who.ARN:
			best = max(best, person)
		case who.Role != "" && name == who.Role:
			best = max(best, behind)
		case name == field(who.ARN, 4), strings.HasSuffix(name, ":root") && field(name, 4) == field(who.ARN, 4):
			best = max(best, account)
		}
	}
	return best
}

// field is a part of an ARN.
func field(arn string, n int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) <= n {
		return ""
	}
	return parts[n]
}

// facts are the keys of the request with those that follow from who asks, in lower case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (p *plea) facts() map[string][]string {
	all := map[string][]string{}
	set := func(key, value string) {
		if value != "" {
			all[strings.ToLower(key)] = []string{value}
		}
	}
	who := p.Principal
	set("aws:PrincipalAccount", field(who.ARN, 4))
	set("aws:userid", who.ID)
	set("aws:PrincipalArn", who.ARN)
	set("aws:ResourceAccount", p.ResourceAccount)
	if p.ResourceAccount == "" {
		set("aws:ResourceAccount", field(who.ARN, 4))
	}
	kind, rest, _ := strings.Cut(field(who.ARN, 5), "/")
	switch {
	case who.Role != "":
		set("aws:PrincipalArn", who.Role)
		set("aws:PrincipalType", "AssumedRole")
	case kind == "user":
		set("aws:username", rest[strings.LastIndex(rest, "/")+1:])
		set("aws:PrincipalType", "User")
	case kind == "root":
		set("aws:PrincipalType", "Account")
	case who.ARN == "" && who.Service == "" && who.Federated == "":
		set("aws:PrincipalType", "Anonymous")
	}
	for key, values := range p.Context {
		all[strings.ToLower(key)] = values
	}
	return all
}
