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
	for _, name := range principalsOf(d) {
		if a := c.state.Accounts[accountOf(name)]; a != nil {
			if id := c.idOf(a, name); id != "" {
				p.IDs[name] = id
			}
		}
	}
	return p
}

// document returns the policy as it is shown and applied: with the IDs of the
// dead in place of their names. Nobody may change it in place.
func (c *Cloud) document(p pinned) Document {
	if p.Text == "" {
		return Document{}
	}
	if d, err := c.parse(p.Text); err == nil && !c.differs(p, d) {
		return d
	}
	d, _ := ParseDocument(p.Text)
	for i := range d.Statement {
		for _, set := range []*PrincipalSet{d.Statement[i].Principal, d.Statement[i].NotPrincipal} {
			if set == nil {
				continue
			}
			for j, name := range set.AWS {
				set.AWS[j] = c.shown(p, name)
			}
		}
	}
	return d
}

func (c *Cloud) differs(p pinned, d Document) bool {
	for _, s := range d.Statement {
		for _, set := range []*PrincipalSet{s.Principal, s.NotPrincipal} {
			if set == nil {
				continue
			}
			for _, name := range set.AWS {
				if c.shown(p, name) != name {
					return true
				}
			}
		}
	}
	return false
}

// shown is how a principal of the policy reads today: a number is its account's
// ARN, one who was renamed bears the new name, and a dead one is an ID.
func (c *Cloud) shown(p pinned, name string) string {
	if name == "*" {
		return name
	}
	if accountID.MatchString(name) {
		return "arn:" + c.state.Partition + ":iam::" + name + ":root"
	}
	id := p.IDs[name]
	if id == "" {
		return name
	}
	a := c.state.Accounts[accountOf(name)]
	if c.idOf(a, name) == id {
		return name
	}
	for _, u := range a.Users {
		if u.ID == id {
			return c.arn(a, "user", u.entity)
		}
	}
	return id
}

// text returns the policy as it was written if nothing of it reads otherwise.
func (c *Cloud) text(p pinned) string {
	d, err := c.parse(p.Text)
	if err != nil || !c.differs(p, d) {
		return p.Text
	}
	b, _ := json.Marshal(c.document(p)) // strings only
	return string(b)
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
