// A bucket of somebody else: what a plan says about it, and about whose it is.
package s3

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

func adopted() core.Grant {
	g := eventDump()
	g.Target.Adopt = true
	return g
}

// bucketLine plans and returns the line of the bucket itself.
func (t *town) bucketLine(g core.Grant, want core.Want) core.Change {
	t.Helper()
	p, err := t.engine.Plan(t.Context(), g, want)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Changes {
		if c.Addr == "s3:bucket/"+g.Target.Bucket {
			return c
		}
	}
	t.Fatalf("got changes %+v, want one of the bucket", p.Changes)
	return core.Change{}
}

func TestNothingIsPromisedOfAnAdoptedBucket(t *testing.T) {
	b, err := core.Compile(New(Config{}), adopted())
	if err != nil || len(b.Gaps) != 1 {
		t.Fatalf("got error %v and gaps %+v, want one", err, b.Gaps)
	}
	if why := b.Gaps[0].Why; strings.Contains(why, "30 days") || !strings.Contains(why, "up to the bucket's owner") {
		t.Errorf("got gap %q, want one that leaves it to the bucket's owner what is kept", why)
	}
}

func TestPlanSaysWhetherAnAdoptedBucketKeepsWhatIsReplaced(t *testing.T) {
	for status, want := range map[types.BucketVersioningStatus]string{
		"":                                    "versioning is off",
		types.BucketVersioningStatusSuspended: "versioning is off",
		types.BucketVersioningStatusEnabled:   "versioning is on",
	} {
		inTown(t, func(t *town) {
			t.w.Plant(providertest.OwnersBucket, core.Blueprint{Grant: eventDump()})
			if status != "" {
				t.w.now(func(ctx context.Context) {
					t.w.ok(t.w.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: ourName, VersioningConfiguration: &types.VersioningConfiguration{Status: status}}))
				})
			}
			if c := t.bucketLine(adopted(), core.Present); c.Action != core.Keep || !strings.Contains(c.Why, want) {
				t.Errorf("versioning %q: got %s %q, want %s with %q", status, c.Action, c.Why, core.Keep, want)
			}
		})
	}
}

// A second grant on a bucket that the program made itself is told apart from a stranger's bucket.
func TestBucketOfAnotherGrantIsNamedAfterIt(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		second := eventDump()
		second.Name = "other"
		if c := t.refused(second); !strings.Contains(c.Why, `made for the grant "acme-events"`) || c.Hint != "--adopt adds a second grant to it" {
			t.Errorf("got %q with hint %q, want the other grant named and how to share its bucket", c.Why, c.Hint)
		}
		for _, want := range []core.Want{core.Absent, {DropBucket: true}} {
			if c := t.bucketLine(second, want); c.Action != core.Keep || !strings.Contains(c.Why, `made for the grant "acme-events"`) {
				t.Errorf("to the end of the second grant: got %s %q, want %s and the other grant named", c.Action, c.Why, core.Keep)
			}
		}
		second.Target.Adopt = true
		t.again(second)
	})
}
