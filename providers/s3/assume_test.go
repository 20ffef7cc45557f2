// Promises about a role that a vendor's account takes on.
package s3

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

const vendorAccount = "422074288268"

// vendorGrant is a grant to RudderStack's account.
func vendorGrant() core.Grant {
	g := eventDump()
	g.Who = core.WhoAccount
	g.Settings = map[string]string{setVendorAccount: vendorAccount, setExternalID: "2dPf0KxMrAqbVfYyCmKJwVCMLyd"}
	return g
}

// vendorRoleGrant names one role of the vendor's.
func vendorRoleGrant() core.Grant {
	g := vendorGrant()
	g.Settings = map[string]string{setVendorRole: "arn:aws:iam::" + vendorAccount + ":role/pipelines/sync", setExternalID: "workspace-1"}
	return g
}

// atDoor finds what was tried at the door.
func atDoor(r core.Receipt, forgery string) (core.Row, bool) {
	i := slices.IndexFunc(r.Rows, func(row core.Row) bool { return row.Ability == core.Enter && row.Key == forgery })
	if i < 0 {
		return core.Row{}, false
	}
	return r.Rows[i], true
}

func TestVendorEntersWithItsExternalIDOnly(t *testing.T) {
	for name, g := range map[string]core.Grant{"account": vendorGrant(), "role": vendorRoleGrant()} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.w.now(func(ctx context.Context) { t.w.bucket(ctx, t.w.s3, otherBucket) })
				r := t.must(t.apply(g, core.ApplyOptions{}))
				if r.How != core.Tried || len(r.Failures()) > 0 || len(r.Missing) > 0 {
					t.Errorf("got proof %s with failures %+v, missing %v; want all tried, none failed", r.How, r.Failures(), r.Missing)
				}
				for forgery, want := range map[string]core.Outcome{"": core.Allowed, missingExternalID: core.Denied, wrongExternalID: core.Denied, strangersAccount: core.Denied} {
					if row, ok := atDoor(r, forgery); !ok || row.Got != want {
						t.Errorf("entering with forgery %q: got %v (tried %t), want %v", forgery, row.Got, ok, want)
					}
				}
				if len(t.hands.got) > 0 {
					t.Errorf("got %d secrets handed over, want none", len(t.hands.got))
				}
				if again := t.again(g); len(again) > 0 {
					t.Errorf("a second apply: got %v, want no change", again)
				}
			})
		})
	}
}

func TestVendorIsToldWhatItNeeds(t *testing.T) {
	inTown(t, func(t *town) {
		r := t.must(t.apply(vendorGrant(), core.ApplyOptions{NoProof: true}))
		got := outputs(r)
		arn := "arn:aws:iam::111122223333:role/bucketgrant/acme-events"
		for name, want := range map[string]string{"role_arn": arn, "external_id": "2dPf0KxMrAqbVfYyCmKJwVCMLyd", "bucket": "acme-events", "region": "eu-west-1", "prefix": "events/"} {
			if got[name] != want {
				t.Errorf("output %s: got %q, want %q", name, got[name], want)
			}
		}
		want := `version: "rudder/v1"
kind: "destination"
metadata:
  name: "acme-events"
spec:
  id: "acme-events"
  display_name: "acme-events"
  type: "s3"
  definition_version: 1
  enabled: true
  config:
    bucket_name: "acme-events"
    prefix: "events"
    role_based_auth: true
    iam_role_arn: "` + arn + `"
    enable_sse: false
`
		if got["rudder"] != want {
			t.Errorf("got\n%s\nwant\n%s", got["rudder"], want)
		}
	})
}

func outputs(r core.Receipt) map[string]string {
	m := map[string]string{}
	for _, o := range r.Outputs {
		m[o.Name] = o.Value
	}
	return m
}

func TestRudderStackTakesEveryValue(t *testing.T) {
	for _, region := range []string{"eu-west-1", "us-gov-west-1", "cn-north-1"} {
		g := vendorGrant()
		g.Name, g.Target.Region = strings.Repeat("long-", 19)+"name", region
		d, faults := draw(g)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if arn := d.layout.grantee(d, "111122223333"); len(arn) > mostRudder || !rudderFits(d, arn) {
			t.Errorf("%s: got an ARN of %d characters, want at most %d", region, len(arn), mostRudder)
		}
		g.Target.Prefix = strings.Repeat("p", 101) + "/"
		d, _ = draw(g)
		if rudderFits(d, "arn") {
			t.Errorf("a prefix of 101 characters: got a file that RudderStack refuses, want none")
		}
	}
}

