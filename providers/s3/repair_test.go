// What others change on ours is repaired, refused or left, each as it deserves.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// town is a world with a grant in it.
type town struct {
	*stage
	w *world
}

func inTown(t *testing.T, f func(t *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).(*world)
		j := &lockedNotes{turn: make(chan struct{}, 1)}
		s := &stage{t, &Sandbox{w.cloud, w.transport}, &core.Engine{Provider: w.Provider(), Journal: j, RunID: "run"}, &hands{}}
		f(&town{s, w})
	})
}

// again applies and returns the addresses of what was changed.
func (t *town) again(g core.Grant) []string {
	t.Helper()
	r := t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
	var list []string
	for _, c := range r.Changes {
		list = append(list, c.Action.String()+" "+c.Addr)
	}
	slices.Sort(list)
	return list
}

// refused plans and returns the address of the one refusal.
func (t *town) refused(g core.Grant) core.Change {
	t.Helper()
	p, err := t.engine.Plan(t.Context(), g, core.Present)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Refused()) != 1 {
		t.Fatalf("got refusals %+v, want one", p.Refused())
	}
	return p.Refused()[0]
}

func TestDriftOfTheBucketIsRepaired(t *testing.T) {
	bucket := aws.String("acme-events")
	for part, drift := range map[string]func(ctx context.Context, w *world){
		"~ s3:bucket/acme-events/public-access-block": func(ctx context.Context, w *world) {
			w.ok(w.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)}}))
		},
		"+ s3:bucket/acme-events/public-access-block": func(ctx context.Context, w *world) {
			w.ok(w.s3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: bucket}))
		},
		"~ s3:bucket/acme-events/ownership": func(ctx context.Context, w *world) {
			w.ok(w.s3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: bucket, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}}}))
		},
		"~ s3:bucket/acme-events/encryption": func(ctx context.Context, w *world) {
			w.ok(w.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
				ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms},
			}}}}))
		},
		"~ s3:bucket/acme-events/versioning": func(ctx context.Context, w *world) {
			w.ok(w.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}}))
		},
		"~ s3:bucket/acme-events/lifecycle": func(ctx context.Context, w *world) {
			out, err := w.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: bucket})
			w.ok(out, err)
			out.Rules[0].Status = types.ExpirationStatusDisabled
			w.ok(w.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: out.Rules}, TransitionDefaultMinimumObjectSize: out.TransitionDefaultMinimumObjectSize}))
		},
		"~ s3:bucket/acme-events/policy": func(ctx context.Context, w *world) {
			out, err := w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
			w.ok(out, err)
			w.ok(w.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(strings.Replace(*out.Policy, "s3:*", "s3:GetObject", 1))}))
		},
		"+ s3:bucket/acme-events/policy": func(ctx context.Context, w *world) {
			w.ok(w.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: bucket}))
		},
	} {
		t.Run(part, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(eventDump())
				t.w.Plant(providertest.Others, core.Blueprint{Grant: eventDump()})
				t.w.now(func(ctx context.Context) { drift(ctx, t.w) })
				foreign := t.w.Foreign(core.Blueprint{Grant: eventDump()})
				if got := t.again(eventDump()); !slices.Equal(got, []string{part}) {
					t.Errorf("got changes %q, want %q", got, part)
				}
				if got := t.again(eventDump()); len(got) > 0 {
					t.Errorf("after the repair: got changes %q, want none", got)
				}
				if got := t.w.Foreign(core.Blueprint{Grant: eventDump()}); got != foreign {
					t.Errorf("the repair changed what is not ours:\ngot  %s\nwant %s", got, foreign)
				}
			})
		})
	}
}

