// Customer managed policies.
package fakeaws

import (
	"maps"
	"slices"
	"strings"
)

func policyOps() map[string]iamOp {
	return map[string]iamOp{
		"CreatePolicy":          {"policy", true, createPolicy},
		"GetPolicy":             {"policy", false, getPolicy},
		"ListPolicies":          {"", false, listPolicies},
		"DeletePolicy":          {"policy", true, deletePolicy},
		"TagPolicy":             {"policy", true, tagPolicy},
		"UntagPolicy":           {"policy", true, untagPolicy},
		"ListPolicyTags":        {"policy", false, listPolicyTags},
		"ListEntitiesForPolicy": {"policy", false, listEntitiesForPolicy},
	}
}

type policyXML struct {
	PolicyName                    string
	PolicyID                      string `xml:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `xml:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    string
	UpdateDate                    string
	Tags                          *members[tag] `xml:",omitempty"`
}

func (k *iamCall) policyOut(p *policy, full bool) policyXML {
	arn := k.arn(k.acct, "policy", p.entity)
	x := policyXML{
		PolicyName: p.Name, PolicyID: p.ID, Arn: arn, Path: p.Path, DefaultVersionID: p.Default.Seen(),
		AttachmentCount: k.attachments(arn), IsAttachable: true, CreateDate: stamp(p.Created), UpdateDate: stamp(p.Updated),
	}
	x.PermissionsBoundaryUsageCount = k.bounds(arn)
	if full {
		x.Description = p.Description // AWS leaves it out of lists
		if len(p.Tags) > 0 {
			list := listOf(p.Tags)
			x.Tags = &list
		}
	}
	return x
}

// bounds counts the users and roles whose boundary a policy is.
func (k *iamCall) bounds(arn string) int {
	n := 0
	for _, u := range k.acct.Users {
		if u.Boundary.Now == arn {
			n++
		}
	}
	for _, r := range k.acct.Roles {
		if r.Boundary.Now == arn {
			n++
		}
	}
	return n
}

func (k *iamCall) policy(reading bool) (*policy, error) {
	arn := k.form.Get("PolicyArn")
	if !strings.HasPrefix(arn, "arn:") || len(arn) < 20 {
		return nil, &apiError{Code: "InvalidInput", Status: 400, Message: "ARN " + arn + " is not valid."}
	}
	if k.aws[arn] != nil { // another account's, so to speak
		return nil, &apiError{Code: "AccessDenied", Status: 403, Message: "User: " + k.who.ARN + " is not authorized to perform: iam:" + k.action + " on resource: policy " + arn}
	}
	p := k.policyByARN(k.acct, arn)
	if p == nil || reading && !p.Exists.Seen() {
		return nil, &apiError{Code: "NoSuchEntity", Status: 404, Message: "Policy " + arn + " was not found."}
	}
	return p, nil
}

func createPolicy(k *iamCall) (any, error) {
	name, err := k.name("PolicyName", 128)
	if err != nil {
		return nil, err
	}
	path, err := k.path()
	if err != nil {
		return nil, err
	}
	tags, err := k.tags()
	if err != nil {
		return nil, err
	}
	if len(tags) > 0 {
		if err := k.may("iam:TagPolicy", k.target("policy")); err != nil {
			return nil, err
		}
	}
	if err := k.description(); err != nil {
		return nil, err
	}
	text := k.form.Get("PolicyDocument")
	if err := checkIdentityDocument(text, k.quota("PolicySizeQuota")); err != nil {
		return nil, err
	}
	if k.acct.Policies[strings.ToLower(name)] != nil {
		return nil, &apiError{Code: "EntityAlreadyExists", Status: 409, Message: "A policy called " + name + " already exists. Duplicate names are not allowed."}
	}
	if err := k.room(len(k.acct.Policies), "PoliciesQuota", "PoliciesPerAccount"); err != nil {
		return nil, err
	}
	p := &policy{entity: k.newEntity("ANPA", name, path), Description: k.form.Get("Description"), Next: 2}
	p.Tags, p.Updated = tags, p.Created
	p.Versions = []policyVersion{{"v1", text, p.Created}}
	p.Default.Set("v1", nil)
	k.acct.Policies[strings.ToLower(name)] = p
	return struct{ Policy policyXML }{k.policyOut(p, true)}, nil
}

