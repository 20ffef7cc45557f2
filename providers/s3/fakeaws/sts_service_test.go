// Roles of services, and the policies that AWS manages for them.
package fakeaws_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const (
	backupService = "backup.amazonaws.com"
	backupTrust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	s3Backup      = "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup"
	s3Restore     = "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Restore"
)

func TestAServiceTakesOnTheRoleThatTrustsIt(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "eu-west-1")
	ctx, name := t.Context(), aws.String("AWSBackupDefaultServiceRole")
	newBucket(t, cloud, "acme-events")
	must(t)(op.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("x"), Body: strings.NewReader("x")}))
	role, err := op.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, Path: aws.String("/service-role/"), AssumeRolePolicyDocument: aws.String(backupTrust)})
	must(t)(role, err)
	must(t)(op.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String(s3Backup)}))
	arn := *role.Role.Arn
	if want := "arn:aws:iam::111122223333:role/service-role/AWSBackupDefaultServiceRole"; arn != want {
		t.Fatalf("got %s, want %s", arn, want)
	}
	for _, v := range []struct{ service, role string }{
		{"ec2.amazonaws.com", arn},
		{backupService, "arn:aws:iam::111122223333:role/AWSBackupDefaultServiceRole"}, // without its path
		{backupService, "arn:aws:iam::444455556666:role/service-role/AWSBackupDefaultServiceRole"},
	} {
		if _, _, _, err := cloud.AssumeAsService(v.service, v.role); err == nil || !strings.HasPrefix(err.Error(), "AccessDenied") {
			t.Errorf("%s on %s: got %v, want a refusal", v.service, v.role, err)
		}
	}
	_, err = op.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("me")})
	wantCode(t, "the operator", err, "AccessDenied")
	id, secret, token, err := cloud.AssumeAsService(backupService, arn)
	if err != nil {
		t.Fatal(err)
	}
	decisions := cloud.Ledger().All()
	if d := decisions[len(decisions)-1]; d.Principal != backupService || d.Action != "sts:AssumeRole" || d.Resource != arn || !d.Allowed {
		t.Errorf("ledger: got %+v", d)
	}
	k := key{id, secret, token}
	for _, v := range []struct {
		method, target string
		want           int
	}{
		{"GET", "/acme-events/x", 200}, {"GET", "/acme-events?versioning", 200}, {"GET", "/acme-events?versions", 200}, {"GET", "/", 200},
		{"PUT", "/acme-events/x", 403}, {"DELETE", "/acme-events/x", 403},
	} {
		if a := call(t, cloud, k, v.method, v.target, "", nil); a.status != v.want {
			t.Errorf("%s %s: got %d %s, want %d", v.method, v.target, a.status, a.body, v.want)
		}
	}
}

// AWS does not say that its backup service sends the keys that a condition
// against confused deputies would compare.
func TestAServicesTrustIsItsPolicy(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "eu-west-1").iam
	for want, condition := range map[string]string{
		"refused": `"StringEquals":{"aws:SourceAccount":"111122223333"}`,
		"":        `"StringEqualsIfExists":{"aws:SourceAccount":"111122223333"},"Bool":{"aws:PrincipalIsAWSService":"true"}`,
	} {
		name := aws.String("r" + want)
		trust := strings.Replace(backupTrust, `"sts:AssumeRole"`, `"sts:AssumeRole","Condition":{`+condition+`}`, 1)
		r, err := op.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: &trust})
		must(t)(r, err)
		if _, _, _, err := cloud.AssumeAsService(backupService, *r.Role.Arn); (err != nil) != (want != "") {
			t.Errorf("%s: got %v", condition, err)
		}
	}
}

func TestAWSManagedPoliciesAreReadable(t *testing.T) {
	for partition, marks := range map[string][]string{
		"aws":    {`"arn:aws:s3:::*/*"`, `"s3.*.amazonaws.com"`},
		"aws-cn": {`"arn:aws-cn:s3:::*/*"`},
	} {
		op := operator(fakeaws.New(fakeaws.Options{Partition: partition}), "us-east-1").iam
		for _, v := range []struct{ arn, version, mark string }{
			{s3Backup, "v4", `"s3:GetBucketAcl"`}, {s3Restore, "v2", `"s3:PutBucketOwnershipControls"`},
		} {
			arn := aws.String(strings.Replace(v.arn, "arn:aws:", "arn:"+partition+":", 1))
			p, err := op.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: arn})
			if err != nil {
				t.Fatal(err)
			}
			if *p.Policy.DefaultVersionId != v.version || *p.Policy.Path != "/" || *p.Policy.Arn != *arn {
				t.Errorf("%s: got %s %s", *arn, *p.Policy.DefaultVersionId, *p.Policy.Path)
			}
			d, err := op.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: &v.version})
			if err != nil {
				t.Fatal(err)
			}
			text, err := url.PathUnescape(*d.PolicyVersion.Document)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range append(marks, v.mark) {
				if !strings.Contains(text, m) {
					t.Errorf("%s: %s is missing in %s", *arn, m, text)
				}
			}
			_, err = op.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v99")})
			wantCode(t, "a version that never was", err, "NoSuchEntity")
		}
		list, err := op.ListPolicies(t.Context(), &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws})
		if err != nil || len(list.Policies) < 7 {
			t.Errorf("got %d policies, %v", len(list.Policies), err)
		}
	}
}

func TestNobodyChangesAWSsPolicies(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	_, err := op.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: aws.String(s3Backup)})
	wantCode(t, "delete", err, "AccessDenied")
	_, err = op.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: aws.String(s3Backup), PolicyDocument: aws.String(anything)})
	wantCode(t, "change", err, "AccessDenied")
	versions, err := op.ListPolicyVersions(t.Context(), &iam.ListPolicyVersionsInput{PolicyArn: aws.String(s3Backup)})
	if err != nil || len(versions.Versions) != 1 || !versions.Versions[0].IsDefaultVersion {
		t.Errorf("got %+v, %v", versions, err)
	}
}
