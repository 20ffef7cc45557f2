// Quotas of an account: how many of what it may hold.
package fakeaws

// quotas are AWS's defaults, by their names in GetAccountSummary.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func quotas() map[string]int {
	return map[string]int{
		"AccessKeysPerUserQuota":        2,
		"AssumeRolePolicySizeQuota":     2048,
		"AttachedPoliciesPerGroupQuota": 10,
		"AttachedPoliciesPerRoleQuota":  10,
		"AttachedPoliciesPerUserQuota":  10,
		"GroupPolicySizeQuota":          5120,
		"GroupsPerUserQuota":            10,
		"GroupsQuota":                   300,
		"PoliciesQuota":                 1500,
		"PolicySizeQuota":               6144,
		"PolicyVersionsInUseQuota":      10000,
		"RolePolicySizeQuota":           10240,
		"RolesQuota":                    1000,
		"UserPolicySizeQuota":           2048,
		"UsersQuota":                    5000,
		"VersionsPerPolicyQuota":        5,
	}
}

// SetQuota changes a quota of every account, by its name in GetAccountSummary
// ("GroupsQuota"). What is there already stays. An unknown name is a broken test.
func (c *Cloud) SetQuota(name string, n int) {
	if _, known := c.quotas[name]; !known {
		panic("no quota of IAM is called " + name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Quotas == nil {
		c.state.Quotas = map[string]int{}
	}
	c.state.Quotas[name] = n
}

func (c *Cloud) quota(name string) int {
	if n, changed := c.state.Quotas[name]; changed {
		return n
	}
	return c.quotas[name]
}

// room refuses one more of something when its quota is used up. Messages name
// a quota otherwise than GetAccountSummary does.
func (c *Cloud) room(used int, quota, message string) error {
	if n := c.quota(quota); used >= n {
		return limit(message, itoa(n))
	}
	return nil
}
