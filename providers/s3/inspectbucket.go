// Inspection of the bucket: whom its policy lets in beyond the grant, and whether it is guarded against being public.
package s3

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// bucketsState is everything about the bucket. One that is not there, or not the
// operator's, the plan has told of.
func (i *inspector) bucketsState(ctx context.Context) []core.Finding {
	b := &bucketStep{i.session}
	at, err := i.place.get(ctx, func(ctx context.Context) (place, error) { return b.head(ctx, nil) })
	switch {
	case err != nil:
		return []core.Finding{unread(i.bucketAddr(), err)}
	case !at.exists, at.closed, at.region != "" && at.region != i.region:
		return nil
	}
	var policy, access, status []core.Finding
	_ = core.Together(ctx,
		func(ctx context.Context) error { policy = i.bucketsPolicy(ctx, b); return nil },
		func(ctx context.Context) error { access = i.publicAccess(ctx, b); return nil },
		func(ctx context.Context) error { status = i.policyStatus(ctx); return nil })
	return slices.Concat(policy, access, status)
}

// bucketsPolicy looks at the statements that are not ours, and at what ours have become.
func (i *inspector) bucketsPolicy(ctx context.Context, b *bucketStep) []core.Finding {
	addr := i.partAddr(policyPart)
	o, err := i.operator(ctx)
	if err != nil {
		return []core.Finding{unread(addr, err)}
	}
	text := i.seen.policy.Load()
	if text == nil || i.wrote.Load() {
		read, err := b.readPolicy(ctx, aws.String(o.Account))
		if err != nil {
			return []core.Finding{unread(addr, err)}
		}
		text = &read
	}
	shelf, err := openShelf(*text)
	if err != nil {
		return []core.Finding{unread(addr, err)}
	}
	arn := i.layout.grantee(i.design, o.Account)
	var list []core.Finding
	var own []json.RawMessage
	for _, raw := range shelf.statements {
		sid := sidOf(raw)
		if i.ownSid(sid) {
			own = append(own, raw)
		}
		if sid != tlsSid {
			list = append(list, i.statement(addr, raw, arn)...)
		}
	}
	if len(own) > 0 {
		want := policy{Version: policyVersion, Statement: i.provider.bucketStatements(i.design, arn)}
		list = append(list, compared(i.statementAddr(), string(mustJSON(map[string]any{"Statement": own})), mustJSON(want))...)
	}
	return list
}

// statement is what one statement of the bucket's policy means for the grantee and for everybody.
func (i *inspector) statement(addr string, raw json.RawMessage, arn string) []core.Finding {
	ours := i.ownSid(sidOf(raw))
	name := "a statement"
	if sid := sidOf(raw); sid != "" {
		name = "the statement " + sid
	}
	fix := "aws s3api get-bucket-policy --bucket " + i.bucket() + " --query Policy --output text"
	var list []core.Finding
	for _, id := range deadIn(raw) {
		f := core.Finding{Kind: core.OrphanPrincipal, Addr: addr, Text: name + " names " + id + ", which no longer exists: S3 takes the policy no more as it is", Fix: fix}
		if ours {
			f.Addr, f.Fix, f.Text = i.statementAddr(), applyAgain, name+" names "+id+", a principal that no longer exists: the access is gone"
		}
		list = append(list, f)
	}
	s, err := speak(raw)
	if err != nil {
		return append(list, unread(addr, err))
	}
	powers, err := powersIn(raw)
	if err != nil {
		return append(list, unread(addr, err))
	}
	var may []string
	conditional := false
	for _, p := range powers {
		may = append(may, p.action+" on "+p.resource)
		conditional = conditional || p.condition != ""
	}
	what := strings.Join(may, ", ")
	if conditional {
		what += ", under conditions"
	}
	everyone := slices.Contains(s.who[awsKind], everybody) || s.others != nil
	switch {
	case ours && !everyone:
	case s.allows() && everyone:
		list = append(list, core.Finding{Kind: core.PublicAccess, Addr: addr, Text: name + " allows everybody " + what, Fix: fix, Grave: !conditional})
	case s.allows() && s.about(arn):
		list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: addr, Text: name + " is not ours and allows the grantee " + what, Fix: fix, Grave: true})
	case !s.allows() && slices.Contains(s.who[awsKind], arn):
		list = append(list, core.Finding{Kind: core.MissingPermission, Addr: addr, Text: name + " is not ours and denies the grantee " + what, Fix: fix})
	}
	return list
}

// publicAccess names those of the four switches that are off.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func (i *inspector) publicAccess(ctx context.Context, b *bucketStep) []core.Finding {
	addr := i.partAddr(publicAccess)
	c := i.seen.access.Load()
	if c == nil || i.wrote.Load() {
		owner, err := i.owner(ctx)
		if err == nil {
			_, _, err = b.checkPublicAccess(ctx, owner)
		}
		if err != nil {
			return []core.Finding{unread(addr, err)}
		}
		if c = i.seen.access.Load(); c == nil {
			c = &types.PublicAccessBlockConfiguration{}
		}
	}
	var off []string
	for _, s := range []struct {
		name string
		on   *bool
	}{{"BlockPublicAcls", c.BlockPublicAcls}, {"IgnorePublicAcls", c.IgnorePublicAcls}, {"BlockPublicPolicy", c.BlockPublicPolicy}, {"RestrictPublicBuckets", c.RestrictPublicBuckets}} {
		if !aws.ToBool(s.on) {
			off = append(off, s.name)
		}
	}
	if len(off) == 0 {
		return nil
	}
	return []core.Finding{{Kind: core.PublicAccess, Addr: addr, Text: "the block of public access is off: " + strings.Join(off, ", "),
		Fix: "aws s3api put-public-access-block --bucket " + i.bucket() + " --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"}}
}

// policyStatus asks S3 itself whether the bucket's policy makes it public.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html
func (i *inspector) policyStatus(ctx context.Context) []core.Finding {
	addr := i.partAddr(policyPart)
	owner, err := i.owner(ctx)
	if err != nil {
		return []core.Finding{unread(addr, err)}
	}
	out, err := i.s3.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: aws.String(i.bucket()), ExpectedBucketOwner: owner})
	switch {
	case empty(err):
	case err != nil:
		return []core.Finding{unread(addr, failed(addr, "s3:GetBucketPolicyStatus", err))}
	case out.PolicyStatus != nil && aws.ToBool(out.PolicyStatus.IsPublic):
		return []core.Finding{{Kind: core.PublicAccess, Addr: addr, Text: "S3 says that the bucket's policy makes it public", Fix: "aws s3api get-bucket-policy --bucket " + i.bucket() + " --query Policy --output text", Grave: true}}
	}
	return nil
}
