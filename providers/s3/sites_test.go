// Sites: many grants that share a bucket, and perhaps a group, and nothing else.
package s3

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// manySites are grants of a fleet.
func manySites(n int, group string) []core.Grant {
	var list []core.Grant
	for i := range n {
		g := profiled(site(), "site-backup", "")
		g.Name, g.Target.Prefix = fmt.Sprintf("site-%03d-example", i), fmt.Sprintf("site-%03d.example/", i)
		if group != "" {
			g = with(g, setGroup, group)
		}
		list = append(list, g)
	}
	return list
}

func TestManySitesShareOneBucketFromTheFirstMoment(t *testing.T) {
	for _, c := range []struct {
		name, group, region string
		most                time.Duration
	}{
		{"a group each", "", "eu-west-1", 10 * time.Second},
		{"one group", "sites", "eu-west-1", 10 * time.Second},
		// All of them write the configuration of the bucket that each believes to have
		// made, and S3 lets one write at a time: who waits how often is chance.
		{"where a bucket is made twice", "", "us-east-1", 20 * time.Second},
	} {
		group := c.group
		t.Run(c.name, func(t *testing.T) {
			inTown(t, func(t *town) {
				const n = 40
				t.Transport().Latency = 50 * time.Millisecond
				begun := time.Now()
				same := t.w.Provider()
				grants := manySites(n, group)
				for i := range grants {
					grants[i].Target.Region = c.region
				}
				t.sideBySide(grants, func() core.Provider { return same })
				if took := time.Since(begun); took > c.most {
					t.Errorf("got %s for %d sites, want at most %s", took, n, c.most)
				}
				f := t.w.facts()
				account := object(at(map[string]any(f), "Accounts", ownerAccount))
				want := n
				if group != "" {
					want = 1
				}
				if got := len(object(account["Groups"])); got != want {
					t.Errorf("got %d groups, want %d", got, want)
				}
				t.Transport().Reset()
				for _, g := range grants[:3] {
					t.again(g)
				}
				if w := t.writes(); len(w) > 0 {
					t.Errorf("a second run: got writes %q, want none", w)
				}
			})
		})
	}
}

func TestGroupsAreCountedBeforeTheyRunOut(t *testing.T) {
	inTown(t, func(t *town) {
		t.w.cloud.SetQuota("GroupsQuota", 3)
		grants := manySites(5, "")
		t.again(grants[0])
		time.Sleep(2 * roomAge)
		engine := *t.engine // one process plans all of them before it makes any
		var refused []core.Change
		for i, g := range grants[1:] {
			p, err := engine.Plan(t.Context(), g, core.Present)
			if err != nil {
				t.Fatal(err)
			}
			refused = append(refused, p.Refused()...)
			if i < 2 {
				c := p.Changes[slices.IndexFunc(p.Changes, func(c core.Change) bool { return c.Addr == mustDraw(t.T, g).groupAddr() })]
				if want := fmt.Sprintf("group %d of the 3", i+2); !strings.Contains(c.Why, want) {
					t.Errorf("%s: got %q, want %q in it", g.Name, c.Why, want)
				}
			}
		}
		if len(refused) != 2 || !strings.Contains(refused[0].Why, "group 4 of the 3") || refused[1].Why != refused[0].Why || !strings.Contains(refused[0].Hint, "--shared-group") {
			t.Errorf("got refusals %+v, want two that count and name the way out", refused)
		}
		t.engine.Provider = t.w.Provider() // another process
		for _, g := range manySites(5, "sites")[1:] {
			t.again(g)
		}
	})
}

func TestOrphansInASharedBucketAreReported(t *testing.T) {
	inTown(t, func(t *town) {
		g := manySites(1, "")[0]
		t.again(g)
		t.orphan(g.Target.Bucket)
		if c := t.line(g, core.Present, mustDraw(t.T, g).partAddr(policyPart)); c.Action != core.Keep || !strings.Contains(c.Why, `statement "Reports" names AIDA`) {
			t.Errorf("got %s %q, want it kept and the orphan named", c.Action, c.Why)
		}
	})
}

