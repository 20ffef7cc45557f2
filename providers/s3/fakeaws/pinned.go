// Policies that name principals: a name is pinned to the unique ID behind it.
package fakeaws

import (
	"encoding/json"
)

// pinned is a policy of a resource. AWS keeps the unique IDs of the users and
// roles that it names: once one is deleted, the policy shows the ID, and a new
// user of the same name is somebody else.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
type pinned struct {
	Text string
	IDs  map[string]string // ARN to unique ID
}

func (c *Cloud) pin(d Document, text string) pinned {
	p := pinned{text, map[string]string{}}
	for _, s := range d.Statement {
		for _, set := range []*PrincipalSet{s.Principal, s.NotPrincipal} {
			if set == nil {
				continue
			}
			for _, name := range set.AWS {
				if a := c.state.Accounts[accountOf(name)]; a != nil {
					if id := c.idOf(a, name); id != "" {
						p.IDs[name] = id
					}
				}
			}
		}
	}
	return p
}

// document returns the policy with the IDs of the dead in place of their names.
func (c *Cloud) document(p pinned) Document {
	d, _ := ParseDocument(p.Text)
	for i := range d.Statement {
		for _, set := range []*PrincipalSet{d.Statement[i].Principal, d.Statement[i].NotPrincipal} {
			if set == nil {
				continue
			}
			for j, name := range set.AWS {
				if id := p.IDs[name]; id != "" && c.idOf(c.state.Accounts[accountOf(name)], name) != id {
					set.AWS[j] = id
				}
			}
		}
	}
	return d
}

// text returns the policy as it was written if all whom it names are alive.
func (c *Cloud) text(p pinned) string {
	for name, id := range p.IDs {
		if c.idOf(c.state.Accounts[accountOf(name)], name) != id {
			b, _ := json.Marshal(c.document(p))
			return string(b)
		}
	}
	return p.Text
}

// principalsOf lists the AWS principals of a policy.
func principalsOf(d Document) []string {
	var list []string
	for _, s := range d.Statement {
		for _, set := range []*PrincipalSet{s.Principal, s.NotPrincipal} {
			if set != nil {
				list = append(list, set.AWS...)
			}
		}
	}
	return list
}
