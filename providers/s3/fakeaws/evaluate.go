// The policy engine: a pure function from policies and a request to a verdict.
package fakeaws

import "strings"

// Request is one question to [Evaluate]: may this principal do this action on this resource.
type Request struct {
	Principal       Principal           `json:"principal"`
	Action          string              `json:"action"`                    // "s3:GetObject"
	Resource        string              `json:"resource"`                  // an ARN, or "*" for actions without a resource
	ResourceAccount string              `json:"resourceAccount,omitempty"` // owner of the resource; empty means the principal's account
	Context         map[string][]string `json:"context,omitempty"`         // condition keys; the principal's own keys are added

	Identity []Policy `json:"identity,omitempty"` // of the user or role, of its groups, inline and managed
	Boundary *Policy  `json:"boundary,omitempty"`
	Service  []Policy `json:"service,omitempty"`  // service control policies of the principal's account; empty means no organisation
	Session  []Policy `json:"session,omitempty"`  // empty means no session policy
	Attached *Policy  `json:"attached,omitempty"` // the resource's own policy

	// Demand says that the resource's own policy must allow, even inside one
	// account, as with the trust policy of a role.
	Demand bool `json:"demand,omitempty"`
}

// Principal is who asks. The zero Principal is anonymous.
type Principal struct {
	ARN       string `json:"arn,omitempty"`       // user, account root, or assumed-role session
	Role      string `json:"role,omitempty"`      // ARN of the role behind a session
	ID        string `json:"id,omitempty"`        // unique ID, as aws:userid shows it
	Service   string `json:"service,omitempty"`   // "backup.amazonaws.com"
	Federated string `json:"federated,omitempty"` // ARN of an identity provider
}

// Policy is a named policy document.
type Policy struct {
	Name     string   `json:"name,omitempty"`
	Document Document `json:"document"`
}

// Verdict is the answer of [Evaluate].
type Verdict struct {
	Allowed  bool   `json:"allowed"`
	Explicit bool   `json:"explicit,omitempty"` // a Deny statement decided
	Layer    string `json:"layer,omitempty"`    // the kind of policy that decided, as AWS's messages name it
	Because  string `json:"because,omitempty"`  // the statement that decided, or what was missing
}

// The layers, in the words of AWS's access-denied messages.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
const (
	layerIdentity = "identity-based policy"
	layerResource = "resource-based policy"
	layerBoundary = "permissions boundary"
	layerSession  = "session policy"
	layerService  = "service control policy"
)

// Evaluate decides r as AWS documents it: an explicit Deny in any policy
// refuses; inside one account the identity's and the resource's policies are
// added up; between accounts both must allow; a boundary, a session policy and
// the organisation's policies only take away, from the root user as well.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func Evaluate(r Request) Verdict {
	e := newEvaluation(r)
	if v, denied := e.explicitDeny(); denied {
		return v
	}
	if _, ok := e.find("Allow", r.Service, false); len(r.Service) > 0 && !ok {
		return missing(layerService, r.Action)
	}
	same := r.ResourceAccount == "" || r.ResourceAccount == accountOf(r.Principal.ARN)
	grant, by := e.resourceGrant()
	switch {
	case r.Principal.ARN == "":
		if grant >= bound {
			return Verdict{Allowed: true, Layer: layerResource, Because: by}
		}
		return missing(layerResource, r.Action)
	case isRoot(r.Principal.ARN) && same && !r.Demand:
		return Verdict{Allowed: true, Because: "the account's root user"}
	case same && grant == direct:
		return Verdict{Allowed: true, Layer: layerResource, Because: by}
	case !same && grant == none, r.Demand && grant == none:
		if v := e.identityAllow(); !v.Allowed {
			return v
		}
		return missing(layerResource, r.Action)
	case same && grant == bound:
		if v := e.limits(); !v.Allowed {
			return v
		}
		return Verdict{Allowed: true, Layer: layerResource, Because: by}
	}
	return e.identityAllow()
}