func TestSharedGroupServesOneKindOfSite(t *testing.T) {
	inTown(t, func(t *town) {
		grants := manySites(3, "sites")
		t.again(grants[0])
		t.again(grants[1])
		other := with(profiled(site(), "site-backup", "put-only"), setGroup, "sites")
		if c := t.refused(other); !strings.Contains(c.Why, "granted something else") || !strings.Contains(c.Hint, "--shared-group") {
			t.Errorf("another kind of site: got %q, hint %q", c.Why, c.Hint)
		}
		b, err := core.Compile(t.engine.Provider, grants[0])
		if err != nil {
			t.Fatal(err)
		}
		t.w.Tamper(b, "", "delete")
		if got := t.again(grants[2]); !slices.Contains(got, "~ iam:policy/sites") {
			t.Errorf("a policy that somebody widened: got changes %q, want it narrowed again", got)
		}
		for i, g := range grants {
			dropped := t.destroy(g, core.Absent)
			last := slices.ContainsFunc(dropped, func(c core.Change) bool { return c.Addr == "iam:group/sites" })
			if last != (i == len(grants)-1) {
				t.Errorf("site %d goes: got %+v, want the group to go with the last", i, dropped)
			}
		}
	})
}

func TestSharedBucketGoesWithTheLastSiteOnly(t *testing.T) {
	inTown(t, func(t *town) {
		grants := manySites(2, "")
		t.again(grants[0])
		t.again(grants[1])
		addr := mustDraw(t.T, grants[0]).bucketAddr()
		if c := t.line(grants[0], core.Want{DropBucket: true}, addr); c.Action != core.Keep || !strings.Contains(c.Why, "policy site-001-example") {
			t.Errorf("with another site: got %s %q, want it kept for that one", c.Action, c.Why)
		}
		t.destroy(grants[0], core.Want{DropBucket: true})
		if c := t.line(grants[1], core.Want{DropBucket: true}, addr); c.Action != core.Drop {
			t.Errorf("the last site: got %s %q, want it dropped", c.Action, c.Why)
		}
	})
}

// The document's eleven actions, each on the kind of resource that it is about.
func TestElevenActionsAreSplitByTheirResource(t *testing.T) {
	g := literally(site(), "site-backup")
	d := mustDraw(t, g)
	var got []string
	for _, s := range New(Config{}).grantStatements(d) {
		got = append(got, s.Action...)
		for _, a := range s.Action {
			onBucket := slices.Contains([]string{"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"}, a)
			want := d.objectsARN()
			if onBucket {
				want = d.bucketARN()
			}
			if !slices.Equal(s.Resource, texts{want}) {
				t.Errorf("%s: got %q, want %q", a, s.Resource, want)
			}
		}
	}
	var want []string
	for _, r := range readProfile("site-backup").Documented {
		if r.Cloud == cloudName {
			want = slices.Clone(r.Actions)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) != 11 || !slices.Equal(got, want) {
		t.Errorf("got %q, want the document's eleven %q", got, want)
	}
}

func TestUserOfASharedGroupIsCalledLikeItsFolder(t *testing.T) {
	for prefix, want := range map[string]string{"a.example/": "a.example", "sites/b.example/": "b.example", "": "", "sites/ä/": "", "a/" + strings.Repeat("x", 65) + "/": ""} {
		g := with(profiled(site(), "site-backup", ""), setGroup, "sites")
		g.Target.Prefix = prefix
		d, faults := draw(g)
		if (len(faults) == 0) != (want != "") || want != "" && d.userName() != want {
			t.Errorf("prefix %q: got user %q, faults %v, want %q", prefix, d.userName(), faults, want)
		}
		if want != "" && strings.ReplaceAll(d.reach(), "${aws:username}", want) != prefix {
			t.Errorf("prefix %q: got reach %q", prefix, d.reach())
		}
	}
}

// Access lists are off, so that nobody can publish a backup while putting it.
func TestBackupCannotBePublished(t *testing.T) {
	inTown(t, func(t *town) {
		g := literally(site(), "site-backup")
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		key := t.hands.got[0]
		client := s3.New(s3.Options{Region: worldRegion, HTTPClient: newCaller(t.Transport(), nil), Credentials: credentials.NewStaticCredentialsProvider(key.ID, string(key.Secret.Reveal()), "")})
		bucket, object := g.Target.Bucket, g.Target.Prefix+"backup.zip"
		put := func(acl types.ObjectCannedACL) error {
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &object, Body: strings.NewReader("x"), ACL: acl})
			return err
		}
		if err := put(types.ObjectCannedACLPublicRead); !is(err, "AccessControlListNotSupported") {
			t.Errorf("public-read: got %v, want AccessControlListNotSupported", err)
		}
		if err := put(types.ObjectCannedACLBucketOwnerFullControl); err != nil {
			t.Errorf("bucket-owner-full-control: got %v, want success", err)
		}
	})
}

