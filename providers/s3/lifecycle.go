// Lifecycle: our rules, merged into whatever rules others have set.
package s3

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// readLifecycle is the bucket's whole configuration; the zero value if there is none.
func (b *bucketStep) readLifecycle(ctx context.Context, owner *string) (s3.GetBucketLifecycleConfigurationOutput, error) {
	out, err := b.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	if empty(err) {
		return s3.GetBucketLifecycleConfigurationOutput{}, nil
	}
	if err != nil {
		return s3.GetBucketLifecycleConfigurationOutput{}, failed(b.partAddr(lifecycle), "s3:GetLifecycleConfiguration", err)
	}
	return *out, nil
}

func (b *bucketStep) checkLifecycle(ctx context.Context, owner *string) (string, bool, error) {
	out, err := b.readLifecycle(ctx, owner)
	if err != nil {
		return "", false, err
	}
	missing := missingRules(out.Rules)
	if len(missing) == len(lifecycleRules()) {
		return "", false, nil
	}
	return "a rule of ours is missing or changed", len(missing) == 0, nil
}

// writeLifecycle replaces the whole configuration, as the API demands: others'
// rules go back as they came.
func (b *bucketStep) writeLifecycle(ctx context.Context, owner *string) error {
	var there s3.GetBucketLifecycleConfigurationOutput
	var err error
	if !b.fresh.Load() {
		if there, err = b.readLifecycle(ctx, owner); err != nil {
			return err
		}
	}
	_, err = b.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner,
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: mergeRules(there.Rules)},
		// Left out, it falls back to a default that may not be what others chose.
		TransitionDefaultMinimumObjectSize: there.TransitionDefaultMinimumObjectSize,
	})
	if err != nil || b.fresh.Load() {
		return failed(b.partAddr(lifecycle), "s3:PutLifecycleConfiguration", err)
	}
	now, err := b.readLifecycle(ctx, owner)
	if err == nil && len(missingRules(now.Rules)) > 0 {
		err = b.overwritten(lifecycle)
	}
	return err
}

// overwritten is the error for a shared document that somebody else wrote at the same moment.
func (b *bucketStep) overwritten(part string) error {
	return &core.Error{Kind: core.ErrMoved, What: b.partAddr(part), Err: errors.New("was written, but is not what is there: somebody else writes it too"), Hint: "run the same command again"}
}

// mergeRules puts our rules in the place of those with our IDs, or at the end.
func mergeRules(there []types.LifecycleRule) []types.LifecycleRule {
	merged := slices.Clone(there)
	for _, r := range lifecycleRules() {
		own := ruleForAPI(r)
		i := slices.IndexFunc(merged, func(t types.LifecycleRule) bool { return aws.ToString(t.ID) == r.ID })
		if i < 0 {
			merged = append(merged, own)
		} else {
			merged[i] = own
		}
	}
	return merged
}

// missingRules are our rules that are not there as we write them.
func missingRules(there []types.LifecycleRule) []lifecycleRule {
	return slices.DeleteFunc(lifecycleRules(), func(own lifecycleRule) bool {
		return slices.ContainsFunc(there, func(t types.LifecycleRule) bool { return aws.ToString(t.ID) == own.ID && sameRule(t, own) })
	})
}

func sameRule(t types.LifecycleRule, own lifecycleRule) bool {
	if string(t.Status) != own.Status || !wholeBucket(t) || t.Expiration != nil || len(t.Transitions) > 0 || len(t.NoncurrentVersionTransitions) > 0 {
		return false
	}
	var abort, expire int32
	if t.AbortIncompleteMultipartUpload != nil {
		abort = aws.ToInt32(t.AbortIncompleteMultipartUpload.DaysAfterInitiation)
	}
	if n := t.NoncurrentVersionExpiration; n != nil {
		if expire = aws.ToInt32(n.NoncurrentDays); n.NewerNoncurrentVersions != nil {
			return false
		}
	}
	var wantAbort, wantExpire int32
	if own.AbortIncompleteMultipartUpload != nil {
		wantAbort = own.AbortIncompleteMultipartUpload.DaysAfterInitiation
	}
	if own.NoncurrentVersionExpiration != nil {
		wantExpire = own.NoncurrentVersionExpiration.NoncurrentDays
	}
	return abort == wantAbort && expire == wantExpire
}

// wholeBucket reports whether a rule is for every object, in any of the ways in which S3 writes that.
func wholeBucket(t types.LifecycleRule) bool {
	if aws.ToString(t.Prefix) != "" { //nolint:staticcheck // deprecated, but rules written long ago have it
		return false
	}
	f := t.Filter
	return f == nil || aws.ToString(f.Prefix) == "" && f.And == nil && f.Tag == nil && f.ObjectSizeGreaterThan == nil && f.ObjectSizeLessThan == nil
}

func ruleForAPI(r lifecycleRule) types.LifecycleRule {
	out := types.LifecycleRule{ID: aws.String(r.ID), Status: types.ExpirationStatus(r.Status), Filter: &types.LifecycleRuleFilter{Prefix: aws.String(r.Filter.Prefix)}}
	if r.AbortIncompleteMultipartUpload != nil {
		out.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(r.AbortIncompleteMultipartUpload.DaysAfterInitiation)}
	}
	if r.NoncurrentVersionExpiration != nil {
		out.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(r.NoncurrentVersionExpiration.NoncurrentDays)}
	}
	return out
}
