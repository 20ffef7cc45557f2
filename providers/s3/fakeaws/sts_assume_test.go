// AssumeRole across accounts, and what its sessions may do.
package fakeaws_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/ptr"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const vendorAccount = "444455556666"

// partners are an account with a bucket and the account of a vendor.
type partners struct {
	*fakeaws.Cloud
	own, vendor clients
}

func newPartners(t *testing.T) partners {
	t.Helper()
	c := fakeaws.New(fakeaws.Options{})
	id, secret := c.AddAccount(vendorAccount)
	newBucket(t, c, "acme-events")
	return partners{c, operator(c, "eu-west-1"), connect(c, "eu-west-1", id, secret, "")}
}

// role makes a role of the bucket's account and returns its ARN.
func (p partners) role(t *testing.T, name, principal, condition string) string {
	t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"` + condition + `}]}`
	r, err := p.own.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	must(t)(r, err)
	return *r.Role.Arn
}

// vendorUser makes a user in the vendor's account.
func (p partners) vendorUser(t *testing.T, name, policy string) clients {
	t.Helper()
	must(t)(p.vendor.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}))
	if policy != "" {
		must(t)(p.vendor.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: &name, PolicyDocument: &policy}))
	}
	k, err := p.vendor.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	must(t)(k, err)
	return connect(p.Cloud, "eu-west-1", *k.AccessKey.AccessKeyId, *k.AccessKey.SecretAccessKey, "")
}

func assume(t *testing.T, who clients, arn, external string) (key, error) {
	t.Helper()
	in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("s1")}
	if external != "" {
		in.ExternalId = &external
	}
	out, err := who.sts.AssumeRole(t.Context(), in)
	if err != nil {
		return key{}, err
	}
	return key{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}, nil
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
func TestAnExternalIDIsPartOfTheDoor(t *testing.T) {
	p := newPartners(t)
	strangerID, strangerSecret := p.AddAccount("777788889999")
	stranger := connect(p.Cloud, "eu-west-1", strangerID, strangerSecret, "")
	arn := p.role(t, "vendor", "arn:aws:iam::"+vendorAccount+":root", `,"Condition":{"StringEquals":{"sts:ExternalId":"workspace-7"}}`)
	unasked := p.vendorUser(t, "unasked", "")
	asked := p.vendorUser(t, "asked", allow(`"sts:AssumeRole"`, arn))
	for _, v := range []struct {
		name     string
		who      clients
		external string
		want     string
	}{
		{"missing", p.vendor, "", "AccessDenied"},
		{"wrong", p.vendor, "workspace-8", "AccessDenied"},
		{"wrong case", p.vendor, "Workspace-7", "AccessDenied"},
		{"too short", p.vendor, "7", "ValidationError"},
		{"of a wrong shape", p.vendor, "workspace 7", "ValidationError"},
		{"right, from another account", stranger, "workspace-7", "AccessDenied"},
		{"right, from the role's own account", p.own, "workspace-7", "AccessDenied"},
		{"right, by a user whom the vendor does not let", unasked, "workspace-7", "AccessDenied"},
		{"right, by a user whom the vendor lets", asked, "workspace-7", ""},
		{"right", p.vendor, "workspace-7", ""},
	} {
		_, err := assume(t, v.who, arn, v.external)
		wantCode(t, v.name, err, v.want)
	}
	_, err := assume(t, p.vendor, arn+"x", "workspace-7")
	wantCode(t, "a role that does not exist", err, "AccessDenied")
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func TestATrustedRoleIsNotItsNamesake(t *testing.T) {
	p := newPartners(t)
	name := aws.String("loader")
	newLoader := func() clients {
		t.Helper()
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + vendorAccount + `:root"},"Action":"sts:AssumeRole"}]}`
		r, err := p.vendor.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: &trust})
		must(t)(r, err)
		must(t)(p.vendor.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: aws.String(allow(`"sts:AssumeRole"`, "*"))}))
		k, err := assume(t, p.vendor, *r.Role.Arn, "")
		if err != nil {
			t.Fatal(err)
		}
		return connect(p.Cloud, "eu-west-1", k.id, k.secret, k.token)
	}
	loader := newLoader()
	arn := p.role(t, "vendor", "arn:aws:iam::"+vendorAccount+":role/loader", "")
	_, err := assume(t, loader, arn, "")
	wantCode(t, "the vendor's role", err, "")
	_, err = assume(t, p.vendor, arn, "")
	wantCode(t, "the vendor's operator", err, "AccessDenied")
	must(t)(p.vendor.iam.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: name}))
	must(t)(p.vendor.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: name}))
	_, err = assume(t, newLoader(), arn, "")
	wantCode(t, "a namesake of the vendor's role", err, "AccessDenied")
}

