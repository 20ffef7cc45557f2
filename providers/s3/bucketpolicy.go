// Bucket policy: our one statement, merged by its Sid into whatever policy is there.
package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
)

// readPolicy is the bucket's policy, "" if it has none.
func (b *bucketStep) readPolicy(ctx context.Context, owner *string) (string, error) {
	out, err := b.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	if empty(err) {
		b.seen.policy.Store(aws.String(""))
		return "", nil
	}
	if err != nil {
		return "", failed(b.partAddr(policyPart), "s3:GetBucketPolicy", err)
	}
	b.seen.policy.Store(aws.String(aws.ToString(out.Policy)))
	return aws.ToString(out.Policy), nil
}

// checkPolicy compares the policy. Of one that is settled, before tells what
// others have left in it that means nothing any more.
func (b *bucketStep) checkPolicy(ctx context.Context, owner *string) (string, bool, error) {
	there, err := b.readPolicy(ctx, owner)
	if err != nil {
		return "", false, err
	}
	merged, err := mergePolicy(there, bucketPolicy(b.design))
	if err != nil {
		return "", false, &core.Error{What: b.partAddr(policyPart), Err: err}
	}
	if there == "" {
		return "", false, nil
	}
	if !samePolicy([]byte(there), merged) {
		return "without the statement " + tlsSid, false, nil
	}
	shown, err := openShelf(there)
	if err != nil {
		return "", true, nil //nolint:nilerr // it says what it should; how the rest is written is not our business
	}
	return strings.Join(reported(shown.orphans(b.ownSid)), ""), true, nil
}

func (b *bucketStep) writePolicy(ctx context.Context, owner *string) error {
	there := ""
	var err error
	blind := b.fresh.Load() && !b.grant.Target.Shared // who shares a bucket may have put a statement there already
	if !blind {
		if there, err = b.readPolicy(ctx, owner); err != nil {
			return err
		}
	}
	merged, err := mergePolicy(there, bucketPolicy(b.design))
	if err != nil {
		return &core.Error{What: b.partAddr(policyPart), Err: err}
	}
	if there != "" && samePolicy([]byte(there), merged) {
		return nil
	}
	_, err = b.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner, Policy: aws.String(string(merged))})
	if err == nil && blind {
		b.freshPolicy.Store(string(merged))
	}
	if err != nil || b.fresh.Load() {
		return failed(b.partAddr(policyPart), "s3:PutBucketPolicy", err)
	}
	now, err := b.readPolicy(ctx, owner)
	if err == nil && !samePolicy([]byte(now), merged) {
		err = b.overwritten(policyPart)
	}
	return err
}

// mergePolicy puts own's statements in the place of those with the same Sid, or
// at the end. Everything else of there stays as it is, byte for byte.
func mergePolicy(there string, own policy) (json.RawMessage, error) {
	doc := map[string]json.RawMessage{}
	var statements []json.RawMessage
	if there != "" {
		if err := json.Unmarshal([]byte(there), &doc); err != nil {
			return nil, fmt.Errorf("the policy that is there is not JSON: %w", err)
		}
		list := doc["Statement"]
		if err := json.Unmarshal(list, &statements); err != nil {
			statements = []json.RawMessage{list} // a single statement may stand without its list
		}
	}
	for _, s := range own.Statement {
		raw, placed := mustJSON(s), false
		for i, other := range statements {
			var head struct{ Sid string }
			if json.Unmarshal(other, &head) == nil && head.Sid == s.Sid {
				statements[i], placed = raw, true
			}
		}
		if !placed {
			statements = append(statements, raw)
		}
	}
	if doc["Version"] == nil {
		doc["Version"] = mustJSON(own.Version)
	}
	doc["Statement"] = mustJSON(statements)
	return json.Marshal(doc)
}
