// Vendor: the grantee's own account on AWS, from which it takes a role of the owner's on.
package s3

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// The settings of an account that takes a role on.
const (
	setVendorAccount = "vendor-account"
	setVendorRole    = "vendor-role"
	setExternalID    = "external-id"
)

// rudderStack is RudderStack's account, which serves as the example.
// https://www.rudderstack.com/docs/destinations/aws-iam-role-for-rudderstack/
const rudderStack = "422074288268"

// noAccount is what stands in the place of an account in examples and logs.
const noAccount = "000000000000"

func vendorSettings() []core.Setting {
	only := []core.Who{core.WhoAccount}
	return []core.Setting{
		{Name: setVendorAccount, Usage: "12 digits: the grantee's account, in which anybody may take the role on whom its owner lets; RudderStack's is " + rudderStack, Example: rudderStack, Required: true, Only: only},
		{Name: setVendorRole, Usage: "full ARN of the grantee's own role, if it names one: then nobody else of its account may; the account of the example is RudderStack's", Example: "arn:aws:iam::422074288268:role/sync", Only: only},
		{Name: setExternalID, Usage: "what the grantee calls its customer, as the grantee gives it: it sends this each time, so that nobody else's wish is carried out with this role; the example is nobody's", Example: "2dPf0KxMrAqbVfYyCmKJwVCMLyd", Required: true, Only: only},
	}
}

// vendor is the grantee of a role.
type vendor struct {
	account    string
	principal  string // of the trust policy
	role       string // its ARN; "" if the whole account is trusted
	externalID string
}

var (
	roleARN = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::([0-9]{12}):role/([!-~]*/)?[A-Za-z0-9_+=,.@-]{1,64}$`)
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	externalIDForm = regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]+$`)
)

// vendor reads who takes the role on.
func (d design) vendor() (vendor, core.Faults) {
	set := d.grant.Settings
	v := vendor{account: set[setVendorAccount], role: set[setVendorRole], externalID: set[setExternalID]}
	var f core.Faults
	fault := func(field, value, rule, accepts string) {
		f = append(f, core.Fault{Field: field, Value: value, Rule: rule, Accepts: accepts})
	}
	const digits = `12 digits, e.g. "422074288268"`
	arnForm := "arn:" + d.partition.name + ":iam::ACCOUNT:role/NAME"
	m := roleARN.FindStringSubmatch(v.role)
	switch {
	case v.account == "" && v.role == "":
		fault(setVendorAccount, "", "is missing: nobody would be trusted", digits+", or vendor-role with the ARN of the grantee's role")
	case v.account != "" && !accountID.MatchString(v.account):
		fault(setVendorAccount, v.account, "is not an account", digits)
	}
	switch {
	case v.role == "":
		v.principal = "arn:" + d.partition.name + ":iam::" + v.account + ":root"
	case strings.ContainsAny(v.role, "*?") || strings.Contains(v.role, "${"):
		fault(setVendorRole, v.role, "holds a wildcard or a variable: a trust is for one role, which exists", arnForm)
	case m == nil:
		fault(setVendorRole, v.role, "is not the full ARN of a role", arnForm)
	case m[1] != d.partition.name:
		fault(setVendorRole, v.role, fmt.Sprintf("is in partition %q, whose identities are unknown in %q", m[1], d.partition.name), arnForm)
	case v.account != "" && accountID.MatchString(v.account) && m[2] != v.account:
		fault(setVendorRole, v.role, "is not in vendor-account "+v.account, "one of the two settings, or both for the same account")
	default:
		v.account, v.principal = m[2], v.role
	}
	switch {
	case v.account == noAccount:
		fault(setVendorAccount, v.account, "is nobody's account", digits+", as the grantee gives it")
	case v.account != "" && v.account == d.account:
		fault(setVendorAccount, v.account, "is your own account: everybody in it who may take roles on would be let in", "the grantee's account")
	}
	const form = "2 to 1224 letters, digits and _ + = , . @ : / -, as the grantee gives it"
	switch {
	case v.externalID == "":
		fault(setExternalID, "", "is missing: without it, every customer of the grantee who knows the role's name could have it used in their own name", form)
	case !externalIDForm.MatchString(v.externalID) || len(v.externalID) < 2 || len(v.externalID) > 1224:
		fault(setExternalID, v.externalID, "is not an external ID", form)
	}
	return v, f
}
