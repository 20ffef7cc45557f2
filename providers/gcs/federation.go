// Federation: identities of another issuer that a pool of ours lets in, in plain data.
package gcs

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// federation is the pool of one grant, with its one provider. The pool is the
// grant's own: whatever it lets in may use the grant, and nothing else.
type federation struct {
	design
	poolID     string
	providerID string
	provider   providerDocument
}

// poolDocument is the body of a workload identity pool.
type poolDocument struct {
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
}

// providerDocument is the body of a pool's provider: whose tokens are taken, on
// what condition, and what becomes of their claims.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers
type providerDocument struct {
	DisplayName string            `json:"displayName"`
	Description string            `json:"description"`
	Mapping     map[string]string `json:"attributeMapping"`
	Condition   string            `json:"attributeCondition"`
	OIDC        *oidcDocument     `json:"oidc,omitempty"`
	AWS         *awsDocument      `json:"aws,omitempty"`
}

type oidcDocument struct {
	Issuer string `json:"issuerUri"` // no audiences: the provider's own name is the only one that it accepts
}

type awsDocument struct {
	Account string `json:"accountId"`
}

const (
	maxSubject     = 127 // bytes of google.subject; a longer one is refused when a token is exchanged
	maxCondition   = 4096
	subjectMapping = "google.subject"

	// projectNumber stands in documents for the number, which only the cloud knows.
	projectNumberText = "PROJECT_NUMBER"
)

func federationOf(d design, providerID string, p providerDocument) federation {
	f := federation{design: d, poolID: poolID(d.grant.Name), providerID: providerID, provider: p}
	f.provider.DisplayName, f.provider.Description = f.pool().DisplayName, providerDescription(d.grant)
	return f
}

// poolID is 4 to 32 lower-case letters, digits and hyphens, and does not begin with "gcp-".
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create
func poolID(name string) string {
	const least, most, reserved = 4, 32, "gcp-"
	if len(name) < least || strings.HasPrefix(name, reserved) {
		sum := sha256.Sum256([]byte(name))
		name = "p" + hex.EncodeToString(sum[:])[:8] + "-" + name
	}
	return core.Stem(name, most)
}

func (f federation) pool() poolDocument {
	return poolDocument{DisplayName: core.Stem(f.grant.Name, 32), Description: description(f.grant)}
}

func (f federation) poolAddr() string     { return "iam:workloadIdentityPool/" + f.poolID }
func (f federation) providerAddr() string { return f.poolAddr() + "/provider/" + f.providerID }

// poolName and providerName are full resource names; project is its ID or its number.
func (f federation) poolName(project string) string {
	return "projects/" + project + "/locations/global/workloadIdentityPools/" + f.poolID
}

func (f federation) providerName(project string) string {
	return f.poolName(project) + "/providers/" + f.providerID
}

// audience is whom a token is exchanged for; only the project's number will do.
func (f federation) audience(number string) string {
	return "//iam." + universe + "/" + f.providerName(number)
}

// subject is the member that is one identity of the pool.
func (f federation) subject(number, subject string) string {
	return "principal://iam." + universe + "/" + f.poolName(number) + "/subject/" + subject
}

// having is the member that is all identities of the pool with that attribute.
func (f federation) having(number, attribute, value string) string {
	return "principalSet://iam." + universe + "/" + f.poolName(number) + "/attribute." + attribute + "/" + value
}

// comesIn reports whether a member is an identity of the pool, or what is left
// of one in a pool that was deleted.
func (f federation) comesIn(member string) bool {
	rest, is := strings.CutPrefix(member, poolMember.FindString(member))
	return is && rest != member && strings.HasPrefix(rest, f.poolID+"/")
}

var poolMember = regexp.MustCompile(`^(deleted:)?principal(Set)?://iam\.googleapis\.com/projects/[0-9]+/locations/global/workloadIdentityPools/`)

// numberIn is the project's number in the full name of a pool, "" if it has none.
func numberIn(name string) string {
	m := poolProject.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	return m[1]
}

var poolProject = regexp.MustCompile(`^projects/([0-9]+)/locations/global/workloadIdentityPools/`)

// documents are the pool and its provider as they are sent.
func (f federation) documents() []core.Document {
	return []core.Document{
		{Name: "pool", Of: f.poolAddr(), Why: "the grant's own, so that nobody else comes in by it", Body: indented(f.pool())},
		{Name: "provider", Of: f.providerAddr(), Why: "whose tokens are taken, and on what condition; all else is refused before it becomes anybody", Body: indented(f.provider)},
	}
}

func (f federation) resources() []core.Resource {
	return []core.Resource{
		{Step: core.RoleStep, Addr: f.poolAddr(), What: poolText},
		{Step: core.RoleStep, Addr: f.providerAddr(), What: f.providerText()},
	}
}

const poolText = "workload identity pool, for this grant only"

// providerText is whom the provider lets in, for people.
func (f federation) providerText() string {
	if f.provider.AWS != nil {
		return "provider for the AWS account " + f.provider.AWS.Account + ", if " + f.provider.Condition
	}
	return "provider for tokens of " + f.provider.OIDC.Issuer + ", if " + f.provider.Condition
}

// operator is what the pool and its provider take.
func (f federation) operator() []core.Permission {
	project := "projects/" + f.project
	const pools, providers = "iam.workloadIdentityPools.", "iam.workloadIdentityPoolProviders."
	needs := func(action string, verbs []string, why string) core.Permission {
		return core.Permission{Action: action, Resource: project, Step: core.RoleStep, Verbs: verbs, Why: why}
	}
	return []core.Permission{
		needs(pools+"get", []string{core.ForPlan, core.ForApply, core.ForDestroy}, ""),
		needs(pools+"create", []string{core.ForApply}, ""),
		needs(pools+"update", []string{core.ForRepair}, "disables a pool and enables it again"),
		needs(pools+"undelete", []string{core.ForRepair}, "a deleted pool keeps its ID for 30 days"),
		needs(pools+"delete", []string{core.ForDestroy}, ""),
		needs(providers+"list", []string{core.ForPlan, core.ForApply, core.ForDestroy}, "finds providers that others have put into the pool"),
		needs(providers+"get", []string{core.ForApply, core.ForDestroy}, ""),
		needs(providers+"create", []string{core.ForApply}, ""),
		needs(providers+"update", []string{core.ForRepair}, "puts a condition or mapping back that drifted"),
		needs(providers+"undelete", []string{core.ForRepair}, "a deleted provider keeps its ID for 30 days"),
		needs(providers+"delete", []string{core.ForDestroy}, ""),
	}
}

// limits names what is too long to be exchanged or written, before anything is made.
func (f federation) limits(field, subject string) core.Faults {
	var faults core.Faults
	if len(subject) > maxSubject {
		faults = append(faults, core.Fault{Field: field, Value: subject, Rule: "makes a subject of more than 127 bytes, which Google refuses when a token is exchanged", Accepts: "shorter names"})
	}
	if len(f.provider.Condition) > maxCondition {
		faults = append(faults, core.Fault{Field: field, Value: subject, Rule: "makes a condition of more than 4,096 bytes", Accepts: "shorter names"})
	}
	return faults
}