func TestWhatOthersAddToTheUserIsRefusedAndLeft(t *testing.T) {
	name := aws.String("acme-events")
	archive := aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	for what, add := range map[string]struct {
		addr string
		do   func(ctx context.Context, w *world)
	}{
		"console password": {"iam:user/acme-events", func(ctx context.Context, w *world) {
			w.ok(w.iam.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: name, Password: aws.String("correct horse battery staple 1A!")}))
		}},
		"direct policy": {"iam:user/acme-events", func(ctx context.Context, w *world) {
			w.ok(w.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("more"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)}))
		}},
		"other group": {"iam:user/acme-events", func(ctx context.Context, w *world) {
			w.ok(w.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("admins")}))
			w.ok(w.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: name, GroupName: aws.String("admins")}))
		}},
		"policy on the group": {"iam:group/acme-events", func(ctx context.Context, w *world) {
			w.ok(w.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: name, PolicyArn: archive}))
		}},
	} {
		t.Run(what, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(eventDump())
				t.w.now(func(ctx context.Context) { add.do(ctx, t.w) })
				if c := t.refused(eventDump()); c.Addr != add.addr || c.Why == "" || c.Hint == "" {
					t.Errorf("got refusal %+v, want one of %s with reason and hint", c, add.addr)
				}
				t.destroy(eventDump(), core.Absent)
				if left := t.w.Ours(core.Blueprint{Grant: eventDump()}); !slices.Equal(left, []string{"bucket", add.addr}) {
					t.Errorf("after destroy: got %q left, want the bucket and %s, which others hold on to", left, add.addr)
				}
				if keys := t.w.Keys(core.Blueprint{Grant: eventDump()}); len(keys) > 0 {
					t.Errorf("after destroy: got keys %q, want none", keys)
				}
			})
		})
	}
}

func TestPolicyIsRepairedEvenWithFiveVersions(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		arn := aws.String("arn:aws:iam::111122223333:policy/bucketgrant/acme-events/acme-events")
		t.w.now(func(ctx context.Context) {
			for n := range 4 {
				doc := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Sid":"Drift%d","Effect":"Allow","Action":"s3:*","Resource":"*"}}`, n)
				t.w.ok(t.w.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &doc, SetAsDefault: true}))
			}
		})
		if got := t.again(eventDump()); !slices.Equal(got, []string{"~ iam:policy/acme-events"}) {
			t.Errorf("got changes %q, want the policy's", got)
		}
		if got := t.again(eventDump()); len(got) > 0 {
			t.Errorf("after the repair: got changes %q, want none", got)
		}
		t.destroy(eventDump(), core.Want{DropBucket: true})
		if left := t.w.Ours(core.Blueprint{Grant: eventDump()}); len(left) > 0 {
			t.Errorf("after destroy: got %q, want nothing", left)
		}
	})
}

func TestDeletedPartsOfTheRoleComeBack(t *testing.T) {
	name := aws.String("acme-events")
	arn := aws.String("arn:aws:iam::111122223333:policy/bucketgrant/acme-events/acme-events")
	inTown(t, func(t *town) {
		t.again(eventDump())
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: name, UserName: name}))
			t.w.ok(t.w.iam.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: name, PolicyArn: arn}))
			t.w.ok(t.w.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn}))
		})
		want := []string{"+ iam:group/acme-events/policy", "+ iam:policy/acme-events", "+ iam:user/acme-events/group"}
		if got := t.again(eventDump()); !slices.Equal(got, want) {
			t.Errorf("got changes %q, want %q", got, want)
		}
	})
}

func TestBucketThatAppearsInUSEast1IsNotTouched(t *testing.T) {
	inTown(t, func(t *town) {
		g := eventDump()
		g.Target.Region = "us-east-1"
		p, err := t.engine.Plan(t.Context(), g, core.Present)
		if err != nil {
			t.Fatal(err)
		}
		home := t.w.s3.Options()
		home.Region = "us-east-1"
		t.w.now(func(ctx context.Context) {
			t.w.ok(s3.New(home).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("acme-events")}))
		})
		foreign := t.w.Foreign(p.Blueprint)
		_, err = t.engine.Apply(t.Context(), p, core.ApplyOptions{Deliver: t.hands, NoProof: true})
		if !errors.Is(err, core.ErrNotOurs) || len(t.hands.got) > 0 {
			t.Errorf("got error %v and %d deliveries, want %v and none", err, len(t.hands.got), core.ErrNotOurs)
		}
		if got := t.w.Foreign(p.Blueprint); got != foreign {
			t.Errorf("a bucket that is not ours was changed:\ngot  %s\nwant %s", got, foreign)
		}
	})
}

