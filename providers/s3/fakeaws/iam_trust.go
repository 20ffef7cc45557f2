// Trust policies: whom a role may name, and what it has to say about them.
package fakeaws

import (
	"regexp"
	"slices"
	"strings"
)

// trust checks a role's trust policy. A trust in GitHub's shared issuer
// has to say which subject it means.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
func (k *iamCall) trust(text string) (pinned, error) {
	d, err := checkDocument(text)
	if err != nil {
		return pinned{}, err
	}
	if most := k.quota("AssumeRolePolicySizeQuota"); countedSize(text) > most {
		return pinned{}, limit("ACLSizePerRole", itoa(most))
	}
	for _, s := range d.Statement {
		if s.Resource != nil || s.NotResource != nil {
			return pinned{}, malformed("Has prohibited field Resource")
		}
		if s.Principal == nil {
			return pinned{}, malformed("AssumeRole policy must contain principals.")
		}
		for _, a := range append(append(Strings{}, s.Action...), s.NotAction...) {
			if !strings.HasPrefix(strings.ToLower(a), "sts:") {
				return pinned{}, malformed("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
		for _, name := range s.Principal.Service {
			if !serviceText.MatchString(name) {
				return pinned{}, malformed(`Invalid principal in policy: "SERVICE":"` + name + `"`)
			}
		}
		for _, name := range s.Principal.AWS {
			if !k.principalExists(name) {
				return pinned{}, malformed(`Invalid principal in policy: "AWS":"` + name + `"`)
			}
		}
		for _, name := range s.Principal.Federated {
			host := name[strings.LastIndex(name, "oidc-provider/")+len("oidc-provider/"):]
			if s.Effect == "Allow" && host == "token.actions.githubusercontent.com" && !evaluatesKey(s, host+":sub") {
				return pinned{}, malformed("Missing required condition key " + host + ":sub in the role trust policy")
			}
		}
	}
	return k.pin(d, text), nil
}

func evaluatesKey(s Statement, key string) bool {
	for _, keys := range s.Condition {
		for k, values := range keys {
			if strings.EqualFold(k, key) && !slices.Contains(values, "*") {
				return true
			}
		}
	}
	return false
}

var (
	accountID   = regexp.MustCompile(`^\d{12}$`)
	serviceText = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|amazon\.com|aws\.internal)$`)
)

// principalExists says whether a policy may name this AWS principal: an
// account, or a user or role that readers see. Other accounts' identities are
// known as well if this cloud holds the account.
func (c *Cloud) principalExists(name string) bool {
	if name == "*" || accountID.MatchString(name) {
		return true
	}
	f := strings.SplitN(name, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] != c.state.Partition || !accountID.MatchString(f[4]) {
		return false
	}
	if f[5] == "root" {
		return true
	}
	a := c.state.Accounts[f[4]]
	if a == nil {
		return false
	}
	return c.idOf(a, name) != ""
}

// idOf returns the unique ID of a user or role that readers see, by its ARN.
func (c *Cloud) idOf(a *account, arn string) string {
	last := strings.ToLower(arn[strings.LastIndex(arn, "/")+1:])
	if u := a.Users[last]; u != nil && u.Exists.Seen() && c.arn(a, "user", u.entity) == arn {
		return u.ID
	}
	if r := a.Roles[last]; r != nil && r.Exists.Seen() && c.arn(a, "role", r.entity) == arn {
		return r.ID
	}
	if rest, ok := strings.CutPrefix(arn, "arn:"+c.state.Partition+":sts::"+a.ID+":assumed-role/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		if r := a.Roles[strings.ToLower(name)]; r != nil {
			return r.ID
		}
	}
	return ""
}
