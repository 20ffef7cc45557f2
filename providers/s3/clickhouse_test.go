// ClickHouse: a user alone, whom the bucket's policy names beside whatever others keep in it.
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

func TestEveryFormOfAKeyGrantIsShallow(t *testing.T) {
	for name, g := range keyGrants() {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			if g.Target.Adopt {
				continue
			}
			t.Run(name+" "+region, func(t *testing.T) {
				onStage(t, func(s *stage) {
					g := g
					g.Target.Region = region
					s.Transport().Latency = 100 * time.Millisecond
					r := s.must(s.apply(g, core.ApplyOptions{NoProof: true}))
					t.Logf("first apply: %d calls, depth %d", r.Calls, r.Depth)
					if r.Depth > 7 {
						t.Errorf("first apply: got depth %d, want at most 7", r.Depth)
					}
					r = s.must(s.apply(g, core.ApplyOptions{NoProof: true}))
					t.Logf("no change: %d calls, depth %d", r.Calls, r.Depth)
					if r.Depth > 4 {
						t.Errorf("no change: got depth %d, want at most 4", r.Depth)
					}
				})
			})
		}
	}
}

// folders are grants on the bucket that somebody keeps already.
func (t *town) folders(n int) []core.Grant {
	first := profiled(clickhouse(), "clickhouse", "")
	first.Target.Adopt = true
	t.w.Plant(providertest.OwnersBucket, core.Blueprint{Grant: first})
	var list []core.Grant
	for i := range n {
		g := first
		g.Name, g.Target.Prefix = fmt.Sprintf("acme-clickhouse-%d", i), fmt.Sprintf("clickhouse-%d/", i)
		list = append(list, g)
	}
	return list
}

// policyOf is the bucket's policy.
func (t *town) policyOf(bucket string) *shelf {
	t.Helper()
	out, err := t.w.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	there, err := openShelf(*out.Policy)
	if err != nil {
		t.Fatal(err)
	}
	return there
}

// sideBySide applies all grants at once, each with an engine of its own.
func (t *town) sideBySide(grants []core.Grant, provider func() core.Provider) {
	t.Helper()
	var all sync.WaitGroup
	for i, g := range grants {
		e := *t.engine
		e.Provider, e.Journal, e.RunID = provider(), &lockedNotes{turn: make(chan struct{}, 1)}, fmt.Sprintf("run%d", i)
		all.Go(func() {
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
}

func TestWritersOfOneBucketPolicyAllArrive(t *testing.T) {
	for name, own := range map[string]bool{"one process": false, "a process each": true} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				grants := t.folders(6)
				t.w.settings(t.Context(), mustDraw(t.T, grants[0]))
				t.Transport().Latency = 50 * time.Millisecond
				same := t.w.Provider()
				t.sideBySide(grants, func() core.Provider {
					if own {
						return t.w.Provider()
					}
					return same
				})
				there := t.policyOf("acme-clickhouse")
				for _, g := range grants {
					d := mustDraw(t.T, g)
					if want := New(Config{}).bucketStatements(d, d.iamARN(ownerAccount, "user")); !there.says(want, d.ownSid) {
						t.Errorf("%s: its statements are missing in %s", g.Name, there.text())
					}
				}
				if got := there.own(func(sid string) bool { return sid == "Theirs" }); len(got) != 1 {
					t.Errorf("the foreign statement: got %s, want it untouched", got)
				}
			})
		})
	}
}

// strangersPolicy holds what our own writer would never write: an Id, a lonely
// statement without a Sid, numbers and orders of its own.
const strangersPolicy = `{"Id":"Policy123456","Version":"2008-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":["s3:PutBucketAcl","s3:GetBucketAcl"],"Resource":"arn:aws:s3:::acme-clickhouse","Condition":{"NumericGreaterThan":{"s3:max-keys":1000},"Bool":{"aws:SecureTransport":false}}}}`