// evaluation is one Request with its condition keys in lower case.
type evaluation struct {
	Request
	keys map[string][]string
}

func newEvaluation(r Request) evaluation {
	e := evaluation{r, map[string][]string{}}
	for k, v := range principalKeys(r) {
		e.keys[strings.ToLower(k)] = []string{v}
	}
	for k, v := range r.Context {
		e.keys[strings.ToLower(k)] = v
	}
	return e
}

// principalKeys are the condition keys that follow from who asks and who owns.
func principalKeys(r Request) map[string]string {
	p := r.Principal
	keys := map[string]string{"aws:PrincipalType": "Anonymous"}
	owner := r.ResourceAccount
	if owner == "" {
		owner = accountOf(p.ARN)
	}
	if owner != "" {
		keys["aws:ResourceAccount"] = owner
		if strings.HasPrefix(strings.ToLower(r.Action), "s3:") {
			keys["s3:ResourceAccount"] = owner
		}
	}
	if p.ID != "" {
		keys["aws:userid"] = p.ID
	}
	if p.ARN == "" {
		return keys
	}
	keys["aws:PrincipalArn"] = p.ARN
	keys["aws:PrincipalAccount"] = accountOf(p.ARN)
	switch {
	case isRoot(p.ARN):
		keys["aws:PrincipalType"] = "Account"
	case p.Role != "":
		keys["aws:PrincipalType"] = "AssumedRole"
		keys["aws:PrincipalArn"] = p.Role
	case strings.Contains(p.ARN, ":user/"): // the simulator asks for groups as well
		keys["aws:PrincipalType"] = "User"
		keys["aws:username"] = p.ARN[strings.LastIndex(p.ARN, "/")+1:]
	}
	return keys
}

// explicitDeny looks for a Deny that applies, in the order of AWS's messages.
func (e evaluation) explicitDeny() (Verdict, bool) {
	for _, layer := range []struct {
		name     string
		policies []Policy
		attached bool
	}{
		{layerService, e.Service, false},
		{layerIdentity, e.Identity, false},
		{layerBoundary, one(e.Boundary), false},
		{layerSession, e.Session, false},
		{layerResource, one(e.Attached), true},
	} {
		if by, ok := e.find("Deny", layer.policies, layer.attached); ok {
			return Verdict{Explicit: true, Layer: layer.name, Because: "denied by " + by}, true
		}
	}
	return Verdict{}, false
}

// identityAllow asks the identity's policies and everything that limits them.
func (e evaluation) identityAllow() Verdict {
	by, ok := e.find("Allow", e.Identity, false)
	if !ok && !isRoot(e.Principal.ARN) {
		return missing(layerIdentity, e.Action)
	}
	if v := e.limits(); !v.Allowed {
		return v
	}
	return Verdict{Allowed: true, Layer: layerIdentity, Because: "allowed by " + by}
}

// limits asks the policies that can only take away.
func (e evaluation) limits() Verdict {
	if e.Boundary != nil {
		if _, ok := e.find("Allow", one(e.Boundary), false); !ok {
			return missing(layerBoundary, e.Action)
		}
	}
	if len(e.Session) > 0 {
		if _, ok := e.find("Allow", e.Session, false); !ok {
			return missing(layerSession, e.Action)
		}
	}
	return Verdict{Allowed: true}
}

// find returns the first statement with that effect that applies.
func (e evaluation) find(effect string, policies []Policy, attached bool) (string, bool) {
	for _, p := range policies {
		for i, s := range p.Document.Statement {
			if s.Effect == effect && (!attached || e.concerns(s) != none) && e.applies(p.Document, s) {
				return p.Name + statementName(s, i), true
			}
		}
	}
	return "", false
}

func missing(layer, action string) Verdict {
	return Verdict{Layer: layer, Because: "no " + layer + " allows the " + action + " action"}
}

func one(p *Policy) []Policy {
	if p == nil {
		return nil
	}
	return []Policy{*p}
}
