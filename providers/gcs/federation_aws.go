// AWS: a vendor's role in its own AWS account, let in under one session name.
package gcs

import (
	"context"
	"regexp"
	"strconv"

	"github.com/bucketgrant/bucketgrant/core"
)

// WhoAWSRole is a role in somebody's AWS account.
const WhoAWSRole = core.Who("aws-role")

// awsRoleGrantee is a role in the vendor's AWS account.
type awsRoleGrantee struct{}

const (
	awsProvider = "aws-role"

	vendorAWSAccount = "vendor-aws-account"
	vendorAWSRole    = "vendor-aws-role"
	sessionSetting   = "session"
	impersonate      = "impersonate"
)

// The ways to pass for the vendor's role.
const (
	otherAccount = "other-account"
	otherRole    = "other-role"
	otherSession = "other-session"
)

func (awsRoleGrantee) identity() core.Identity {
	return core.Identity{Who: WhoAWSRole, Title: "a role in the vendor's AWS account, by a request that AWS has it sign",
		Why: "nothing is handed over that could be lost, and the name of the session ties the access to your workspace at the vendor: choose it for a vendor that runs on AWS",
		Forgeries: []core.Forgery{
			{Name: otherAccount, Why: "a role of the same name in another AWS account"},
			{Name: otherRole, Why: "another role of the vendor's"},
			{Name: otherSession, Why: "the vendor's role on behalf of another customer"},
		}}
}

func (awsRoleGrantee) settings() []core.Setting {
	return []core.Setting{
		{Name: vendorAWSAccount, Usage: "number of the vendor's AWS account", Example: "422074288268", Required: true},
		{Name: vendorAWSRole, Usage: "name of the role that the vendor takes on there", Example: "gcs-uploader", Required: true},
		{Name: sessionSetting, Usage: "name of its session: what the vendor calls your workspace", Example: "2WbXyZ3kQpLmN8rT", Required: true},
		{Name: impersonate, Usage: "have the vendor's role act as a service account of yours, for programs that cannot do without one", Example: "false", Flag: true},
	}
}

// awsRole is the vendor's role, read.
type awsRole struct {
	account, role, session string
	impersonate            bool
}

// arn is how AWS names a session of the role.
func (a awsRole) arn() string {
	return "arn:aws:sts::" + a.account + ":assumed-role/" + a.role + "/" + a.session
}

var (
	awsAccountID = regexp.MustCompile(`^[0-9]{12}$`)
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
	awsRoleName = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,64}$`)
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	awsSession = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{2,64}$`)
)

// awsRoleOf reads the vendor's role of d and what lets it in.
func awsRoleOf(d design) (awsRole, federation, core.Faults) {
	have := d.grant.Settings
	a := awsRole{have[vendorAWSAccount], have[vendorAWSRole], have[sessionSetting], have[impersonate] == "true"}
	var faults core.Faults
	check := func(field string, shape *regexp.Regexp, is, accepts string) {
		rule := is
		if have[field] == "" {
			rule = "is missing"
		}
		if !shape.MatchString(have[field]) {
			faults = append(faults, core.Fault{Field: field, Value: have[field], Rule: rule, Accepts: accepts})
		}
	}
	check(vendorAWSAccount, awsAccountID, "is not the number of an AWS account", `12 digits, e.g. "422074288268"`)
	check(vendorAWSRole, awsRoleName, "is not the name of a role", `the role's name without path or ARN: at most 64 letters, digits and _+=,.@-, e.g. "gcs-uploader"`)
	check(sessionSetting, awsSession, "is not the name of a session", "2 to 64 letters, digits and _+=,.@-, as the vendor calls your workspace")
	f := federationOf(d, awsProvider, providerDocument{
		Mapping:   map[string]string{subjectMapping: "assertion.arn"},
		Condition: "assertion.arn == " + strconv.Quote(a.arn()),
		AWS:       &awsDocument{a.account},
	})
	if len(faults) == 0 {
		faults = f.limits(sessionSetting, a.arn())
	}
	return a, f, faults
}

func (awsRoleGrantee) parts(d design) parts {
	a, f, faults := awsRoleOf(d)
	member := f.subject(projectNumberText, a.arn())
	p := parts{
		members:   []string{member},
		resources: f.resources(),
		documents: f.documents(),
		operator:  f.operator(),
		notes: []string{"the session " + strconv.Quote(a.session) + " is what tells you from the vendor's other customers: the vendor must set it, and let nobody choose it",
			"a machine of EC2 calls the session of its own role by the machine's ID, which is refused: the vendor's program must assume the role under that session name itself"},
		faults: faults,
	}
	if a.impersonate {
		p = p.behind(trustFor(d, member), accountParts(d))
	}
	return p
}

func (awsRoleGrantee) open(r *run) holder {
	a, f, _ := awsRoleOf(r.design)
	g := newGuest(r, f)
	g.member = func(number string) string { return f.subject(number, a.arn()) }
	g.tell = func(number string) []core.Output { return awsRoleOutputs(f, a, number) }
	if a.impersonate {
		g.as = &ownAccount{run: r}
	}
	return g
}

func (awsRoleGrantee) become(_ context.Context, p *Provider, b core.Blueprint, _ core.Credential) (core.Actor, error) {
	s, faults := readSettings(b.Grant)
	a, f, wrong := awsRoleOf(designOf(b.Grant, s))
	if err := append(faults, wrong...).Err(); err != nil {
		return nil, err
	}
	return p.asAWSRole(f, a)
}
