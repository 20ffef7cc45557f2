// The organisation that an account may be in: its service control policies.
package fakeaws

import "fmt"

// SetServiceControlPolicy puts an account into an organisation whose one policy
// for it is document; "" takes it out. It bounds everybody in the account, the
// root user included.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
func (c *Cloud) SetServiceControlPolicy(id, document string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.state.Accounts[id]
	if a == nil {
		panic("no account " + id)
	}
	a.Service = nil
	if document == "" {
		return
	}
	if _, err := ParseDocument(document); err != nil {
		panic(fmt.Sprintf("service control policy: %v", err))
	}
	a.Service = []inlinePolicy{{"p-examplescp", document}}
}

func (c *Cloud) servicePolicies(a *account) []Policy {
	var list []Policy
	for _, p := range a.Service {
		list = c.appendPolicy(list, p.Name, p.Document)
	}
	return list
}
