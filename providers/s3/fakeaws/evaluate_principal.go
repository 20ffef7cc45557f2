// Whom a resource's policy means by Principal and NotPrincipal.
package fakeaws

import (
	"slices"
	"strconv"
	"strings"
)

// reach is how strongly a resource's policy names the one who asks.
type reach int

const (
	none      reach = iota
	delegated       // names the account: the account's own policies still decide
	bound           // names everyone, or the role: boundary and session policy still limit
	direct          // names the user or the session itself: nothing of the identity limits it
)

// resourceGrant returns how strongly the resource's policy allows, and by which statement.
func (e evaluation) resourceGrant() (best reach, by string) {
	if e.Attached == nil {
		return none, ""
	}
	for i, s := range e.Attached.Document.Statement {
		if s.Effect != "Allow" {
			continue
		}
		if got := e.concerns(s); got > best && e.applies(e.Attached.Document, s) {
			best, by = got, "allowed by "+e.Attached.Name+statementName(s, i)
		}
	}
	return best, by
}

// concerns says how strongly s, a statement of a resource's policy, means the one who asks.
func (e evaluation) concerns(s Statement) reach {
	if s.NotPrincipal != nil {
		if e.excepted(*s.NotPrincipal) {
			return none
		}
		return bound
	}
	if s.Principal == nil {
		return none
	}
	p := e.Principal
	if p.Service != "" && slices.Contains(s.Principal.Service, p.Service) ||
		p.Federated != "" && slices.Contains(s.Principal.Federated, p.Federated) {
		return direct
	}
	best := none
	for _, name := range s.Principal.AWS {
		best = max(best, reachOf(name, p))
	}
	return best
}

func reachOf(name string, p Principal) reach {
	account := accountOf(p.ARN)
	switch {
	case name == "*":
		return bound
	case p.ARN == "":
		return none
	case name == p.ARN && isRoot(p.ARN):
		return delegated
	case name == p.ARN:
		return direct
	case p.Role != "" && name == p.Role:
		return bound
	case name == account, isRoot(name) && accountOf(name) == account:
		return delegated
	}
	return none
}

// excepted says whether a NotPrincipal spares the one who asks. The account has
// to be listed beside the principal, and the role beside its session; whoever
// has a permissions boundary is never spared.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func (e evaluation) excepted(not PrincipalSet) bool {
	p := e.Principal
	if p.Service != "" && slices.Contains(not.Service, p.Service) {
		return true
	}
	if p.ARN == "" {
		return slices.Contains(not.AWS, "*")
	}
	if e.Boundary != nil {
		return false
	}
	account := slices.ContainsFunc(not.AWS, func(n string) bool { return reachOf(n, p) == delegated })
	self := isRoot(p.ARN) || slices.Contains(not.AWS, p.ARN)
	role := p.Role == "" || slices.Contains(not.AWS, p.Role)
	return slices.Contains(not.AWS, "*") || account && self && role
}

// accountOf returns the account of an ARN, or "" if there is none.
func accountOf(arn string) string {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 {
		return ""
	}
	return f[4]
}

// isRoot says whether arn is an account's root user, which also stands for the account.
func isRoot(arn string) bool {
	return strings.HasPrefix(arn, "arn:") && strings.HasSuffix(arn, ":root") && strings.Contains(arn, ":iam::")
}

func statementName(s Statement, i int) string {
	if s.Sid != "" {
		return " statement " + s.Sid
	}
	return " statement " + strconv.Itoa(i+1)
}
