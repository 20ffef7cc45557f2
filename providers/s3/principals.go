// Principals: whom a statement of somebody else's policy is about, as AWS reads it.
package s3

import (
	"encoding/json"
	"slices"
	"strings"
)

// The kinds of principals that matter here.
const (
	awsKind       = "AWS"
	federatedKind = "Federated"
)

// spoken is a statement of others, as far as it says of whom it speaks. Texts are
// decoded: JSON has several ways to write the same.
type spoken struct {
	effect string
	who    map[string][]string // by kind
	others map[string][]string // everybody but these
}

// speak reads a statement.
func speak(raw json.RawMessage) (spoken, error) {
	var s struct {
		Effect                  string
		Principal, NotPrincipal json.RawMessage
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return spoken{}, err
	}
	who, err := principals(s.Principal)
	if err != nil {
		return spoken{}, err
	}
	others, err := principals(s.NotPrincipal)
	return spoken{s.Effect, who, others}, err
}

// principals are those of a statement, by kind. "*" alone is everybody.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func principals(raw json.RawMessage) (map[string][]string, error) {
	if raw == nil {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return map[string][]string{awsKind: {one}}, nil
	}
	var kinds map[string]json.RawMessage
	if err := json.Unmarshal(raw, &kinds); err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for kind, names := range kinds {
		var one string
		if json.Unmarshal(names, &one) == nil {
			found[kind] = []string{one}
			continue
		}
		var list []string
		if err := json.Unmarshal(names, &list); err != nil {
			return nil, err
		}
		found[kind] = list
	}
	return found, nil
}

// allows reports whether the statement can only give, and never take away.
func (s spoken) allows() bool { return s.effect == "Allow" }

// about reports whether the statement speaks of a user or role, or of sessions of
// the role. What it says of the whole account gives nothing to those inside: it
// leaves that to their own policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
func (s spoken) about(arn string) bool {
	named := func(list []string) bool {
		return slices.ContainsFunc(list, func(name string) bool {
			return name == everybody || name == arn || isSessionOf(name, arn)
		})
	}
	if s.others != nil {
		return !named(s.others[awsKind])
	}
	return named(s.who[awsKind]) || !s.allows() && slices.ContainsFunc(s.who[awsKind], func(name string) bool { return isAccountOf(name, arn) })
}

// isSessionOf reports whether name is a session of the role with that ARN. The
// path of a role is not in the ARN of its sessions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-role-session
func isSessionOf(name, role string) bool {
	resource := arnField(role, 5)
	if !strings.HasPrefix(resource, "role/") {
		return false
	}
	stem := "arn:" + arnField(role, 1) + ":sts::" + arnField(role, 4) + ":assumed-role/" + resource[strings.LastIndex(resource, "/")+1:] + "/"
	return strings.HasPrefix(name, stem)
}

// isAccountOf reports whether name is the whole account of who has that ARN.
func isAccountOf(name, arn string) bool {
	account := arnField(arn, 4)
	return name == account || name == "arn:"+arnField(arn, 1)+":iam::"+account+":root"
}

// trusts reports whether a trust policy lets in whom an identity provider
// vouches for. Of a policy that cannot be read nobody can say that it does not.
func trusts(text, provider string) bool {
	shelf, err := openShelf(text)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(shelf.statements, func(raw json.RawMessage) bool {
		s, err := speak(raw)
		return err != nil || slices.ContainsFunc(s.who[federatedKind], func(name string) bool { return strings.EqualFold(name, provider) })
	})
}
