// What changes hands between a plan and its changes is found out before it is written.
package s3

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

const (
	ourPath   = "/bucketgrant/acme-events/"
	ourPolicy = "arn:aws:iam::111122223333:policy" + ourPath + "acme-events"
	adminText = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
)

var ourName = aws.String("acme-events")

// loseUser removes the user with its keys.
func (w *world) loseUser(ctx context.Context) {
	w.t.Helper()
	keys, err := w.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: ourName})
	w.ok(keys, err)
	for _, k := range keys.AccessKeyMetadata {
		w.ok(w.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ourName, AccessKeyId: k.AccessKeyId}))
	}
	w.leaveGroup(ctx)
	w.ok(w.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: ourName}))
}

func (w *world) leaveGroup(ctx context.Context) {
	w.t.Helper()
	w.ok(w.iam.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: ourName, UserName: ourName}))
}

func (w *world) joinGroup(ctx context.Context) {
	w.t.Helper()
	w.ok(w.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: ourName, UserName: ourName}))
}

func (w *world) detach(ctx context.Context) {
	w.t.Helper()
	w.ok(w.iam.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: ourName, PolicyArn: aws.String(ourPolicy)}))
}

func (w *world) attach(ctx context.Context) {
	w.t.Helper()
	w.ok(w.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: ourName, PolicyArn: aws.String(ourPolicy)}))
}

// The swaps put somebody else's thing in the place of ours, tied to the others as ours was.

func swapUser(ctx context.Context, w *world) {
	w.loseUser(ctx)
	w.ok(w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: ourName}))
	w.joinGroup(ctx)
}

func swapGroup(ctx context.Context, w *world) {
	w.leaveGroup(ctx)
	w.detach(ctx)
	w.ok(w.iam.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: ourName}))
	w.ok(w.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: ourName}))
	w.joinGroup(ctx)
	w.attach(ctx)
}

func swapPolicy(ctx context.Context, w *world) {
	w.detach(ctx)
	versions, err := w.iam.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: aws.String(ourPolicy)})
	w.ok(versions, err)
	for _, v := range idle(versions.Versions) {
		w.ok(w.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: aws.String(ourPolicy), VersionId: v.VersionId}))
	}
	w.ok(w.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: aws.String(ourPolicy)}))
	w.ok(w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: ourName, Path: aws.String(ourPath), PolicyDocument: aws.String(adminText)}))
	w.attach(ctx)
}

// untied takes the user out of the group and the policy off it.
func untied(ctx context.Context, w *world) {
	w.leaveGroup(ctx)
	w.detach(ctx)
}

// tied swaps what is not tied together.
func (w *world) tied(ctx context.Context, swap func(context.Context, *world)) {
	w.joinGroup(ctx)
	w.attach(ctx)
	swap(ctx, w)
	untied(ctx, w)
}

func swapBucket(ctx context.Context, w *world) {
	w.ok(w.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: ourName}))
	w.ok(w.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: ourName, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: worldRegion}}))
}

func swapBucketAccount(ctx context.Context, w *world) {
	w.ok(w.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: ourName}))
	w.ok(w.stranger.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: ourName, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: worldRegion}}))
}

