// Bucket parts: the settings that protect a bucket of ours, each read, compared and written by itself.
package s3

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// part is one setting: check reads it, write makes it what it should be.
type part struct {
	check func(ctx context.Context, owner *string) (before string, settled bool, err error)
	write func(ctx context.Context, owner *string) error
	blind bool // a bucket made in this session cannot have it: written without a look
}

func (b *bucketStep) part(name string) part {
	switch name {
	case publicAccess:
		return part{check: b.checkPublicAccess, write: b.writePublicAccess}
	case ownership:
		return part{check: b.checkOwnership, write: b.writeOwnership}
	case encryption:
		return part{check: b.checkEncryption, write: b.writeEncryption, blind: b.kmsKey != ""}
	case versioning:
		return part{check: b.checkVersioning, write: b.writeVersioning, blind: true}
	case lifecycle:
		return part{check: b.checkLifecycle, write: b.writeLifecycle, blind: true}
	default:
		return part{check: b.checkPolicy, write: b.writePolicy, blind: true}
	}
}

// partChange is the change of one part. S3 answers 409 when two configurations
// of one bucket are written at once, so those that a new bucket needs form a
// chain; the others are its defaults and are only looked at.
//
// In us-east-1 nothing may be written before the mark was looked at, which
// happens beside the first part; there the last two are written together.
func (b *bucketStep) partChange(a core.Action, name string) core.Change {
	c := core.Change{Step: core.BucketStep, Action: a, Addr: b.partAddr(name), Why: partWhat(b.design, name)}
	quirky := b.region == quirkyRegion
	switch {
	case name == versioning && b.kmsKey != "":
		c.Needs = []string{b.partAddr(encryption)}
	case name == lifecycle, name == policyPart && quirky:
		c.Needs = []string{b.partAddr(versioning)}
	case name == policyPart:
		c.Needs = []string{b.partAddr(lifecycle)}
	case name != publicAccess && quirky:
		c.Needs = []string{b.partAddr(publicAccess)}
	default:
		c.Needs = []string{b.bucketAddr()}
	}
	return c
}

// drift compares every part of a bucket that exists.
func (b *bucketStep) drift(ctx context.Context) ([]core.Change, error) {
	owner, err := b.owner(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]core.Change, len(parts()))
	var reads []func(context.Context) error
	for i, name := range parts() {
		reads = append(reads, func(ctx context.Context) error {
			before, settled, err := b.part(name).check(ctx, owner)
			switch {
			case settled:
				list[i] = b.partChange(core.Keep, name)
			case before == "":
				list[i] = b.partChange(core.Make, name)
			default:
				list[i] = b.partChange(core.Alter, name)
			}
			list[i].Before = before
			if settled {
				list[i].Before, list[i].Needs = "", nil
			}
			if settled && name == policyPart && before != "" {
				list[i].Why += "; " + before
			}
			return failed(b.partAddr(name), "reading", err)
		})
	}
	return list, gather(ctx, reads...)
}

// settle makes one part what it should be.
func (b *bucketStep) settle(ctx context.Context, name string) error {
	owner, err := b.owner(ctx)
	if err != nil {
		return err
	}
	p := b.part(name)
	var settled bool
	var reads []func(context.Context) error
	if !p.blind || !b.fresh.Load() {
		reads = append(reads, func(ctx context.Context) (err error) { _, settled, err = p.check(ctx, owner); return })
	}
	if b.bornHere(b.bucketAddr()) {
		reads = append(reads, b.confirm)
	}
	if err := core.Together(ctx, reads...); err != nil || settled {
		return failed(b.partAddr(name), "reading", err)
	}
	if b.region != quirkyRegion || !b.fresh.Load() {
		return b.turn(ctx, func() error { return b.writePart(ctx, owner, p) })
	}
	return b.writePart(ctx, owner, p)
}

func (b *bucketStep) writePart(ctx context.Context, owner *string, p part) error {
	return await(ctx, patience, func(err error) bool { return is(err, codeAborted) }, func() error {
		if err := b.confirm(ctx); err != nil {
			return err
		}
		return p.write(ctx, owner)
	})
}

func (b *bucketStep) checkPublicAccess(ctx context.Context, owner *string) (string, bool, error) {
	out, err := b.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	if empty(err) {
		b.seen.access.Store(&types.PublicAccessBlockConfiguration{})
		return "", false, nil
	}
	if err != nil {
		return "", false, failed(b.partAddr(publicAccess), "s3:GetBucketPublicAccessBlock", err)
	}
	c := out.PublicAccessBlockConfiguration
	b.seen.access.Store(c)
	if c == nil {
		return "", false, nil
	}
	on := aws.ToBool(c.BlockPublicAcls) && aws.ToBool(c.IgnorePublicAcls) && aws.ToBool(c.BlockPublicPolicy) && aws.ToBool(c.RestrictPublicBuckets)
	return "not all of it blocked", on, nil
}

