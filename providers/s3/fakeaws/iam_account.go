// The account as a whole: its summary.
package fakeaws

import (
	"maps"
	"slices"
)

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
	figures := map[string]int{
		"AccountAccessKeysPresent": min(1, len(k.keysOf("", true))),
		"Groups":                   len(k.acct.Groups),
		"Policies":                 len(k.acct.Policies),
		"PolicyVersionsInUse":      k.versionsInUse(),
		"Providers":                len(k.acct.OIDC),
		"Roles":                    len(k.acct.Roles),
		"Users":                    len(k.acct.Users),
	}
	for name := range k.quotas {
		figures[name] = k.quota(name)
	}
	var list []entry
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		list = append(list, entry{name, figures[name]})
	}
	return struct{ SummaryMap entries }{entries{list}}, nil
}

// versionsInUse counts the versions of all policies of the account.
func (k *iamCall) versionsInUse() int {
	n := 0
	for _, p := range k.acct.Policies {
		n += len(p.Versions)
	}
	return n
}
