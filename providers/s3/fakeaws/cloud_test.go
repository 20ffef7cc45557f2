// The cloud as a whole: its memory, its ledger, and how it names calls.
package fakeaws_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func now() time.Time { return time.Now() }

func TestARestoredCloudRemembersEverything(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{Account: "999988887777", Partition: "aws-us-gov"})
	op := operator(c, "us-gov-west-1")
	must(t)(op.s3.CreateBucket(t.Context(), create("acme-events", "us-gov-west-1")))
	must(t)(op.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("k"), Body: strings.NewReader("body")}))
	must(t)(op.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("alice")}))
	b, err := c.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fakeaws.Restore(b)
	if err != nil {
		t.Fatal(err)
	}
	id, secret := c.Operator()
	cl := connect(again, "us-gov-west-1", id, secret, "")
	got, err := cl.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(got.Body); string(body) != "body" {
		t.Errorf("got %q", body)
	}
	u, err := cl.iam.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("alice")})
	if err != nil || *u.User.Arn != "arn:aws-us-gov:iam::999988887777:user/alice" {
		t.Errorf("got %+v, %v", u, err)
	}
	if _, err := fakeaws.Restore([]byte(`{"Home":"1"}`)); err == nil {
		t.Error("a snapshot without its account was restored")
	}
}

func TestTheLedgerHoldsEveryDecision(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	alice := newUser(t, c, "alice", putOnly)
	before := len(c.Ledger().All())
	_, _ = alice.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("events/x"), Body: strings.NewReader("x")})
	_, _ = alice.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("events/x")})
	got := c.Ledger().All()[before:]
	if len(got) != 2 || !got[0].Allowed || got[0].Because != "allowed by inline statement Put" || got[1].Allowed || got[1].Action != "s3:GetObject" || got[1].Principal != "arn:aws:iam::111122223333:user/alice" {
		t.Errorf("got %+v", got)
	}
}

func TestTheRootUserIsRoot(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	id, secret := c.Root()
	root := connect(c, "us-east-1", id, secret, "")
	who, err := root.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::111122223333:root" {
		t.Errorf("got %+v, %v", who, err)
	}
	must(t)(root.iam.ListUsers(t.Context(), &iam.ListUsersInput{}))
}

func TestCallsAreNamedWithoutTouchingTheirBodies(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	var names []string
	id, secret := c.Operator()
	transport := &cloudsim.Transport{Handler: c, Classify: c.Classify, Fault: func(call cloudsim.Call, _ *http.Request) cloudsim.Fault {
		name := call.Op.Name
		if call.Op.Write {
			name += "!"
		}
		names = append(names, name)
		return cloudsim.Fault{}
	}}
	cl := connect(c, "eu-west-1", id, secret, "")
	client := &http.Client{Transport: transport}
	i := iam.New(cl.iam.Options(), func(o *iam.Options) { o.HTTPClient = client })
	s := s3.New(cl.s3.Options(), func(o *s3.Options) { o.HTTPClient = client })
	w := sts.New(cl.sts.Options(), func(o *sts.Options) { o.HTTPClient = client })
	must(t)(i.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("alice")}))
	must(t)(i.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("alice")}))
	must(t)(w.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	must(t)(s.CreateBucket(t.Context(), create("acme-events", "eu-west-1")))
	must(t)(s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("k"), Body: strings.NewReader("body")}))
	must(t)(s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("acme-events")}))
	want := "iam:CreateUser! iam:GetUser sts:GetCallerIdentity s3:CreateBucket! s3:PutObject! s3:ListObjectsV2"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEveryRequestIsServedAloneAndWhole(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	cl := operator(c, "eu-west-1")
	done := make(chan error)
	for n := range 16 {
		go func() {
			_, err := cl.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String(string(rune('a' + n))), Body: strings.NewReader("x")})
			done <- err
		}()
	}
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