func TestForeignStatementsKeepTheirMeaningThroughALife(t *testing.T) {
	inTown(t, func(t *town) {
		g := t.folders(1)[0]
		bucket := aws.String(g.Target.Bucket)
		if _, err := t.w.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(strangersPolicy)}); err != nil {
			t.Fatal(err)
		}
		before := t.policyOf(*bucket).text()
		t.must(t.apply(g, core.ApplyOptions{}))
		during := t.policyOf(*bucket)
		if got := len(during.statements); got != 3 {
			t.Errorf("with the grant: got %d statements, want theirs and two of ours", got)
		}
		during.put(nil, mustDraw(t.T, g).ownSid)
		if !samePolicy([]byte(during.text()), []byte(before)) {
			t.Errorf("beside the grant: got %s, want %s", during.text(), before)
		}
		t.destroy(g, core.Absent)
		if got := t.policyOf(*bucket).text(); !samePolicy([]byte(got), []byte(before)) {
			t.Errorf("after the grant: got %s, want %s", got, before)
		}
	})
}

// orphan leaves a statement of somebody whose user does not exist any more.
func (t *town) orphan(bucket string) {
	t.Helper()
	gone := aws.String("gone")
	made, err := t.w.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: gone})
	t.w.ok(made, err)
	there := t.policyOf(bucket)
	there.put([]statement{{Sid: "Reports", Effect: "Allow", Principal: awsPrincipal{*made.User.Arn}, Action: texts{"s3:GetObject"}, Resource: texts{"arn:aws:s3:::" + bucket + "/*"}}}, func(sid string) bool { return sid == "Reports" })
	t.w.ok(t.w.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(there.text())}))
	t.w.ok(t.w.iam.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: gone}))
}

// line plans and returns the change with that address.
func (t *town) line(g core.Grant, want core.Want, addr string) core.Change {
	t.Helper()
	p, err := t.engine.Plan(t.Context(), g, want)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.Changes, func(c core.Change) bool { return c.Addr == addr })
	if i < 0 {
		t.Fatalf("got no change of %s among %+v", addr, p.Changes)
	}
	return p.Changes[i]
}

func TestOrphansOfOthersAreReportedAndNeverTouched(t *testing.T) {
	inTown(t, func(t *town) {
		g := profiled(clickhouse(), "clickhouse", "")
		d := mustDraw(t.T, g)
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		t.orphan(d.bucket())
		if c := t.line(g, core.Present, d.statementAddr()); c.Action != core.Keep || !strings.Contains(c.Why, `statement "Reports" names AIDA`) {
			t.Errorf("where nothing is to be written: got %s %q, want it kept and the orphan named", c.Action, c.Why)
		}
		before := t.policyOf(d.bucket()).text()
		other := g
		other.Name, other.Target.Prefix, other.Target.Adopt = "acme-clickhouse-2", "second/", true
		if c := t.refused(other); !strings.Contains(c.Why, `statement "Reports" names AIDA`) || c.Hint == "" {
			t.Errorf("where the policy would have to be written: got %q, hint %q, want the orphan and what to do", c.Why, c.Hint)
		}
		if c := t.line(g, core.Absent, d.statementAddr()); c.Action != core.Keep || !strings.Contains(c.Why, "AIDA") {
			t.Errorf("toward the end: got %s %q, want it left with the reason", c.Action, c.Why)
		}
		t.destroy(g, core.Absent)
		after := t.policyOf(d.bucket())
		after.put(nil, d.ownSid)
		want, _ := openShelf(before)
		want.put(nil, d.ownSid)
		if !samePolicy([]byte(after.text()), []byte(want.text())) {
			t.Errorf("got %s, want %s", after.text(), want.text())
		}
	})
}

