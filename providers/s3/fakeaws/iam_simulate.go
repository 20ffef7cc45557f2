// The policy simulator, answered by the same engine that decides.
package fakeaws

import (
	"strings"
)

func simulateOps() map[string]iamOp {
	return map[string]iamOp{
		"SimulatePrincipalPolicy": {"policy source", false, simulatePrincipal},
		"SimulateCustomPolicy":    {"", false, simulateCustom},
	}
}

// source finds the user, group or role whose policies are simulated.
func (k *iamCall) source() (Request, error) {
	arn := k.form.Get("PolicySourceArn")
	name := strings.ToLower(arn[strings.LastIndex(arn, "/")+1:])
	q := Request{Principal: Principal{ARN: arn}, Service: k.servicePolicies(k.acct)}
	if u := k.acct.Users[name]; u != nil && k.arn(k.acct, "user", u.entity) == arn {
		q.Principal.ID = u.ID
		q.Identity = k.policiesOf(k.acct, u.holder)
		for _, g := range u.Groups.Seen() {
			if g := k.acct.Groups[g]; g != nil {
				q.Identity = append(q.Identity, k.policiesOf(k.acct, g.holder)...)
			}
		}
		q.Boundary = k.boundaryOf(k.acct, u.Boundary)
		return q, nil
	}
	if g := k.acct.Groups[name]; g != nil && k.arn(k.acct, "group", g.entity) == arn {
		q.Identity = k.policiesOf(k.acct, g.holder)
		return q, nil
	}
	if r := k.acct.Roles[name]; r != nil && k.arn(k.acct, "role", r.entity) == arn {
		q.Principal.Role = arn
		q.Identity = k.policiesOf(k.acct, r.holder)
		q.Boundary = k.boundaryOf(k.acct, r.Boundary)
		return q, nil
	}
	return q, &apiError{Code: "NoSuchEntity", Status: 404, Message: "The entity with ARN " + arn + " cannot be found."}
}

func simulatePrincipal(k *iamCall) (any, error) {
	q, err := k.source()
	if err != nil {
		return nil, err
	}
	return k.simulate(q)
}

func simulateCustom(k *iamCall) (any, error) {
	return k.simulate(Request{})
}

// simulate tries every action on every resource.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (k *iamCall) simulate(q Request) (any, error) {
	if err := k.simulated(&q); err != nil {
		return nil, err
	}
	actions, resources := formList(k.form, "ActionNames"), formList(k.form, "ResourceArns")
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	if len(actions) == 0 {
		return nil, invalid("actionNames", "", "Member must not be null")
	}
	var list []evaluationXML
	for _, action := range actions {
		if !strings.Contains(action, ":") || strings.ContainsAny(action, "*?") {
			return nil, &apiError{Code: "InvalidInput", Status: 400, Message: "Invalid Action Name: " + action}
		}
		var each []resourceDecisionXML
		for _, resource := range resources {
			q.Action, q.Resource = action, resource
			each = append(each, decideOn(q))
		}
		list = append(list, sumUp(action, each))
	}
	cut, more, marker, bad := page(k.form, list)
	if bad != nil {
		return nil, bad
	}
	return struct {
		EvaluationResults members[evaluationXML]
		paged
	}{listOf(cut), paged{more, marker}}, nil
}

// simulated reads what the call adds to the policies of its source.
func (k *iamCall) simulated(q *Request) error {
	for i, text := range formList(k.form, "PolicyInputList") {
		if err := checkIdentityDocument(text, maxDocument); err != nil {
			return &apiError{Code: "InvalidInput", Status: 400, Message: asAPIError(err).Message}
		}
		q.Identity = k.appendPolicy(q.Identity, "PolicyInputList."+itoa(i+1), text)
	}
	for i, text := range formList(k.form, "PermissionsBoundaryPolicyInputList") {
		d, err := ParseDocument(text)
		if err != nil {
			return &apiError{Code: "InvalidInput", Status: 400, Message: "Syntax errors in policy."}
		}
		q.Boundary = &Policy{"PermissionsBoundaryPolicyInputList." + itoa(i+1), d}
	}
	if arn := k.form.Get("CallerArn"); arn != "" {
		if !strings.Contains(arn, ":iam:") || isRoot(arn) {
			return &apiError{Code: "InvalidInput", Status: 400, Message: "Invalid CallerArn: " + arn}
		}
		q.Principal = Principal{ARN: arn}
		if strings.Contains(arn, ":role/") {
			q.Principal.Role = arn
		}
	}
	if text := k.form.Get("ResourcePolicy"); text != "" {
		d, err := ParseDocument(text)
		if err != nil {
			return &apiError{Code: "InvalidInput", Status: 400, Message: "Syntax errors in policy."}
		}
		if !strings.Contains(q.Principal.ARN, ":user/") {
			return &apiError{Code: "InvalidInput", Status: 400, Message: "Resource-based policies can be simulated for IAM users only."}
		}
		q.Attached = &Policy{"ResourcePolicy", d}
	}
	if owner := k.form.Get("ResourceOwner"); owner != "" {
		q.ResourceAccount = accountOf(owner)
		if accountID.MatchString(owner) {
			q.ResourceAccount = owner
		}
	}
	if q.Principal.ARN == "" { // somebody of the account, nobody in particular
		q.Principal.ARN = "arn:" + k.state.Partition + ":iam::" + k.acct.ID + ":user/simulated"
	}
	q.Context = map[string][]string{}
	for i := 1; k.form.Has("ContextEntries.member." + itoa(i) + ".ContextKeyName"); i++ {
		stem := "ContextEntries.member." + itoa(i)
		q.Context[k.form.Get(stem+".ContextKeyName")] = formList(k.form, stem+".ContextKeyValues")
	}
	return nil
}
