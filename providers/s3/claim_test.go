// Claims on AWS, where nothing keeps two runs from writing the same tag.
package s3

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func TestClaimIsNotGivenBackOverAnothers(t *testing.T) {
	inTown(t, func(t *town) {
		g := eventDump()
		t.again(g)
		user := aws.String(mustDraw(t.T, g).userName())
		others := aws.String("held " + time.Now().UTC().Format(time.RFC3339) + " other ops @ elsewhere")
		noted := false
		t.w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			switch c.Op.Name {
			case "iam:TagUser":
				noted = true
			case "iam:GetUser":
				if noted { // this run looks once more before it gives its claim back
					noted = false
					_, err := t.w.iam.TagUser(t.Context(), &iam.TagUserInput{UserName: user, Tags: []types.Tag{{Key: aws.String(tagClaim), Value: others}}})
					if err != nil {
						t.Error(err)
					}
				}
			}
			return cloudsim.Fault{}
		}
		g.Limits.Expires = time.Now().UTC().Truncate(time.Second).Add(24 * time.Hour)
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		t.w.transport.Fault = nil
		out, err := t.w.iam.GetUser(t.Context(), &iam.GetUserInput{UserName: user})
		if err != nil {
			t.Fatal(err)
		}
		if got := iamTags(out.User.Tags)[tagClaim]; got != *others {
			t.Errorf("got the claim %q, want that of the run which is at work: %q", got, *others)
		}
	})
}