func TestAdoptedBucketMustBeWhereTheGrantSays(t *testing.T) {
	inTown(t, func(t *town) {
		t.w.Plant(providertest.OwnersBucket, core.Blueprint{Grant: eventDump()})
		g := eventDump()
		g.Target.Region, g.Target.Adopt = "eu-central-1", true
		if c := t.refused(g); !strings.Contains(c.Why, worldRegion) || c.Hint != "--region "+worldRegion {
			t.Errorf("got refusal %+v, want one that names %s", c, worldRegion)
		}
	})
}

// A plus survives the encoding that IAM gives documents on their way back.
func TestPlusInAPrefixIsNoDrift(t *testing.T) {
	inTown(t, func(t *town) {
		g := eventDump()
		g.Target.Prefix = "a+b/"
		t.again(g)
		if got := t.again(g); len(got) > 0 {
			t.Errorf("a second apply: got changes %q, want none", got)
		}
	})
}

func TestSettingsReachTheCloud(t *testing.T) {
	inTown(t, func(t *town) {
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("boundary"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:*","kms:*"],"Resource":"*"}}`)}))
		})
		g := eventDump()
		g.Settings = map[string]string{
			"account": "111122223333", "namespace": "account-regional",
			"kms-key":              "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			"permissions-boundary": "arn:aws:iam::111122223333:policy/boundary",
		}
		r := t.must(t.apply(g, core.ApplyOptions{}))
		if r.Bucket != "acme-events-111122223333-eu-west-1-an" {
			t.Errorf("got bucket %q in the receipt, want its full name", r.Bucket)
		}
		f := t.w.facts()
		if got := at(f.own(mustDraw(t.T, g), "Users"), "Boundary"); got != g.Settings["permissions-boundary"] {
			t.Errorf("got boundary %v, want the one that was asked for", got)
		}
		if got := fmt.Sprint(f.bucket(r.Bucket)["Encryption"]); !strings.Contains(got, g.Settings["kms-key"]) || !strings.Contains(got, "SSE-C") {
			t.Errorf("got encryption %s, want the key, and SSE-C blocked", got)
		}
		if got := t.again(g); len(got) > 0 {
			t.Errorf("a second apply: got changes %q, want none", got)
		}
	})
}

func mustDraw(t *testing.T, g core.Grant) design {
	t.Helper()
	d, err := draw(g)
	if err.Err() != nil {
		t.Fatal(err)
	}
	return d
}

func TestThirdKeyIsRefusedWithTheNamesOfTheTwo(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		b, err := core.Compile(t.engine.Provider, eventDump())
		if err != nil {
			t.Fatal(err)
		}
		steps, err := t.engine.Provider.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		second, err := steps.Credential.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = steps.Credential.Issue(t.Context())
		if err == nil || !strings.Contains(err.Error(), second.ID) || !strings.Contains(err.Error(), t.hands.got[0].ID) || !strings.Contains(err.Error(), "2000-01-01") {
			t.Errorf("got error %v, want one that names both keys and their age", err)
		}
	})
}

// A retirement that stops half-way has stopped the key.
func TestRetiredKeyIsInactiveBeforeItIsDeleted(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		b := core.Blueprint{Grant: eventDump()}
		steps, err := t.engine.Provider.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		t.Transport().Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name == "iam:DeleteAccessKey" {
				return cloudsim.Fault{Before: cloudsim.ErrLost}
			}
			return cloudsim.Fault{}
		}
		if err := steps.Credential.Retire(t.Context(), t.hands.got[0].ID); err == nil {
			t.Error("got success, want the error of the deletion")
		}
		if keys := t.w.Keys(b); len(keys) > 0 {
			t.Errorf("got keys %q that work, want none", keys)
		}
	})
}

func TestLostAnswerOfACreationIsNoStranger(t *testing.T) {
	for _, op := range []string{"s3:CreateBucket", "iam:CreateUser", "iam:CreateGroup", "iam:CreatePolicy"} {
		t.Run(op, func(t *testing.T) {
			inTown(t, func(t *town) {
				lost := false
				t.Transport().Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
					if c.Op.Name != op || lost {
						return cloudsim.Fault{}
					}
					lost = true
					return cloudsim.Fault{After: cloudsim.ErrLost}
				}
				if got := t.again(eventDump()); len(got) == 0 || !lost {
					t.Errorf("got changes %q, lost %t", got, lost)
				}
			})
		})
	}
}