func TestOrphanOfOursIsNamedAndMended(t *testing.T) {
	inTown(t, func(t *town) {
		g := profiled(clickhouse(), "clickhouse", "")
		d := mustDraw(t.T, g)
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		b, err := core.Compile(t.engine.Provider, g)
		if err != nil || !t.w.Lose(b) {
			t.Fatalf("no user was lost: %v", err)
		}
		if c := t.line(g, core.Present, d.statementAddr()); c.Action != core.Alter || !strings.Contains(c.Why, "AIDA") {
			t.Errorf("got %s %q, want it altered because of the dead ID", c.Action, c.Why)
		}
		r := t.must(t.apply(g, core.ApplyOptions{}))
		if len(r.Proof.Failures()) > 0 || len(deadIn(mustJSON(t.policyOf(d.bucket()).statements[1]))) > 0 {
			t.Errorf("got %+v and %s, want everything working again", r.Proof.Failures(), t.policyOf(d.bucket()).text())
		}
	})
}

// invalidPrincipal makes S3 answer as if it did not know the user yet, until a moment.
func invalidPrincipal(until time.Time) func(cloudsim.Call, *http.Request) cloudsim.Fault {
	const body = `<Error><Code>MalformedPolicy</Code><Message>Invalid principal in policy</Message></Error>`
	return func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
		if c.Op.Name != "s3:PutBucketPolicy" || !time.Now().Before(until) {
			return cloudsim.Fault{}
		}
		return cloudsim.Fault{Reply: reply(http.StatusBadRequest, body)}
	}
}

func TestNewPrincipalIsWaitedForAndAnOldOneIsNot(t *testing.T) {
	inTown(t, func(t *town) {
		g := t.folders(1)[0]
		t.Transport().Fault = invalidPrincipal(time.Now().Add(30 * time.Second))
		begun := time.Now()
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		if waited := time.Since(begun); waited < 30*time.Second || waited > 45*time.Second {
			t.Errorf("a user that was made a moment ago: got success after %s, want it soon after 30s", waited)
		}
		b, err := core.Compile(t.engine.Provider, g)
		if err != nil {
			t.Fatal(err)
		}
		t.w.Tamper(b, "s3:GetObject", "")
		t.Transport().Fault = invalidPrincipal(time.Now().Add(time.Hour))
		begun = time.Now()
		if _, err := t.apply(g, core.ApplyOptions{NoProof: true}); err == nil || !strings.Contains(err.Error(), "Invalid principal") || time.Since(begun) > 5*time.Second {
			t.Errorf("a user of an earlier run: got %v after %s, want a refusal at once", err, time.Since(begun))
		}
	})
}

func TestPolicyThatWouldBeTooLongIsRefusedByThePlan(t *testing.T) {
	inTown(t, func(t *town) {
		g := t.folders(1)[0]
		doc := policy{Version: policyVersion}
		for i := range 60 {
			doc.Statement = append(doc.Statement, statement{
				Sid: fmt.Sprint("Theirs", i), Effect: "Deny", Principal: everybody, Action: texts{"s3:DeleteBucket"}, Resource: texts{"arn:aws:s3:::acme-clickhouse"},
				Condition: map[string]map[string]texts{"StringEquals": {"aws:PrincipalTag/team": {strings.Repeat("x", 161)}}},
			})
		}
		if n := len(mustJSON(doc)); n > mostPolicy || n < mostPolicy-400 {
			t.Fatalf("got a policy of %d bytes, want nearly %d", n, mostPolicy)
		}
		t.w.ok(t.w.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(g.Target.Bucket), Policy: aws.String(string(mustJSON(doc)))}))
		if c := t.refused(g); !strings.Contains(c.Why, "S3 takes 20480") {
			t.Errorf("got %q, want the size and the limit", c.Why)
		}
	})
}