// TestWhatIsNotOursAnyMoreIsNotWritten plans, lets a stranger take a name, and carries the plan out.
func TestWhatIsNotOursAnyMoreIsNotWritten(t *testing.T) {
	bounded := func(g *core.Grant) {
		g.Settings = map[string]string{setBoundary: "arn:aws:iam::aws:policy/AmazonS3FullAccess"}
	}
	nothing := func(context.Context, *world) {}
	for name, c := range map[string]struct {
		want   core.Want
		grant  func(*core.Grant)
		before func(context.Context, *world) // what the plan finds
		swap   func(context.Context, *world) // what happens after the plan
		never  []string                      // calls that must not be sent
	}{
		"drop user":          {core.Absent, nil, nothing, swapUser, []string{"iam:DeleteUser", "iam:RemoveUserFromGroup"}},
		"drop group":         {core.Absent, nil, nothing, swapGroup, []string{"iam:DeleteGroup", "iam:RemoveUserFromGroup", "iam:DetachGroupPolicy"}},
		"drop policy":        {core.Absent, nil, nothing, swapPolicy, []string{"iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DetachGroupPolicy"}},
		"drop lonely user":   {core.Absent, nil, untied, func(ctx context.Context, w *world) { w.tied(ctx, swapUser) }, []string{"iam:DeleteUser"}},
		"drop lonely group":  {core.Absent, nil, untied, func(ctx context.Context, w *world) { w.tied(ctx, swapGroup) }, []string{"iam:DeleteGroup"}},
		"drop lonely policy": {core.Absent, nil, untied, func(ctx context.Context, w *world) { w.tied(ctx, swapPolicy) }, []string{"iam:DeletePolicy"}},
		"drop bucket":        {core.Want{DropBucket: true}, nil, nothing, swapBucket, []string{"s3:DeleteBucket"}},
		"drop elsewhere":     {core.Want{DropBucket: true}, nil, nothing, swapBucketAccount, []string{"s3:DeleteBucket"}},
		"bound user":         {core.Present, bounded, nothing, swapUser, []string{"iam:PutUserPermissionsBoundary"}},
		"alter policy": {core.Present, nil, func(ctx context.Context, w *world) {
			w.ok(w.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: aws.String(ourPolicy), PolicyDocument: aws.String(adminText), SetAsDefault: true}))
		}, swapPolicy, []string{"iam:CreatePolicyVersion", "iam:DeletePolicyVersion"}},
		"join with another user":  {core.Present, nil, untied, func(ctx context.Context, w *world) { w.tied(ctx, swapUser) }, []string{"iam:AddUserToGroup"}},
		"attach to another group": {core.Present, nil, untied, func(ctx context.Context, w *world) { w.tied(ctx, swapGroup) }, []string{"iam:AttachGroupPolicy"}},
		"attach another policy":   {core.Present, nil, untied, func(ctx context.Context, w *world) { w.tied(ctx, swapPolicy) }, []string{"iam:AttachGroupPolicy"}},
		"settle bucket": {core.Present, nil, func(ctx context.Context, w *world) {
			w.ok(w.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: ourName, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}}))
			w.ok(w.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: ourName}))
		}, swapBucket, []string{"s3:PutBucketVersioning", "s3:PutBucketPolicy"}},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				g := eventDump()
				t.again(g)
				if c.grant != nil {
					c.grant(&g)
				}
				t.w.now(func(ctx context.Context) { c.before(ctx, t.w) })
				p, err := t.engine.Plan(t.Context(), g, c.want)
				if err != nil || !p.Changed() {
					t.Fatalf("got error %v, changes %v; want changes", err, p.Changes)
				}
				t.w.now(func(ctx context.Context) { c.swap(ctx, t.w) })
				t.Transport().Reset()
				_, err = t.engine.Apply(t.Context(), p, core.ApplyOptions{Deliver: t.hands, NoProof: true})
				if e, ok := errors.AsType[*core.Error](err); !ok || !errors.Is(err, core.ErrMoved) || e.Hint == "" {
					t.Errorf("got error %v, want %v with a hint", err, core.ErrMoved)
				}
				for _, op := range t.writes() {
					if slices.Contains(c.never, op) {
						t.Errorf("got %s of what is not ours", op)
					}
				}
			})
		})
	}
}

// A plan to issue a key was made while everything was as the grant says.
func TestNoKeyForWhatIsNotTheRoleOfThePlan(t *testing.T) {
	for name, change := range map[string]func(context.Context, *world){
		"another user":        swapUser,
		"another group":       swapGroup,
		"another policy":      swapPolicy,
		"no user":             func(ctx context.Context, w *world) { w.loseUser(ctx) },
		"out of the group":    func(ctx context.Context, w *world) { w.leaveGroup(ctx) },
		"group without right": func(ctx context.Context, w *world) { w.detach(ctx) },
		"policy in the user": func(ctx context.Context, w *world) {
			w.ok(w.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: ourName, PolicyName: aws.String("admin"), PolicyDocument: aws.String(adminText)}))
		},
		"policy on the user": func(ctx context.Context, w *world) {
			w.ok(w.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: ourName, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")}))
		},
		"another group as well": func(ctx context.Context, w *world) {
			w.ok(w.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("admins")}))
			w.ok(w.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("admins"), UserName: ourName}))
		},
		"console password": func(ctx context.Context, w *world) {
			w.ok(w.iam.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: ourName, Password: aws.String("correct horse battery staple 1A!")}))
		},
		"policy in the group": func(ctx context.Context, w *world) {
			w.ok(w.iam.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: ourName, PolicyName: aws.String("admin"), PolicyDocument: aws.String(adminText)}))
		},
		"wider policy": func(ctx context.Context, w *world) {
			w.ok(w.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: aws.String(ourPolicy), PolicyDocument: aws.String(adminText), SetAsDefault: true}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.keyless()
				p, err := t.engine.Plan(t.Context(), eventDump(), core.Present)
				if err != nil || !p.Issues() {
					t.Fatalf("got error %v, changes %v; want a key to be issued", err, p.Changes)
				}
				t.w.now(func(ctx context.Context) { change(ctx, t.w) })
				t.Transport().Reset()
				_, err = t.engine.Apply(t.Context(), p, core.ApplyOptions{Deliver: t.hands, NoProof: true})
				if !errors.Is(err, core.ErrMoved) || len(t.hands.got) != 1 {
					t.Errorf("got error %v and %d deliveries, want %v and the first delivery only", err, len(t.hands.got), core.ErrMoved)
				}
				note := func(name string) bool { return name == "iam:TagUser" } // which run is at work: of the user nothing else is tagged
				if w := slices.DeleteFunc(t.writes(), note); len(w) > 0 {
					t.Errorf("got writes %q, want none", w)
				}
			})
		})
	}
}