// S3 refuses overlapping changes of one bucket, and a name that was given up a moment ago.
func TestBusyBucketIsWaitedFor(t *testing.T) {
	for _, op := range []string{"s3:CreateBucket", "s3:PutBucketVersioning", "s3:PutBucketPolicy"} {
		t.Run(op, func(t *testing.T) {
			inTown(t, func(t *town) {
				const busy = time.Minute
				start := time.Now()
				t.Transport().Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
					if c.Op.Name != op || time.Since(start) > busy {
						return cloudsim.Fault{}
					}
					return cloudsim.Fault{Reply: reply(http.StatusConflict, `<Error><Code>OperationAborted</Code><Message>A conflicting conditional operation is currently in progress against this resource.</Message></Error>`)}
				}
				t.again(eventDump())
				if time.Since(start) < busy {
					t.Errorf("got an apply after %s, want %s of waiting", time.Since(start), busy)
				}
			})
		})
	}
}

// A bucket of another account can be open to the operator, and is a stranger's all the same.
func TestOpenBucketOfAnotherAccountIsRefused(t *testing.T) {
	for _, adopt := range []bool{false, true} {
		inTown(t, func(t *town) {
			g := eventDump()
			g.Target.Adopt = adopt
			t.w.Plant(providertest.StrangersBucket, core.Blueprint{Grant: g})
			t.w.now(func(ctx context.Context) {
				t.w.ok(t.w.stranger.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("acme-events"), Policy: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":["arn:aws:s3:::acme-events","arn:aws:s3:::acme-events/*"]}}`)}))
			})
			if c := t.refused(g); c.Addr != "s3:bucket/acme-events" || !strings.Contains(c.Why, "another account") {
				t.Errorf("adopt %t: got refusal %+v, want one of the bucket", adopt, c)
			}
		})
	}
}

// A key that IAM does not show yet is no key that is gone.
func TestYoungKeyIsRetiredThoughNobodySeesIt(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		b := core.Blueprint{Grant: eventDump()}
		steps, err := t.engine.Provider.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		c, err := steps.Credential.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		blind := time.Now().Add(20 * time.Second)
		t.Transport().Fault = notYet("iam:UpdateAccessKey", blind)
		if err := steps.Credential.Retire(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		if keys := t.w.Keys(b); slices.Contains(keys, c.ID) || time.Now().Before(blind) {
			t.Errorf("got keys %q at %s, want one less, after %s", keys, time.Now(), blind)
		}
		if err := steps.Credential.Retire(t.Context(), c.ID); err != nil {
			t.Errorf("retiring again: got error %v, want none", err)
		}
	})
}

func TestSimulatorAgreesWithTheProof(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		b, err := core.Compile(t.engine.Provider, eventDump())
		if err != nil {
			t.Fatal(err)
		}
		steps, err := t.engine.Provider.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := t.engine.Simulate(t.Context(), b, steps)
		if err != nil || len(proof.Rows) == 0 || len(proof.Failures()) > 0 {
			t.Errorf("got error %v, failures %+v", err, proof.Failures())
		}
		t.w.Tamper(b, "", "read")
		if _, err := t.engine.Simulate(t.Context(), b, steps); !errors.Is(err, core.ErrUnproven) {
			t.Errorf("with too much: got error %v, want %v", err, core.ErrUnproven)
		}
		t.w.Tamper(b, "s3:PutObject", "")
		if _, err := t.engine.Simulate(t.Context(), b, steps); !errors.Is(err, core.ErrUnproven) {
			t.Errorf("with too little: got error %v, want %v", err, core.ErrUnproven)
		}
	})
}

// notYet makes IAM answer a call as if what it names did not exist, until a moment.
func notYet(op string, until time.Time) func(cloudsim.Call, *http.Request) cloudsim.Fault {
	const body = `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>cannot be found</Message></Error><RequestId>x</RequestId></ErrorResponse>`
	return func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
		if c.Op.Name != op || !time.Now().Before(until) {
			return cloudsim.Fault{}
		}
		return cloudsim.Fault{Reply: reply(http.StatusNotFound, body)}
	}
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}
