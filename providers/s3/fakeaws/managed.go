// Managed policies: the customer's own, and the few of AWS's that this cloud knows.
package fakeaws

import (
	"maps"
	"slices"
	"strings"
)

// awsManaged returns AWS managed policies by name, in their shape and effect,
// not in their full text.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
func awsManaged() map[string]string {
	allow := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`
	}
	return map[string]string{
		"AdministratorAccess":    allow(`"*"`),
		"AmazonS3FullAccess":     allow(`"s3:*","s3-object-lambda:*"`),
		"AmazonS3ReadOnlyAccess": allow(`"s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"`),
		"IAMFullAccess":          allow(`"iam:*"`),
		"IAMReadOnlyAccess":      allow(`"iam:GenerateCredentialReport","iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy"`),
	}
}

func awsManagedNames() []string { return slices.Sorted(maps.Keys(awsManaged())) }

// managed returns the default version's document of a managed policy; seen asks
// for what readers see.
func (c *Cloud) managed(a *account, arn string, seen bool) (string, bool) {
	if name, ok := strings.CutPrefix(arn, "arn:"+c.state.Partition+":iam::aws:policy/"); ok {
		text, known := awsManaged()[name]
		return text, known
	}
	p := c.policyByARN(a, arn)
	if p == nil || seen && !p.Exists.Seen() {
		return "", false
	}
	id := p.Default.Now
	if seen {
		id = p.Default.Seen()
	}
	for _, v := range p.Versions {
		if v.ID == id {
			return v.Document, true
		}
	}
	return "", false
}

func (c *Cloud) policyByARN(a *account, arn string) *policy {
	p := a.Policies[strings.ToLower(arn[strings.LastIndex(arn, "/")+1:])]
	if p == nil || c.arn(a, "policy", p.entity) != arn {
		return nil
	}
	return p
}
