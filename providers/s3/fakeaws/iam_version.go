// Versions of customer managed policies.
package fakeaws

import (
	"slices"
	"time"
)

func versionOps() map[string]iamOp {
	return map[string]iamOp{
		"CreatePolicyVersion":     {"policy", true, createPolicyVersion},
		"GetPolicyVersion":        {"policy", false, getPolicyVersion},
		"ListPolicyVersions":      {"policy", false, listPolicyVersions},
		"DeletePolicyVersion":     {"policy", true, deletePolicyVersion},
		"SetDefaultPolicyVersion": {"policy", true, setDefaultPolicyVersion},
	}
}

type versionXML struct {
	Document         string `xml:",omitempty"` // escaped as RFC 3986 says
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

func createPolicyVersion(k *iamCall) (any, error) {
	p, err := k.policy(false)
	if err != nil {
		return nil, err
	}
	text := k.form.Get("PolicyDocument")
	if err := checkIdentityDocument(text, k.quota("PolicySizeQuota")); err != nil {
		return nil, err
	}
	if len(p.Versions) >= k.quota("VersionsPerPolicyQuota") {
		return nil, &apiError{Code: "LimitExceeded", Status: 409, Message: "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."}
	}
	v := policyVersion{"v" + itoa(p.Next), text, time.Now().UTC().Truncate(time.Second)}
	p.Next++
	p.Versions = append(p.Versions, v)
	p.Updated = v.Created
	isDefault := k.form.Get("SetAsDefault") == "true"
	if isDefault {
		p.Default.Set(v.ID, k.lag())
	}
	return struct{ PolicyVersion versionXML }{versionXML{"", v.ID, isDefault, stamp(v.Created)}}, nil
}

func (p *policy) version(id string) (policyVersion, int, error) {
	i := slices.IndexFunc(p.Versions, func(v policyVersion) bool { return v.ID == id })
	if i < 0 {
		return policyVersion{}, 0, noSuchVersion(id)
	}
	return p.Versions[i], i, nil
}

func noSuchVersion(id string) error {
	return &apiError{Code: "NoSuchEntity", Status: 404, Message: "Policy version " + id + " does not exist or is not attachable."}
}

func getPolicyVersion(k *iamCall) (any, error) {
	if p := k.aws[k.form.Get("PolicyArn")]; p != nil {
		if id := k.form.Get("VersionId"); id != p.Version { // older ones are not known here
			return nil, noSuchVersion(id)
		}
		return struct{ PolicyVersion versionXML }{versionXML{encode(p.text), p.Version, true, stamp(p.Updated)}}, nil
	}
	p, err := k.policy(true)
	if err != nil {
		return nil, err
	}
	v, _, err := p.version(k.form.Get("VersionId"))
	if err != nil {
		return nil, err
	}
	return struct{ PolicyVersion versionXML }{versionXML{encode(v.Document), v.ID, v.ID == p.Default.Seen(), stamp(v.Created)}}, nil
}

func listPolicyVersions(k *iamCall) (any, error) {
	if p := k.aws[k.form.Get("PolicyArn")]; p != nil {
		return struct {
			Versions members[versionXML]
			paged
		}{listOf([]versionXML{{"", p.Version, true, stamp(p.Updated)}}), paged{}}, nil
	}
	p, err := k.policy(true)
	if err != nil {
		return nil, err
	}
	var list []versionXML
	for _, v := range slices.Backward(p.Versions) {
		list = append(list, versionXML{"", v.ID, v.ID == p.Default.Seen(), stamp(v.Created)})
	}
	cut, more, marker, bad := page(k.form, list)
	if bad != nil {
		return nil, bad
	}
	return struct {
		Versions members[versionXML]
		paged
	}{listOf(cut), paged{more, marker}}, nil
}

func deletePolicyVersion(k *iamCall) (any, error) {
	p, err := k.policy(false)
	if err != nil {
		return nil, err
	}
	v, i, err := p.version(k.form.Get("VersionId"))
	if err != nil {
		return nil, err
	}
	if v.ID == p.Default.Now {
		return nil, &apiError{Code: "DeleteConflict", Status: 409, Message: "Cannot delete the default version of a policy."}
	}
	p.Versions = slices.Delete(slices.Clone(p.Versions), i, i+1)
	return nil, nil
}

func setDefaultPolicyVersion(k *iamCall) (any, error) {
	p, err := k.policy(false)
	if err != nil {
		return nil, err
	}
	v, _, err := p.version(k.form.Get("VersionId"))
	if err != nil {
		return nil, err
	}
	p.Default.Set(v.ID, k.lag())
	return nil, nil
}
