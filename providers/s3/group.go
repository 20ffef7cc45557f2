// Group: the layout of a managed policy on a group, and a user in the group.
package s3

import (
	"context"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// groupLayout is a policy, a group that carries it, and a user in the group.
type groupLayout struct{}

func (groupLayout) faults(d design) core.Faults {
	if d.common != "" && len(d.native.Statements) > 0 {
		return core.Faults{{Field: setGroup, Value: d.common, Rule: "contradicts the source document, which makes one group for each site", Accepts: "the sound form"}}
	}
	return nil
}

func (groupLayout) resources(d design) []core.Resource {
	role := func(addr, what string) core.Resource {
		return core.Resource{Step: core.RoleStep, Addr: addr, What: what}
	}
	return []core.Resource{
		role(d.policyAddr(), "customer managed policy for "+d.objectsARN()),
		role(d.groupAddr(), groupWords(d)),
		role(d.attachAddr(), "the policy is attached to the group"),
		role(d.userAddr(), "user without console login and without policies of its own"),
		role(d.memberAddr(), "the user is a member of the group, and of no other"),
		keyResource(d),
	}
}

func groupWords(d design) string {
	if d.common != "" {
		return "group for many sites, whose policy confines each user to the folder that is called like it"
	}
	return "group that carries the policy"
}

// keyResource is the access key of a user.
func keyResource(d design) core.Resource {
	return core.Resource{Step: core.CredentialStep, Addr: d.keyAddr(""), What: "one access key, long-lived: it works until it is retired"}
}

func (groupLayout) documents(p *Provider, d design) []core.Document {
	return []core.Document{document("policy", d.policyAddr(), "what the grantee may do: nothing but this", p.grantPolicy(d))}
}

func (groupLayout) operator(d design) []core.Permission {
	return append(rolePermissions(d), keyPermissions(d)...)
}

func (groupLayout) grantee(d design, account string) string { return d.iamARN(account, "user") }

func (groupLayout) step(s *session) piece { return &roleStep{s} }

func (groupLayout) issuer(s *session) core.Issuer { return newIssuer(s) }

func (groupLayout) outputs(s *session) func(context.Context) ([]core.Output, error) {
	return keyOutputs(s.design)
}

func newIssuer(s *session) *issuer {
	return &issuer{session: s, issued: map[string]time.Time{}, shown: map[string]bool{}}
}
