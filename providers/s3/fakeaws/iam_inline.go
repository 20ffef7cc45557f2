// Inline policies of users, groups and roles.
package fakeaws

import (
	"slices"
	"strings"
)

func inlineOps() map[string]iamOp {
	ops := map[string]iamOp{}
	for kind, find := range holders() {
		what := strings.ToUpper(kind[:1]) + kind[1:]
		ops["Put"+what+"Policy"] = iamOp{kind, true, putInline(kind, what, find)}
		ops["Get"+what+"Policy"] = iamOp{kind, false, getInline(what, find)}
		ops["Delete"+what+"Policy"] = iamOp{kind, true, deleteInline(find)}
		ops["List"+what+"Policies"] = iamOp{kind, false, listInline(find)}
	}
	return ops
}

func putInline(kind, what string, find finder) func(*iamCall) (any, error) {
	return func(k *iamCall) (any, error) {
		h, name, err := find(k, false)
		if err != nil {
			return nil, err
		}
		policyName, err := k.name("PolicyName", 128)
		if err != nil {
			return nil, err
		}
		text := k.form.Get("PolicyDocument")
		if err := checkIdentityDocument(text, maxDocument); err != nil {
			return nil, err
		}
		list := without(h.Inline.Now, policyName)
		list = append(list, inlinePolicy{policyName, text})
		sum, most := 0, k.quota(what+"PolicySizeQuota") // of all of the holder's, white space not counted
		for _, p := range list {
			sum += countedSize(p.Document)
		}
		if sum > most {
			return nil, &apiError{Code: "LimitExceeded", Status: 409, Message: "Maximum policy size of " + itoa(most) + " bytes exceeded for " + kind + " " + name}
		}
		slices.SortFunc(list, func(a, b inlinePolicy) int { return strings.Compare(a.Name, b.Name) })
		h.Inline.Set(list, k.lag())
		return nil, nil
	}
}

func without(list []inlinePolicy, name string) []inlinePolicy {
	return slices.DeleteFunc(slices.Clone(list), func(p inlinePolicy) bool { return p.Name == name })
}

func getInline(what string, find finder) func(*iamCall) (any, error) {
	return func(k *iamCall) (any, error) {
		h, name, err := find(k, true)
		if err != nil {
			return nil, err
		}
		want := k.form.Get("PolicyName")
		for _, p := range h.Inline.Seen() {
			if p.Name != want {
				continue
			}
			switch what {
			case "User":
				return struct{ UserName, PolicyName, PolicyDocument string }{name, p.Name, encode(p.Document)}, nil
			case "Group":
				return struct{ GroupName, PolicyName, PolicyDocument string }{name, p.Name, encode(p.Document)}, nil
			}
			return struct{ RoleName, PolicyName, PolicyDocument string }{name, p.Name, encode(p.Document)}, nil
		}
		return nil, noSuch(strings.ToLower(what)+" policy", want)
	}
}

func deleteInline(find finder) func(*iamCall) (any, error) {
	return func(k *iamCall) (any, error) {
		h, _, err := find(k, false)
		if err != nil {
			return nil, err
		}
		want := k.form.Get("PolicyName")
		rest := without(h.Inline.Now, want)
		if len(rest) == len(h.Inline.Now) {
			return nil, noSuch("policy", want)
		}
		h.Inline.Set(rest, k.lag())
		return nil, nil
	}
}

func listInline(find finder) func(*iamCall) (any, error) {
	return func(k *iamCall) (any, error) {
		h, _, err := find(k, true)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, p := range h.Inline.Seen() {
			names = append(names, p.Name)
		}
		cut, more, marker, bad := page(k.form, names)
		if bad != nil {
			return nil, bad
		}
		return struct {
			PolicyNames members[string]
			paged
		}{listOf(cut), paged{more, marker}}, nil
	}
}