// keyless makes the grant and takes its key away.
func (t *town) keyless() {
	t.Helper()
	t.again(eventDump())
	t.w.now(func(ctx context.Context) {
		t.w.ok(t.w.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ourName, AccessKeyId: aws.String(t.hands.got[0].ID)}))
	})
	time.Sleep(10 * time.Minute) // until nobody takes it to be only not visible yet
}

// Between plan and apply the user may have been made again, so that what was listed is another's.
func TestKeysAreListedAnewAfterThePlan(t *testing.T) {
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
		list := func() int {
			t.Helper()
			keys, err := steps.Credential.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(keys)
		}
		if _, err := steps.Role.Diff(t.Context(), core.Present); err != nil {
			t.Fatal(err)
		}
		if n := list(); n != 1 {
			t.Errorf("got %d keys, want 1", n)
		}
		t.w.now(func(ctx context.Context) {
			swapUser(ctx, t.w)
			t.w.ok(t.w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: ourName}))
		})
		if n := list(); n != 0 {
			t.Errorf("got %d keys of somebody else's user, want none", n)
		}
	})
}

// In us-east-1 the creation of a bucket that is there already succeeds.
func TestBucketOfAnotherRunInUSEast1IsMergedInto(t *testing.T) {
	inTown(t, func(t *town) {
		g := eventDump()
		g.Target.Region = "us-east-1"
		p, err := t.engine.Plan(t.Context(), g, core.Present)
		if err != nil {
			t.Fatal(err)
		}
		t.again(g) // somebody else's run of the same grant, to which others then add
		home := t.w.s3.Options()
		home.Region = "us-east-1"
		t.w.s3 = s3.New(home)
		t.w.now(func(ctx context.Context) {
			d, _ := draw(g)
			t.w.settings(ctx, d)
		})
		foreign := t.w.Foreign(p.Blueprint)
		if !strings.Contains(foreign, "Theirs") || !strings.Contains(foreign, "theirs") {
			t.Fatalf("got %s, want a statement and a rule of others", foreign)
		}
		if _, err = t.engine.Apply(t.Context(), p, core.ApplyOptions{Deliver: t.hands, NoProof: true}); err != nil {
			t.Errorf("got error %v, want none: what is there is what the plan wants", err)
		}
		if got := t.w.Foreign(p.Blueprint); got != foreign {
			t.Errorf("what others have set was changed:\ngot  %s\nwant %s", got, foreign)
		}
	})
}

// What a session has made needs no second look; what only has its name does.
func TestLostCreationIsNotTakenForOurOwnWork(t *testing.T) {
	inTown(t, func(t *town) {
		p, err := t.engine.Plan(t.Context(), eventDump(), core.Present)
		if err != nil {
			t.Fatal(err)
		}
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: ourName, Path: aws.String(ourPath), Tags: []iamtypes.Tag{
				{Key: aws.String(tagManaged), Value: aws.String(managedBy)}, {Key: aws.String(tagGrant), Value: ourName},
			}}))
			t.w.ok(t.w.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: ourName, PolicyName: aws.String("admin"), PolicyDocument: aws.String(adminText)}))
		})
		_, err = t.engine.Apply(t.Context(), p, core.ApplyOptions{Deliver: t.hands, NoProof: true})
		if !errors.Is(err, core.ErrMoved) || len(t.hands.got) > 0 {
			t.Errorf("got error %v and %d deliveries, want %v and none", err, len(t.hands.got), core.ErrMoved)
		}
	})
}
