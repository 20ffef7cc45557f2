// The account as a whole: its summary.
package fakeaws

func accountOps() map[string]iamOp {
	return map[string]iamOp{
		"GetAccountSummary": {"", false, getAccountSummary},
	}
}

// getAccountSummary answers with the quotas that this cloud enforces and with what is used of them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
func getAccountSummary(k *iamCall) (any, error) {
	type entry struct {
		Key   string `xml:"key"`
		Value int    `xml:"value"`
	}
	type entries struct {
		Entry []entry `xml:"entry"`
	}
	return struct{ SummaryMap entries }{entries{[]entry{
		{"AccessKeysPerUserQuota", 2},
		{"AccountAccessKeysPresent", min(1, len(k.keysOf("", true)))},
		{"AttachedPoliciesPerGroupQuota", maxAttached},
		{"AttachedPoliciesPerRoleQuota", maxAttached},
		{"AttachedPoliciesPerUserQuota", maxAttached},
		{"GroupPolicySizeQuota", 5120},
		{"Groups", len(k.acct.Groups)},
		{"GroupsPerUserQuota", 10},
		{"GroupsQuota", 300},
		{"Policies", len(k.acct.Policies)},
		{"PoliciesQuota", 1500},
		{"PolicySizeQuota", maxManaged},
		{"Providers", len(k.acct.OIDC)},
		{"RolePolicySizeQuota", 10240},
		{"Roles", len(k.acct.Roles)},
		{"RolesQuota", 1000},
		{"UserPolicySizeQuota", 2048},
		{"Users", len(k.acct.Users)},
		{"UsersQuota", 5000},
		{"VersionsPerPolicyQuota", maxVersions},
	}}}, nil
}
