// The policy simulator's answers: one for each action, with one for each resource inside.
package fakeaws

import (
	"maps"
	"slices"
	"strings"
)

// evaluationXML is the answer for one action. With resources it sums up the
// answers for each: the most restrictive decision, and all that is missing.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
type evaluationXML struct {
	EvalActionName                    string
	EvalResourceName                  string // the shape of the resources, not one of them
	EvalDecision                      string // allowed, explicitDeny or implicitDeny
	MatchedStatements                 members[matchedXML]
	MissingContextValues              members[string]
	OrganizationsDecisionDetail       *organizationsDetailXML       `xml:",omitempty"`
	PermissionsBoundaryDecisionDetail *boundaryDetailXML            `xml:",omitempty"`
	ResourceSpecificResults           *members[resourceDecisionXML] `xml:",omitempty"`
}

// resourceDecisionXML is the answer for one action on one resource.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResourceSpecificResult.html
type resourceDecisionXML struct {
	EvalResourceName                  string
	EvalResourceDecision              string
	MatchedStatements                 members[matchedXML]
	MissingContextValues              members[string]
	PermissionsBoundaryDecisionDetail *boundaryDetailXML `xml:",omitempty"`

	organisation *bool
}

// organizationsDetailXML is about the account, not about one resource.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_OrganizationsDecisionDetail.html
type organizationsDetailXML struct{ AllowedByOrganizations bool }

type boundaryDetailXML struct{ AllowedByPermissionsBoundary bool }

type matchedXML struct {
	SourcePolicyID string `xml:"SourcePolicyId"`
}

func decideOn(q Request) resourceDecisionXML {
	v := Evaluate(q)
	x := resourceDecisionXML{EvalResourceName: q.Resource, EvalResourceDecision: "implicitDeny"}
	switch {
	case v.Allowed:
		x.EvalResourceDecision = "allowed"
	case v.Explicit:
		x.EvalResourceDecision = "explicitDeny"
	}
	if name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(v.Because, "allowed by "), "denied by "), " statement "); ok {
		x.MatchedStatements = listOf([]matchedXML{{name}})
	}
	x.MissingContextValues = listOf(missingKeys(q))
	if len(q.Service) > 0 {
		e := newEvaluation(q)
		_, allowed := e.find("Allow", q.Service, false)
		_, denied := e.find("Deny", q.Service, false)
		by := allowed && !denied
		x.organisation = &by
	}
	if q.Boundary != nil {
		_, ok := newEvaluation(q).find("Allow", one(q.Boundary), false)
		x.PermissionsBoundaryDecisionDetail = &boundaryDetailXML{ok}
	}
	return x
}

func sumUp(action string, each []resourceDecisionXML) evaluationXML {
	severity := []string{"allowed", "implicitDeny", "explicitDeny"}
	x := evaluationXML{EvalActionName: action, EvalResourceName: shapeOf(each[0].EvalResourceName), EvalDecision: "allowed"}
	for _, r := range each {
		if slices.Index(severity, r.EvalResourceDecision) > slices.Index(severity, x.EvalDecision) {
			x.EvalDecision = r.EvalResourceDecision
		}
		if d := r.PermissionsBoundaryDecisionDetail; d != nil && (x.PermissionsBoundaryDecisionDetail == nil || !d.AllowedByPermissionsBoundary) {
			x.PermissionsBoundaryDecisionDetail = d
		}
		if r.organisation != nil && (x.OrganizationsDecisionDetail == nil || !*r.organisation) {
			x.OrganizationsDecisionDetail = &organizationsDetailXML{*r.organisation}
		}
		x.MissingContextValues.Member = append(x.MissingContextValues.Member, r.MissingContextValues.Member...)
	}
	for _, r := range each {
		if r.EvalResourceDecision == x.EvalDecision {
			x.MatchedStatements.Member = append(x.MatchedStatements.Member, r.MatchedStatements.Member...)
		}
	}
	slices.Sort(x.MissingContextValues.Member)
	x.MissingContextValues.Member = slices.Compact(x.MissingContextValues.Member)
	x.MatchedStatements.Member = slices.Compact(x.MatchedStatements.Member)
	if each[0].EvalResourceName != "*" {
		list := listOf(each)
		x.ResourceSpecificResults = &list
	}
	return x
}

// shapeOf is the ARN template of a resource's kind; "*" for kinds beyond S3's.
func shapeOf(arn string) string {
	_, name, ok := strings.Cut(arn, ":s3:::")
	switch {
	case !ok:
		return "*"
	case strings.Contains(name, "/"):
		return "arn:${Partition}:s3:::${BucketName}/${KeyName}"
	}
	return "arn:${Partition}:s3:::${BucketName}"
}

// missingKeys lists the condition keys that the policies ask for and the call did not give.
func missingKeys(q Request) []string {
	e := newEvaluation(q)
	missing := map[string]bool{}
	for _, p := range slices.Concat(q.Identity, one(q.Boundary), one(q.Attached)) {
		for _, s := range p.Document.Statement {
			if !e.coversAction(s) {
				continue
			}
			for _, r := range slices.Concat(s.Resource, s.NotResource) {
				for _, key := range e.unknown(p.Document, r) {
					missing[key] = true
				}
			}
			if !e.coversResource(p.Document, s) {
				continue
			}
			for _, keys := range s.Condition {
				for key := range keys {
					if _, ok := e.keys[strings.ToLower(key)]; !ok {
						missing[key] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(missing))
}

// unknown lists the policy variables in a text that have no value.
func (e evaluation) unknown(d Document, text string) []string {
	var list []string
	for d.Version == "2012-10-17" {
		_, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			break
		}
		if _, known := e.variable(name); !known {
			list = append(list, name)
		}
		text = after
	}
	return list
}
