// Inspect: what a plan does not compare, looked at after it: further ways in, further permissions, principals that are gone.
package s3

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// sightings are what the plan of a session has read last, so that an inspection
// reads it no second time.
type sightings struct {
	user   atomic.Pointer[roleView]
	roles  atomic.Pointer[rolesSeen]
	policy atomic.Pointer[string] // the bucket's
	access atomic.Pointer[types.PublicAccessBlockConfiguration]
}

// rolesSeen are the roles of a grant, as they are wanted and as they are.
type rolesSeen struct {
	wanted []wantedRole
	view   assumeView
}

// inspector looks as the operator. It only reads.
type inspector struct{ *session }

// applyAgain mends what a plan would change.
const applyAgain = "apply, with the same grant"

// Inspect looks at the grantee and at the bucket, side by side. What cannot be
// read is a finding.
func (i *inspector) Inspect(ctx context.Context) ([]core.Finding, error) {
	if _, err := i.operator(ctx); err != nil {
		return nil, err
	}
	var grantee, doors, bucket []core.Finding
	err := gather(ctx,
		func(ctx context.Context) error { grantee = i.grantee(ctx); return nil },
		func(ctx context.Context) error { doors = i.otherDoors(ctx); return nil },
		func(ctx context.Context) error { bucket = i.bucketsState(ctx); return nil })
	return slices.Concat(grantee, doors, bucket), err
}

// unread is the finding that something could not be looked at.
func unread(addr string, err error) core.Finding {
	return core.Finding{Kind: core.Unread, Addr: addr, Text: strings.ReplaceAll(err.Error(), "\n", "; "), Fix: "plan --operator-policy prints what the operator needs"}
}

// grantee is what hangs on the user or on the roles.
func (i *inspector) grantee(ctx context.Context) []core.Finding {
	if i.wrote.Load() || i.seen.user.Load() == nil && i.seen.roles.Load() == nil {
		if _, err := i.layout.step(i.session).Diff(ctx, core.Present); err != nil {
			return []core.Finding{unread(i.userOrRole(), err)}
		}
	}
	if v := i.seen.user.Load(); v != nil {
		return i.ofUser(v)
	}
	if v := i.seen.roles.Load(); v != nil {
		return i.ofRoles(v)
	}
	return nil
}

// userOrRole is the address of the grantee.
func (i *inspector) userOrRole() string {
	if i.grant.Who == core.WhoKey {
		return i.userAddr()
	}
	return roleAddr(i.roleName())
}

// otherDoors are the credentials of the user that no run of ours ever makes: each is a
// way to sign in as it, or to push and pull as it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html
func (i *inspector) otherDoors(ctx context.Context) []core.Finding {
	if i.grant.Who != core.WhoKey {
		return nil
	}
	name := aws.String(i.userName())
	kinds := []struct {
		action, what, remove string
		list                 func(ctx context.Context) ([]string, error)
	}{
		{"iam:ListMFADevices", "an MFA device", "aws iam deactivate-mfa-device --user-name " + i.userName() + " --serial-number ", func(ctx context.Context) (ids []string, err error) {
			out, err := i.iam.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: name})
			if err == nil {
				for _, d := range out.MFADevices {
					ids = append(ids, aws.ToString(d.SerialNumber))
				}
			}
			return ids, err
		}},
		{"iam:ListSSHPublicKeys", "an SSH key", "aws iam delete-ssh-public-key --user-name " + i.userName() + " --ssh-public-key-id ", func(ctx context.Context) (ids []string, err error) {
			out, err := i.iam.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: name})
			if err == nil {
				for _, k := range out.SSHPublicKeys {
					ids = append(ids, aws.ToString(k.SSHPublicKeyId))
				}
			}
			return ids, err
		}},
		{"iam:ListServiceSpecificCredentials", "a password for one service", "aws iam delete-service-specific-credential --user-name " + i.userName() + " --service-specific-credential-id ", func(ctx context.Context) (ids []string, err error) {
			out, err := i.iam.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: name})
			if err == nil {
				for _, c := range out.ServiceSpecificCredentials {
					ids = append(ids, aws.ToString(c.ServiceSpecificCredentialId))
				}
			}
			return ids, err
		}},
		{"iam:ListSigningCertificates", "a certificate to sign with", "aws iam delete-signing-certificate --user-name " + i.userName() + " --certificate-id ", func(ctx context.Context) (ids []string, err error) {
			out, err := i.iam.ListSigningCertificates(ctx, &iam.ListSigningCertificatesInput{UserName: name})
			if err == nil {
				for _, c := range out.Certificates {
					ids = append(ids, aws.ToString(c.CertificateId))
				}
			}
			return ids, err
		}},
	}
	found := make([][]core.Finding, len(kinds))
	var reads []func(context.Context) error
	for n, k := range kinds {
		reads = append(reads, func(ctx context.Context) error {
			ids, err := k.list(ctx)
			if err != nil && !gone(err) {
				found[n] = []core.Finding{unread(i.userAddr(), failed(i.userAddr(), k.action, err))}
			}
			for _, id := range ids {
				found[n] = append(found[n], core.Finding{
					Kind: core.ConsoleLogin, Addr: i.userAddr(), Text: "somebody gave it " + k.what + ": " + id, Fix: k.remove + id,
					Grave: k.action != "iam:ListMFADevices", // alone it opens nothing
				})
			}
			return nil
		})
	}
	_ = core.Together(ctx, reads...)
	return slices.Concat(found...)
}

// inspectPermissions are what an inspection takes beyond the plan.
func inspectPermissions(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	look := verbs(core.ForStatus)
	if d.grant.Who == core.WhoKey {
		p.on(d.iamARN(d.accountOrNot("*"), "user"), look, "iam:ListMFADevices", "iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials", "iam:ListSigningCertificates")
		p.because("tells whether somebody has given the user another way in")
	}
	p.step = core.BucketStep
	p.on(d.bucketARN(), look, "s3:ListBucket", "s3:GetBucketPolicy", "s3:GetBucketPolicyStatus", "s3:GetBucketPublicAccessBlock")
	p.because("tells whether the bucket is guarded against being public")
	return p.list
}