func getPolicy(k *iamCall) (any, error) {
	if arn := k.form.Get("PolicyArn"); k.aws[arn] != nil {
		return struct{ Policy policyXML }{k.awsPolicyOut(arn)}, nil
	}
	p, err := k.policy(true)
	if err != nil {
		return nil, err
	}
	return struct{ Policy policyXML }{k.policyOut(p, true)}, nil
}

func (k *iamCall) awsPolicyOut(arn string) policyXML {
	p := k.aws[arn]
	return policyXML{
		PolicyName: p.name, PolicyID: "ANPA" + strings.ToUpper(p.name), Arn: arn, Path: p.Path, DefaultVersionID: p.Version,
		AttachmentCount: k.attachments(arn), IsAttachable: true, CreateDate: stamp(p.Created), UpdateDate: stamp(p.Updated),
	}
}

func listPolicies(k *iamCall) (any, error) {
	scope := k.form.Get("Scope")
	var list []policyXML
	if scope != "AWS" {
		for _, p := range sorted(k.acct.Policies) {
			if p.Exists.Seen() {
				list = append(list, k.policyOut(p, false))
			}
		}
	}
	if scope != "Local" {
		for _, arn := range slices.Sorted(maps.Keys(k.aws)) {
			list = append(list, k.awsPolicyOut(arn))
		}
	}
	list = slices.DeleteFunc(list, func(p policyXML) bool {
		return !strings.HasPrefix(p.Path, k.form.Get("PathPrefix")) || k.form.Get("OnlyAttached") == "true" && p.AttachmentCount == 0
	})
	cut, more, marker, err := page(k.form, list)
	if err != nil {
		return nil, err
	}
	return struct {
		Policies members[policyXML]
		paged
	}{listOf(cut), paged{more, marker}}, nil
}

func deletePolicy(k *iamCall) (any, error) {
	p, err := k.policy(false)
	if err != nil {
		return nil, err
	}
	arn := k.arn(k.acct, "policy", p.entity)
	switch {
	case k.bounds(arn) > 0:
		return nil, &apiError{Code: "DeleteConflict", Status: 409, Message: "Cannot delete a policy that is used as a permissions boundary."}
	case len(k.holdersOf(arn, false)) > 0:
		return nil, &apiError{Code: "DeleteConflict", Status: 409, Message: "Cannot delete a policy attached to entities."}
	case len(p.Versions) > 1:
		return nil, &apiError{Code: "DeleteConflict", Status: 409, Message: "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."}
	}
	delete(k.acct.Policies, strings.ToLower(p.Name))
	return nil, nil
}

func tagPolicy(k *iamCall) (any, error) {
	p, err := k.policy(false)
	if err != nil {
		return nil, err
	}
	tags, err := k.tags()
	if err != nil {
		return nil, err
	}
	merged := mergeTags(p.Tags, tags)
	if err := checkTags(merged); err != nil {
		return nil, err
	}
	p.Tags = merged
	return nil, nil
}

func untagPolicy(k *iamCall) (any, error) {
	p, err := k.policy(false)
	if err != nil {
		return nil, err
	}
	gone := formList(k.form, "TagKeys")
	p.Tags = slices.DeleteFunc(slices.Clone(p.Tags), func(t tag) bool { return slices.Contains(gone, t.Key) })
	return nil, nil
}

func listPolicyTags(k *iamCall) (any, error) {
	p, err := k.policy(true)
	if err != nil {
		return nil, err
	}
	return k.tagPage(p.Tags)
}
