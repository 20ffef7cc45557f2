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
