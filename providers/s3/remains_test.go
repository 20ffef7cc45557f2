// What a grant has opened in another way is named, and ended with it.
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// everyWay is one grant with each of the identities, all under one name.
func everyWay() map[core.Who]core.Grant {
	base := eventDump()
	base.Native = json.RawMessage(`{"layout":"backup-service"}`)
	way := func(who core.Who, settings map[string]string) core.Grant {
		g := base
		g.Who, g.Settings = who, settings
		return g
	}
	service := way(core.WhoService, nil)
	service.Target.Prefix = ""
	return map[core.Who]core.Grant{
		core.WhoKey:     way(core.WhoKey, nil),
		core.WhoAccount: way(core.WhoAccount, vendorGrant().Settings),
		core.WhoOIDC:    way(core.WhoOIDC, map[string]string{github.RepositorySetting: "acme/shop", github.BranchSetting: "main"}),
		core.WhoService: service,
	}
}

// opened are the doors that the grant has: keys, and roles of its mark.
func (t *town) opened(g core.Grant) []string {
	t.Helper()
	var list []string
	f := t.w.facts()
	for _, k := range object(f["Keys"]) {
		if user, _ := at(k, "User").(string); user == strings.ToLower(g.Name) {
			list = append(list, "key")
		}
	}
	for name, e := range object(at(map[string]any(f), "Accounts", ownerAccount, "Roles")) {
		if mustDraw(t.T, g).marked(tagged(e)) {
			list = append(list, "role "+name)
		}
	}
	slices.Sort(list)
	return list
}

func TestAnotherIdentityOfAGrantIsNamedAndLeavesNothingOpen(t *testing.T) {
	for first, old := range everyWay() {
		for second, g := range everyWay() {
			if first == second {
				continue
			}
			t.Run(string(first)+" then "+string(second), func(t *testing.T) {
				inTown(t, func(t *town) {
					t.again(old)
					before := t.opened(old)
					c := t.refused(g)
					if !strings.Contains(c.Why, "who: "+string(first)) || !strings.Contains(c.Hint, "--who "+string(first)) {
						t.Errorf("got %s %q, hint %q; want the identity named and how to end it", c.Addr, c.Why, c.Hint)
					}
					p, err := t.engine.Plan(t.Context(), g, core.Absent)
					if err != nil {
						t.Fatal(err)
					}
					if first == core.WhoKey {
						if _, err := t.engine.Apply(t.Context(), p, core.ApplyOptions{}); !errors.Is(err, core.ErrNotOurs) || !strings.Contains(err.Error(), "who: key") {
							t.Errorf("a destroy beside a key: got error %v, want it refused and the key named", err)
						}
						if got := t.opened(old); !slices.Equal(got, before) {
							t.Errorf("got %q, want %q left to a destroy of the key", got, before)
						}
						t.destroy(old, core.Absent)
					} else {
						t.must(t.engine.Apply(t.Context(), p, core.ApplyOptions{}))
					}
					if got := t.opened(old); len(got) > 0 {
						t.Errorf("after the end: got %q still open, want nothing", got)
					}
					if there := t.policyOf(g.Target.Bucket).own(mustDraw(t.T, g).ownSid); len(there) > 0 {
						t.Errorf("after the end: got statements %s, want none", there)
					}
					t.again(g)
				})
			})
		}
	}
}

// Earlier versions of this program have left both behind: one destroy ends them.
func TestKeyAndRoleOfOneGrantEndTogether(t *testing.T) {
	inTown(t, func(t *town) {
		key, role := everyWay()[core.WhoKey], everyWay()[core.WhoOIDC]
		t.again(key)
		d := mustDraw(t.T, role)
		p := t.engine.Provider.(*Provider)
		c, err := p.connect(t.Context(), d.region, nil)
		if err != nil {
			t.Fatal(err)
		}
		step := d.layout.step(newSession(p, d, c))
		for _, addr := range []string{d.providerAddr(), roleAddr(d.roleName()), inlineAddr(d.roleName(), inlineName), d.statementAddr()} {
			if err := step.Do(t.Context(), core.Change{Step: core.RoleStep, Action: core.Make, Addr: addr}); err != nil {
				t.Fatal(err)
			}
		}
		if got := t.opened(key); len(got) != 2 {
			t.Fatalf("got %q open, want a key and a role", got)
		}
		t.destroy(key, core.Absent)
		if got := t.opened(key); len(got) > 0 {
			t.Errorf("got %q still open, want nothing", got)
		}
		for _, g := range []core.Grant{key, role} {
			if again := t.destroy(g, core.Absent); len(again) > 0 {
				t.Errorf("who %s: a second destroy: got %+v, want nothing to do", g.Who, again)
			}
		}
	})
}

func TestRoleOfSomebodyElseIsNoRemainder(t *testing.T) {
	inTown(t, func(t *town) {
		g := everyWay()[core.WhoKey]
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &g.Name, Path: aws.String(rolePath), AssumeRolePolicyDocument: aws.String(backupTrust)}))
		})
		t.again(g)
		t.destroy(g, core.Absent)
	})
}