func TestABucketsPolicyNamesARoleOrOneOfItsSessions(t *testing.T) {
	const session = "arn:aws:sts::111122223333:assumed-role/vendor/s1"
	for _, v := range []struct {
		principal, identity string
		want                int
	}{
		{"arn:aws:iam::111122223333:role/vendor", "", 200},
		{session, "", 200},
		{"arn:aws:sts::111122223333:assumed-role/vendor/s2", "", 403},
		{"arn:aws:iam::111122223333:root", "", 403},
		{"arn:aws:iam::111122223333:root", putOnly, 200},
		{"arn:aws:iam::" + vendorAccount + ":root", "", 403},
	} {
		p := newPartners(t)
		arn := p.role(t, "vendor", vendorAccount, "")
		if v.identity != "" {
			must(t)(p.own.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("vendor"), PolicyName: aws.String("p"), PolicyDocument: &v.identity}))
		}
		wantCode(t, "policy", putPolicy(t, p.own, bucketPolicy("Allow", `{"AWS":"`+v.principal+`"}`, "s3:PutObject", "")), "")
		k, err := assume(t, p.vendor, arn, "")
		if err != nil {
			t.Fatal(err)
		}
		if a := call(t, p.Cloud, k, "PUT", "/acme-events/events/x", "x", nil); a.status != v.want {
			t.Errorf("policy for %s: got %d %s, want %d", v.principal, a.status, a.body, v.want)
		}
	}
}

func TestASessionsKeyIsNothingWithoutItsToken(t *testing.T) {
	p := newPartners(t)
	arn := p.role(t, "vendor", vendorAccount, "")
	must(t)(p.own.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("vendor"), PolicyName: aws.String("p"), PolicyDocument: aws.String(anything)}))
	k, err := assume(t, p.vendor, arn, "")
	if err != nil {
		t.Fatal(err)
	}
	other, err := assume(t, p.vendor, arn, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		name, token, want string
	}{
		{"its token", k.token, ""},
		{"no token", "", "InvalidAccessKeyId"},
		{"another session's", other.token, "InvalidToken"},
		{"nonsense", "x" + k.token, "InvalidToken"},
	} {
		a := call(t, p.Cloud, key{k.id, k.secret, v.token}, "PUT", "/acme-events/x", "x", nil)
		if got := between(a.body, "<Code>", "</Code>"); got != v.want {
			t.Errorf("%s: got %d %s, want %q", v.name, a.status, a.body, v.want)
		}
		_, err := connect(p.Cloud, "eu-west-1", k.id, k.secret, v.token).sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if (err == nil) != (v.want == "") {
			t.Errorf("%s: identity: %v", v.name, err)
		}
	}
}

func TestASessionLastsAsLongAsItsRoleLets(t *testing.T) {
	p := newPartners(t)
	arn := p.role(t, "vendor", vendorAccount, "")
	chained := p.role(t, "chained", "arn:aws:iam::111122223333:role/vendor", "")
	session := func(who clients, arn string, seconds int32) error {
		_, err := who.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("s1"), DurationSeconds: ptr.Int32(seconds)})
		return err
	}
	wantCode(t, "an hour", session(p.vendor, arn, 3600), "")
	wantCode(t, "the shortest", session(p.vendor, arn, 900), "")
	wantCode(t, "too short", session(p.vendor, arn, 899), "ValidationError")
	wantCode(t, "longer than the role lets", session(p.vendor, arn, 3601), "ValidationError")
	wantCode(t, "longer than any role lets", session(p.vendor, arn, 43201), "ValidationError")
	for _, name := range []string{"vendor", "chained"} {
		must(t)(p.own.iam.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: &name, MaxSessionDuration: ptr.Int32(7200)}))
	}
	wantCode(t, "as long as the role lets now", session(p.vendor, arn, 7200), "")
	k, err := assume(t, p.vendor, arn, "")
	if err != nil {
		t.Fatal(err)
	}
	first := connect(p.Cloud, "eu-west-1", k.id, k.secret, k.token)
	wantCode(t, "a chained hour", session(first, chained, 3600), "")
	wantCode(t, "more than a chained hour", session(first, chained, 3601), "ValidationError")
}

func TestARevokedSessionIsRefusedByItsIssueTime(t *testing.T) {
	p := newPartners(t)
	arn := p.role(t, "vendor", vendorAccount, "")
	must(t)(p.own.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("vendor"), PolicyName: aws.String("p"), PolicyDocument: aws.String(anything)}))
	k, err := assume(t, p.vendor, arn, "")
	if err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]int{"2001-01-01T00:00:00Z": 200, "2101-01-01T00:00:00Z": 403} {
		deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"` + date + `"}}}]}`
		must(t)(p.own.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("vendor"), PolicyName: aws.String("revoke"), PolicyDocument: &deny}))
		if a := call(t, p.Cloud, k, "PUT", "/acme-events/x", "x", nil); a.status != want {
			t.Errorf("sessions before %s denied: got %d, want %d", date, a.status, want)
		}
	}
}