func (b *bucketStep) writePublicAccess(ctx context.Context, owner *string) error {
	_, err := b.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		},
	})
	return failed(b.partAddr(publicAccess), "s3:PutBucketPublicAccessBlock", err)
}

func (b *bucketStep) checkOwnership(ctx context.Context, owner *string) (string, bool, error) {
	out, err := b.s3.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	if empty(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, failed(b.partAddr(ownership), "s3:GetBucketOwnershipControls", err)
	}
	if out.OwnershipControls == nil || len(out.OwnershipControls.Rules) == 0 {
		return "", false, nil
	}
	now := out.OwnershipControls.Rules[0].ObjectOwnership
	return string(now), now == types.ObjectOwnershipBucketOwnerEnforced, nil
}

func (b *bucketStep) writeOwnership(ctx context.Context, owner *string) error {
	_, err := b.s3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
		Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner,
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}}},
	})
	return failed(b.partAddr(ownership), "s3:PutBucketOwnershipControls", err)
}

func (b *bucketStep) checkVersioning(ctx context.Context, owner *string) (string, bool, error) {
	out, err := b.s3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	if err != nil {
		return "", false, failed(b.partAddr(versioning), "s3:GetBucketVersioning", err)
	}
	return string(out.Status), out.Status == types.BucketVersioningStatusEnabled, nil
}

// keepsReplaced says whether a bucket that others look after keeps objects that
// are replaced.
func (b *bucketStep) keepsReplaced(ctx context.Context) (string, error) {
	owner, err := b.owner(ctx)
	if err != nil {
		return "", err
	}
	_, on, err := b.checkVersioning(ctx, owner)
	if on {
		return "versioning is on: what is replaced is kept as a version", err
	}
	return "versioning is off: what is replaced is lost", err
}

func (b *bucketStep) writeVersioning(ctx context.Context, owner *string) error {
	_, err := b.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	return failed(b.partAddr(versioning), "s3:PutBucketVersioning", err)
}

// checkEncryption takes an answer that does not mention SSE-C for one that
// blocks it: that is the default, and older servers do not say it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html
func (b *bucketStep) checkEncryption(ctx context.Context, owner *string) (string, bool, error) {
	out, err := b.s3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	if empty(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, failed(b.partAddr(encryption), "s3:GetEncryptionConfiguration", err)
	}
	c := out.ServerSideEncryptionConfiguration
	if c == nil || len(c.Rules) == 0 || c.Rules[0].ApplyServerSideEncryptionByDefault == nil {
		return "", false, nil
	}
	rule := c.Rules[0]
	now := rule.ApplyServerSideEncryptionByDefault
	if t := rule.BlockedEncryptionTypes; t != nil && slices.Contains(t.EncryptionType, types.EncryptionTypeNone) {
		return "keys of the writer (SSE-C) are accepted", false, nil
	}
	if b.kmsKey != "" {
		settled := now.SSEAlgorithm == types.ServerSideEncryptionAwsKms && aws.ToString(now.KMSMasterKeyID) == b.kmsKey && aws.ToBool(rule.BucketKeyEnabled)
		return string(now.SSEAlgorithm) + " " + aws.ToString(now.KMSMasterKeyID), settled, nil
	}
	return string(now.SSEAlgorithm), now.SSEAlgorithm == types.ServerSideEncryptionAes256, nil
}

// writeEncryption writes the whole rule, so it says again that SSE-C is blocked.
func (b *bucketStep) writeEncryption(ctx context.Context, owner *string) error {
	rule := types.ServerSideEncryptionRule{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
		BlockedEncryptionTypes:             &types.BlockedEncryptionTypes{EncryptionType: []types.EncryptionType{types.EncryptionTypeSseC}},
	}
	if b.kmsKey != "" {
		rule.ApplyServerSideEncryptionByDefault = &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: aws.String(b.kmsKey)}
		rule.BucketKeyEnabled = aws.Bool(true)
	}
	if slices.Contains([]string{"me-south-1", "me-central-1"}, b.region) {
		rule.BlockedEncryptionTypes = nil // these regions do not know it
	}
	_, err := b.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner,
		ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{rule}},
	})
	return failed(b.partAddr(encryption), "s3:PutEncryptionConfiguration", err)
}
