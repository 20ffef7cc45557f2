// What the clients that vendors run do with a grant: their ACL header, and buckets that encrypt with KMS.
package s3

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// holder is the vendor's own client with the credential that was delivered last.
func (t *town) holder() *s3.Client {
	c := t.hands.got[len(t.hands.got)-1]
	return s3.New(s3.Options{
		Region: worldRegion, HTTPClient: newCaller(&cloudsim.Transport{Handler: t.w.cloud}, nil),
		Credentials: credentials.NewStaticCredentialsProvider(c.ID, string(c.Secret.Reveal()), ""),
	})
}

// Vendors send this header out of habit. On a bucket without ACLs it says what
// is true anyway, and takes no permission.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func TestOwnerFullControlHeaderNeedsNoPermission(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		if text := string(mustJSON(t.engine.Provider.(*Provider).grantPolicy(mustDraw(t.T, eventDump())))); strings.Contains(text, "Acl") {
			t.Errorf("got policy %s, want none about ACLs", text)
		}
		put := func(acl types.ObjectCannedACL) error {
			_, err := t.holder().PutObject(t.Context(), &s3.PutObjectInput{Bucket: ourName, Key: aws.String("events/one.json"), ACL: acl, Body: strings.NewReader("{}")})
			return err
		}
		if err := put(types.ObjectCannedACLBucketOwnerFullControl); err != nil {
			t.Errorf("bucket-owner-full-control: got error %v, want none", err)
		}
		if err := put(types.ObjectCannedACLPublicRead); !is(err, "AccessControlListNotSupported") {
			t.Errorf("public-read: got error %v, want AccessControlListNotSupported", err)
		}
	})
}

func encrypted() core.Grant {
	g := eventDump()
	g.Settings = map[string]string{setKMSKey: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
	return g
}

// Without the permission to give uploads up there is none to decrypt either: a
// part is refused by KMS, which must not hide that giving up is refused by S3.
func TestGrantToCreateOnlyIsProvenOnABucketWithAKey(t *testing.T) {
	inTown(t, func(t *town) {
		g := encrypted()
		g.Can = []core.Ability{core.Create}
		t.must(t.apply(g, core.ApplyOptions{}))
	})
}

func TestGrantOnABucketWithAKeyIsProvenInParts(t *testing.T) {
	inTown(t, func(t *town) {
		r := t.must(t.apply(encrypted(), core.ApplyOptions{}))
		for _, a := range []core.Ability{core.Create, core.Abort} {
			if !slices.ContainsFunc(r.Rows, func(row core.Row) bool {
				return row.Ability == a && row.Where == core.Inside && row.Got == core.Allowed && row.How == core.Tried
			}) {
				t.Errorf("%s inside the prefix: got %+v, want it tried and allowed", a, r.Rows)
			}
		}
		out, err := t.w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: ourName, Key: aws.String("events/one.json"), Body: strings.NewReader("{}")})
		if err != nil || out.ServerSideEncryption != types.ServerSideEncryptionAwsKms {
			t.Errorf("got error %v and an object encrypted with %q, want %q", err, out.ServerSideEncryption, types.ServerSideEncryptionAwsKms)
		}
	})
}

// A key that is missing from the policy, or that hides what S3 lets through, makes the proof fail.
func TestProofSeesThroughTheKey(t *testing.T) {
	onlyCreate := encrypted()
	onlyCreate.Can = []core.Ability{core.Create}
	for name, c := range map[string]struct {
		grant     core.Grant
		drop, add string
		ability   core.Ability // that the failure names
	}{
		"no data key":                   {encrypted(), "kms:GenerateDataKey", "", core.Create},
		"no decryption of parts":        {encrypted(), "kms:Decrypt", "", core.Abort},
		"reading stopped by KMS only":   {onlyCreate, "", "read", core.Read},
		"neither, and reading let in":   {encrypted(), "kms:Decrypt", "read", core.Abort},
		"reading with the grant's key":  {encrypted(), "", "read", core.Read},
		"key without permission to put": {encrypted(), "s3:PutObject", "", core.Create},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(c.grant)
				b, err := core.Compile(t.engine.Provider, c.grant)
				if err != nil {
					t.Fatal(err)
				}
				t.w.Tamper(b, c.drop, c.add)
				steps, err := t.engine.Provider.Open(t.Context(), b)
				if err != nil {
					t.Fatal(err)
				}
				proof, err := t.engine.Prove(t.Context(), b, steps, t.hands.got[0])
				e, _ := errors.AsType[*core.Error](err)
				if !errors.Is(err, core.ErrUnproven) || e == nil || e.What != string(c.ability) {
					t.Errorf("got error %v, failures %+v; want %v about %s", err, proof.Failures(), core.ErrUnproven, c.ability)
				}
			})
		})
	}
}
