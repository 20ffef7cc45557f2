// The world's keys and whatever else somebody does to a grant behind the provider's back.
package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

func (w *world) AddKey(b core.Blueprint) (id string) {
	w.t.Helper()
	if b.Grant.Who != core.WhoKey {
		return ""
	}
	d, _ := draw(b.Grant)
	w.now(func(ctx context.Context) {
		out, err := w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(d.userName())})
		w.ok(out, err)
		id = *out.AccessKey.AccessKeyId
	})
	return id
}

// Spoil lets the user sign in at the console.
func (w *world) Spoil(b core.Blueprint, kind core.FindingKind) bool {
	w.t.Helper()
	if kind != core.ConsoleLogin || b.Grant.Who != core.WhoKey {
		return false
	}
	d, _ := draw(b.Grant)
	w.now(func(ctx context.Context) {
		w.ok(w.iam.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String(d.userName()), Password: aws.String("not-kept-anywhere")}))
	})
	return true
}