func TestVendorsOfWrongShapeAreRefusedBeforeAnyCall(t *testing.T) {
	const role = "arn:aws:iam::422074288268:role/sync"
	for _, c := range []struct {
		why           string
		account, role string
		id            string
		fields        []string
	}{
		{"an account", vendorAccount, "", "ab", nil},
		{"a role", "", role, "a+b=c,d.e@f:g/h-i_j", nil},
		{"both, agreeing", vendorAccount, role, "ab", nil},
		{"nobody", "", "", "ab", []string{setVendorAccount}},
		{"no external ID", vendorAccount, "", "", []string{setExternalID}},
		{"an external ID that is too short", vendorAccount, "", "a", []string{setExternalID}},
		{"an external ID that is too long", vendorAccount, "", strings.Repeat("a", 1225), []string{setExternalID}},
		{"an external ID with a space", vendorAccount, "", "a b", []string{setExternalID}},
		{"an external ID beyond ASCII", vendorAccount, "", "äö", []string{setExternalID}},
		{"an account of 11 digits", "42207428826", "", "ab", []string{setVendorAccount}},
		{"the name of a role", "", "sync", "ab", []string{setVendorRole}},
		{"a user", "", "arn:aws:iam::422074288268:user/sync", "ab", []string{setVendorRole}},
		{"a session", "", "arn:aws:sts::422074288268:assumed-role/sync/x", "ab", []string{setVendorRole}},
		{"a wildcard", "", "arn:aws:iam::422074288268:role/*", "ab", []string{setVendorRole}},
		{"a wildcard in the path", "", "arn:aws:iam::422074288268:role/*/sync", "ab", []string{setVendorRole}},
		{"a character for any in the path", "", "arn:aws:iam::422074288268:role/a?c/sync", "ab", []string{setVendorRole}},
		{"a variable in the path", "", "arn:aws:iam::422074288268:role/${aws:username}/sync", "ab", []string{setVendorRole}},
		{"another partition", "", "arn:aws-cn:iam::422074288268:role/sync", "ab", []string{setVendorRole}},
		{"another account than the role's", "111122223333", role, "ab", []string{setVendorRole}},
		{"everything", "1", "sync", "", []string{setVendorAccount, setVendorRole, setExternalID}},
	} {
		g := vendorGrant()
		g.Settings = map[string]string{setVendorAccount: c.account, setVendorRole: c.role, setExternalID: c.id}
		_, faults := draw(g)
		var got []string
		for _, f := range faults {
			if got = append(got, f.Field); f.Accepts == "" || f.Rule == "" {
				t.Errorf("%s: got %+v, want a rule and what would be accepted", c.why, f)
			}
		}
		if !slices.Equal(got, c.fields) {
			t.Errorf("%s: got faults about %v, want %v", c.why, got, c.fields)
		}
	}
}

func TestTrustThatSomebodyWidenedIsNarrowedAgain(t *testing.T) {
	for name, wide := range map[string]string{
		"no external ID": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::422074288268:root"},"Action":"sts:AssumeRole"}}`,
		"everybody":      `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"2dPf0KxMrAqbVfYyCmKJwVCMLyd"}}}}`,
		"one more":       `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::422074288268:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"2dPf0KxMrAqbVfYyCmKJwVCMLyd"}}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sts:AssumeRole"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(vendorGrant())
				t.w.now(func(ctx context.Context) {
					t.w.ok(t.w.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("acme-events"), PolicyDocument: &wide}))
				})
				if got := t.again(vendorGrant()); !slices.Equal(got, []string{"~ iam:role/acme-events"}) {
					t.Errorf("got %v, want the role altered", got)
				}
				if got := t.again(vendorGrant()); len(got) > 0 {
					t.Errorf("afterwards: got %v, want no change", got)
				}
				t.must(t.apply(vendorGrant(), core.ApplyOptions{}))
			})
		})
	}
}

// IAM keeps the ID of a role that a trust policy names. A role that is deleted
// and made again has another one.
func TestTrustInARoleThatWasMadeAnewIsMended(t *testing.T) {
	inTown(t, func(t *town) {
		g := vendorRoleGrant()
		t.again(g)
		stand := played{t.w.cloud}
		id, secret := t.w.cloud.AddAccount(vendorAccount)
		theirs := iam.NewFromConfig(stand.config(credentials.NewStaticCredentialsProvider(id, secret, "")))
		t.w.now(func(ctx context.Context) {
			t.w.ok(theirs.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("sync"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))
			t.w.ok(theirs.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("sync")}))
		})
		plan, err := t.engine.Plan(t.Context(), g, core.Present) // the stand-in makes the role again
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(plan.Changes, func(c core.Change) bool { return c.Addr == "iam:role/acme-events" })
		if c := plan.Changes[i]; c.Action != core.Alter || !strings.Contains(c.Why, "AROA") {
			t.Errorf("got %s %s: %s; want it altered because of an ID", c.Action, c.Addr, c.Why)
		}
		t.must(t.apply(g, core.ApplyOptions{}))
	})
}

func TestRoleOfOthersIsNeitherUsedNorTouched(t *testing.T) {
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}}`
	for _, path := range []string{"/", rolePath} {
		inTown(t, func(t *town) {
			t.w.now(func(ctx context.Context) {
				t.w.ok(t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("acme-events"), Path: &path, AssumeRolePolicyDocument: &trust}))
			})
			if c := t.refused(vendorGrant()); c.Addr != "iam:role/acme-events" || c.Hint == "" {
				t.Errorf("path %s: got %+v, want the role refused with a hint", path, c)
			}
			for _, c := range t.destroy(vendorGrant(), core.Absent) {
				if c.Action.Writes() {
					t.Errorf("path %s: a destroy: got %s %s, want nothing written", path, c.Action, c.Addr)
				}
			}
		})
	}
}