// Between a plan and its changes the bucket may have become somebody else's.
func TestBucketThatIsNotOursAnyMoreGetsNoStatement(t *testing.T) {
	inTown(t, func(t *town) {
		g := with(profiled(clickhouse(), "clickhouse", ""), setMarker, yes)
		d := mustDraw(t.T, g)
		bucket := aws.String(d.bucket())
		t.must(t.apply(profiled(clickhouse(), "clickhouse", ""), core.ApplyOptions{NoProof: true}))
		b, err := core.Compile(t.engine.Provider, g)
		if err != nil {
			t.Fatal(err)
		}
		t.w.Tamper(b, "s3:GetObject", "")
		p, err := t.engine.Plan(t.Context(), g, core.Present)
		if err != nil {
			t.Fatal(err)
		}
		before := t.policyOf(d.bucket()).text()
		t.w.ok(t.w.s3.DeleteBucketTagging(t.Context(), &s3.DeleteBucketTaggingInput{Bucket: bucket}))
		if _, err := t.engine.Apply(t.Context(), p, core.ApplyOptions{Deliver: t.hands}); !errors.Is(err, core.ErrMoved) {
			t.Errorf("got error %v, want %v", err, core.ErrMoved)
		}
		if got := t.policyOf(d.bucket()).text(); got != before || len(t.w.Objects(d.bucket())) > 0 {
			t.Errorf("got policy %s and objects %q, want nothing written", got, t.w.Objects(d.bucket()))
		}
	})
}

func TestUserSaysWhatItsKeyIsFor(t *testing.T) {
	inTown(t, func(t *town) {
		g := profiled(clickhouse(), "clickhouse", "")
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		out, err := t.w.iam.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String(g.Name)})
		t.w.ok(out, err)
		if got := iamTags(out.User.Tags)[tagPurpose]; got != "Application running outside AWS" {
			t.Errorf("got purpose %q, want the console's words for it", got)
		}
		groups, err := t.w.iam.ListGroups(t.Context(), &iam.ListGroupsInput{})
		t.w.ok(groups, err)
		policies, err := t.w.iam.ListPolicies(t.Context(), &iam.ListPoliciesInput{Scope: "Local"})
		t.w.ok(policies, err)
		if len(groups.Groups)+len(policies.Policies) > 0 {
			t.Errorf("got groups %v and policies %v, want neither", groups.Groups, policies.Policies)
		}
	})
}

// The document's s3:* includes the bucket's policy: trying to change it must change nothing.
func TestProofOfEverythingIsHarmless(t *testing.T) {
	inTown(t, func(t *town) {
		g := wholeClickhouse()
		r := t.must(t.apply(g, core.ApplyOptions{}))
		before := t.policyOf(g.Target.Bucket).text()
		for _, a := range []core.Ability{core.Erase, core.Inspect, core.Administer, core.Uploads} {
			if !slices.ContainsFunc(r.Proof.Rows, func(row core.Row) bool { return row.Ability == a && row.Got == core.Allowed && row.How == core.Tried }) {
				t.Errorf("%s: got no row that says it works, want the document's whole power shown", a)
			}
		}
		b, err := core.Compile(t.engine.Provider, g)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := t.engine.Prove(t.Context(), b, nil, t.hands.got[0]); err != nil {
			t.Errorf("the holder's own proof: got %v", err)
		}
		if got := t.policyOf(g.Target.Bucket).text(); got != before {
			t.Errorf("after a proof: got policy %s, want %s", got, before)
		}
		var marker []string
		for _, key := range t.w.Objects(g.Target.Bucket) {
			if !strings.Contains(key, ".bucketgrant-probe/") {
				marker = append(marker, key)
			}
		}
		if !slices.Equal(marker, []string{"clickhouse/"}) {
			t.Errorf("got objects %q, want the folder alone", marker)
		}
	})
}

func TestFolderOfOthersIsLeft(t *testing.T) {
	inTown(t, func(t *town) {
		g := with(t.folders(1)[0], setMarker, yes)
		d := mustDraw(t.T, g)
		t.w.put(t.Context(), t.w.s3, d.bucket(), d.folder())
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		t.destroy(g, core.Absent)
		if got := t.w.Objects(d.bucket()); !slices.Contains(got, d.folder()) {
			t.Errorf("got objects %q, want the folder that was there before", got)
		}
	})
}