func TestSharedMarkIsNeitherAnotherGrantsNorNone(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(manySites(1, "")[0])
		alone := profiled(site(), "site-backup", "")
		alone.Target.Shared = false
		if c := t.refused(alone); !strings.Contains(c.Why, "share it") || c.Hint == "" {
			t.Errorf("got %q, hint %q, want it said that the bucket is shared", c.Why, c.Hint)
		}
		p, err := t.engine.Plan(t.Context(), alone, core.Present)
		if err == nil {
			_, err = t.engine.Apply(t.Context(), p, core.ApplyOptions{Deliver: t.hands})
		}
		if !errors.Is(err, core.ErrNotOurs) {
			t.Errorf("got error %v, want %v", err, core.ErrNotOurs)
		}
	})
}

// The members of a fleet come one after the other while the first still makes what they share.
func TestSitesThatComeWhileTheirGroupIsMadeAllArrive(t *testing.T) {
	for name, own := range map[string]bool{"one process": false, "a process each": true} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.Transport().Latency = 50 * time.Millisecond
				same := t.w.Provider()
				var all sync.WaitGroup
				for i, g := range manySites(32, "sites") {
					e := *t.engine
					e.Provider, e.Journal, e.RunID = same, &lockedNotes{turn: make(chan struct{}, 1)}, fmt.Sprintf("run%d", i)
					if own {
						e.Provider = t.w.Provider()
					}
					all.Go(func() {
						time.Sleep(time.Duration(i) * 13 * time.Millisecond)
						p, err := e.Plan(t.Context(), g, core.Present)
						if err == nil {
							_, err = e.Apply(t.Context(), p, core.ApplyOptions{Deliver: &hands{}, NoProof: true})
						}
						if err != nil {
							t.Errorf("%s: got error %v, want success", g.Name, err)
						}
					})
				}
				all.Wait()
			})
		})
	}
}

func TestPolicyThatCameSinceItWasLookedForIsNotSomebodyElses(t *testing.T) {
	d := mustDraw(t, manySites(1, "sites")[0])
	r := &roleStep{&session{design: d, provider: New(Config{})}}
	group := d.iamARN(ownerAccount, "group")
	v := &roleView{group: &iamtypes.Group{GroupName: aws.String("sites"), Path: aws.String(d.carrierPath()), Arn: &group}, attached: []string{d.iamARN(ownerAccount, "policy")}}
	if c := r.presentGroup(v); c.Action != core.Keep {
		t.Errorf("the policy of the group itself: got %s %q, want it kept", c.Action, c.Why)
	}
	v.attached = append(v.attached, "arn:aws:iam::aws:policy/AdministratorAccess")
	if c := r.presentGroup(v); c.Action != core.Refuse || strings.Contains(c.Why, "shared/") {
		t.Errorf("another policy: got %s %q, want it refused for that one", c.Action, c.Why)
	}
}

func TestSharedGroupThatHasEndedIsMadeAgainByTheSameProcess(t *testing.T) {
	inTown(t, func(t *town) {
		g := manySites(1, "sites")[0]
		for range 2 {
			t.again(g)
			t.destroy(g, core.Absent)
		}
	})
}