func TestRoleGoesWithTheGrantUnlessOthersTiedSomethingToIt(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(vendorGrant())
		read := "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("acme-events"), PolicyArn: &read}))
		})
		if c := t.refused(vendorGrant()); !strings.Contains(c.Why, read) {
			t.Errorf("got %+v, want the role refused for %s", c, read)
		}
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("acme-events"), PolicyArn: &read}))
		})
		t.destroy(vendorGrant(), core.Absent)
		if v, err := newSessionOf(t).readRole(t.Context(), "acme-events"); err != nil || v.role != nil {
			t.Errorf("after a destroy: got role %v, error %v; want neither", v.role, err)
		}
	})
}

// newSessionOf reads as the operator.
func newSessionOf(t *town) *session {
	d, _ := draw(eventDump())
	return newSession(t.engine.Provider.(*Provider), d, &clients{iam: t.w.iam, s3: t.w.s3})
}

func TestVendorRoleThatDoesNotExistIsExplained(t *testing.T) {
	inTown(t, func(t *town) {
		t.engine.Provider = New(Config{Transport: t.w.transport, Credentials: t.engine.Provider.(*Provider).config.Credentials, Isolated: true}) // as on a real cloud
		g := vendorGrant()
		g.Settings = map[string]string{setVendorRole: "arn:aws:iam::" + vendorAccount + ":role/nobody", setExternalID: "workspace-1"}
		_, err := t.apply(g, core.ApplyOptions{NoProof: true})
		if e, ok := errors.AsType[*core.Error](err); !ok || !strings.Contains(e.Hint, setVendorAccount) {
			t.Errorf("got %v, want a hint about the vendor's role", err)
		}
	})
}

func TestExpiredTrustLetsNobodyIn(t *testing.T) {
	g := vendorGrant()
	g.Limits.Expires = time.Date(2027, 2, 20, 0, 0, 0, 0, time.UTC)
	d := mustDraw(t, g)
	text := string(mustJSON(assumeLayout{core.WhoAccount}.shape(d).trust("111122223333")))
	if !strings.Contains(text, `"DateLessThan":{"aws:CurrentTime":"2027-02-20T00:00:00Z"}`) {
		t.Errorf("got %s, want its end in it", text)
	}
}

func TestYourOwnAccountIsNoVendor(t *testing.T) {
	for account, rule := range map[string]string{noAccount: "nobody's", ownerAccount: "your own account", rudderStack: ""} {
		g := having(having(vendorGrant(), setVendorAccount, account), setAccount, ownerAccount)
		_, faults := draw(g)
		if err := faults.Err(); (err == nil) != (rule == "") || err != nil && !strings.Contains(err.Error(), rule) {
			t.Errorf("%s: got %v, want %q", account, err, rule)
		}
	}
	inTown(t, func(t *town) {
		if c := t.refused(having(vendorGrant(), setVendorAccount, ownerAccount)); !strings.Contains(c.Why, ownerAccount) || !strings.Contains(c.Hint, setVendorAccount) {
			t.Errorf("found by who runs this: got %q, hint %q; want the account named", c.Why, c.Hint)
		}
	})
}

func TestRudderStacksAccountIsCalledSo(t *testing.T) {
	for account, want := range map[string]bool{rudderStack: true, "444433332222": false} {
		notes := strings.Join(mustCompile(t, having(vendorGrant(), setVendorAccount, account)).Notes, "\n")
		if got := strings.Contains(notes, "RudderStack's account"); got != want {
			t.Errorf("%s: got notes %q, want the account called RudderStack's: %t", account, notes, want)
		}
	}
	for _, s := range vendorSettings() {
		if strings.Contains(s.Example, rudderStack) && !strings.Contains(s.Usage, "RudderStack's") {
			t.Errorf("%s: got usage %q, want it said whose the example is", s.Name, s.Usage)
		}
	}
}