func TestFolderThatIsNotEmptyAnyMoreIsLeft(t *testing.T) {
	inTown(t, func(t *town) {
		g := with(profiled(clickhouse(), "clickhouse", ""), setMarker, yes)
		d := mustDraw(t.T, g)
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		t.w.ok(t.w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(d.bucket()), Key: aws.String(d.folder()), Body: strings.NewReader("data"), Metadata: d.mark()}))
		if c := t.line(g, core.Absent, d.markerAddr()); c.Action != core.Keep {
			t.Errorf("got %s %q, want it kept", c.Action, c.Why)
		}
	})
}

func TestLiteralGrantNamesTheFolderWithoutLimitingIt(t *testing.T) {
	g := literally(clickhouse(), "clickhouse")
	_, err := core.Compile(New(Config{}), g)
	if err == nil || !strings.Contains(err.Error(), "folder: clickhouse/") {
		t.Errorf("with a prefix: got %v, want a refusal that names the setting folder", err)
	}
	if _, err := core.Compile(New(Config{}), wholeClickhouse()); err != nil {
		t.Errorf("with the folder: got %v, want success", err)
	}
}

func TestGoneBucketOrPolicyIsNoTroubleForDestroy(t *testing.T) {
	inTown(t, func(t *town) {
		g := profiled(clickhouse(), "clickhouse", "")
		t.must(t.apply(g, core.ApplyOptions{NoProof: true}))
		t.w.ok(t.w.s3.DeleteBucket(context.WithoutCancel(t.Context()), &s3.DeleteBucketInput{Bucket: aws.String(g.Target.Bucket)}))
		if got := t.destroy(g, core.Absent); len(got) != 2 {
			t.Errorf("got changes %v, want the key and the user dropped", got)
		}
	})
}

func TestSidsTellGrantsApart(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a-b-c", "ab-c", "abc", "a-bc", "abc-list", "abclist", strings.Repeat("x", 90) + "1", strings.Repeat("x", 90) + "2"} {
		d := design{grant: core.Grant{Name: name}}
		stem := d.sidStem()
		if other, taken := seen[stem]; taken || strings.Trim(stem, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" {
			t.Errorf("%s: got %q, want letters and digits of its own (%s)", name, stem, other)
		}
		seen[stem] = name
		for _, kind := range []string{objectsKind, listKind, locateKind, uploadsKind, documentedKind + "1"} {
			if !d.ownSid(stem + kind) {
				t.Errorf("%s: does not know its own %s", name, stem+kind)
			}
		}
		for other, of := range seen {
			if of != name && d.ownSid(other+listKind) {
				t.Errorf("%s takes %s's statement for its own", name, of)
			}
		}
	}
}

func TestMergeKeepsForeignStatementsByteForByte(t *testing.T) {
	foreign := json.RawMessage(`{ "Sid":"x","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["b","a"] , "Condition":{"Bool":{"k":true}}}`)
	there, err := openShelf(`{"Version":"2012-10-17","Statement":[` + string(foreign) + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	d := mustDraw(t, profiled(clickhouse(), "clickhouse", ""))
	there.put(New(Config{}).bucketStatements(d, "arn:aws:iam::111122223333:user/x"), d.ownSid)
	if got := there.statements[0]; string(got) != string(foreign) {
		t.Errorf("got %s, want %s", got, foreign)
	}
	there.put(nil, d.ownSid)
	if len(there.statements) != 1 {
		t.Errorf("got %s, want the foreign statement alone", there.text())
	}
}

func TestAFolderInABucketThatMayNotBeListedIsNotSaidToBeMissing(t *testing.T) {
	inTown(t, func(t *town) {
		g := keyGrants()["clickhouse"]
		t.again(g)
		t.w.transport.Fault = func(c cloudsim.Call, r *http.Request) (f cloudsim.Fault) {
			if c.Op.Name == "s3:HeadBucket" {
				f.Reply = t.w.Answer(r, providertest.Refused)
			}
			return f
		}
		if c := t.line(g, core.Present, mustDraw(t.T, g).markerAddr()); c.Action != core.Refuse {
			t.Errorf("got %v, want it refused", c)
		}
	})
}
