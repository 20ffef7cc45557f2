// A revoked access is refused at once and in every form, and stays so until it is given back.
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

	"github.com/bucketgrant/bucketgrant/core"
)

// turned carries out what the gate of g has to do, and returns the signs and addresses.
func (t *town) turned(g core.Grant, want core.Want) []string {
	t.Helper()
	_, steps := t.open(g)
	found, err := steps.Gate.Diff(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range found {
		if c.Step != core.GateStep {
			t.Errorf("got %+v, want a change of the gate", c)
		}
		list = append(list, c.Action.String()+" "+c.Addr)
		if !c.Action.Writes() {
			continue
		}
		for range 2 { // doing it twice is doing it once
			if err := steps.Gate.Do(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	return list
}

func (t *town) shuts(g core.Grant) []string { t.Helper(); return t.turned(g, core.Absent) }
func (t *town) opens(g core.Grant) []string { t.Helper(); return t.turned(g, core.Present) }

// does tries what the grant allows, as a.
func (t *town) does(b core.Blueprint, a core.Actor) core.Outcome {
	t.Helper()
	p := core.Probe{Ability: core.List, Where: core.Inside, Bucket: b.Grant.Target.Bucket, Key: b.Grant.Target.Prefix, Want: core.Allowed}
	if b.Grant.Allows(core.Create) {
		p.Ability, p.Key = core.Create, b.Probes+"x"
	}
	got, err := a.Try(t.Context(), p)
	if got == core.Unclear {
		t.Fatal(err)
	}
	return got
}

func (t *town) wants(what string, b core.Blueprint, a core.Actor, want core.Outcome) {
	t.Helper()
	if got := t.does(b, a); got != want {
		t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// userGrants are a user in a group, and one whom the bucket's policy names.
func userGrants() map[string]core.Grant {
	return map[string]core.Grant{"in a group": eventDump(), "named in the bucket's policy": userAlone(), "in a group of many": keyGrants()["site-backup in a group"]}
}

// userAlone is a user without policies, whom the bucket's policy names.
func userAlone() core.Grant { return keyGrants()["clickhouse"] }

func TestRevokedUserIsRefusedAtOnceEvenWithASessionOfItsKey(t *testing.T) {
	for name, g := range userGrants() {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(g)
				b := mustCompile(t.T, g)
				key := t.hands.got[0]
				user := shutAddr(mustDraw(t.T, g).userAddr())
				holder, err := t.engine.Provider.Act(t.Context(), b, key)
				if err != nil {
					t.Fatal(err)
				}
				old := t.w.Session(b, key.ID)
				t.wants("the key before", b, holder, core.Allowed)
				t.wants("its session before", b, old, core.Allowed)

				if got := t.shuts(g); !slices.Equal(got, []string{"+ " + user}) || !t.w.Shut(b) {
					t.Errorf("got %q, want the user shut", got)
				}
				t.wants("the key, shut", b, holder, core.Denied)
				t.wants("its session, shut", b, old, core.Denied)
				meanwhile := t.w.Session(b, key.ID)
				t.wants("a session made meanwhile", b, meanwhile, core.Denied)
				if got := t.shuts(g); !slices.Equal(got, []string{"= " + user}) {
					t.Errorf("again: got %q, want it shut already", got)
				}

				time.Sleep(time.Hour)
				if got := t.opens(g); !slices.Equal(got, []string{"- " + user}) || t.w.Shut(b) {
					t.Errorf("got %q, want the user open", got)
				}
				t.wants("the key, restored", b, holder, core.Allowed)
				t.wants("its session from before", b, old, core.Denied)
				t.wants("a session made meanwhile, restored", b, meanwhile, core.Denied)
				time.Sleep(2 * time.Second)
				t.wants("a session made now", b, t.w.Session(b, key.ID), core.Allowed)
				if got := t.opens(g); !slices.Equal(got, []string{"= " + user}) {
					t.Errorf("again: got %q, want it open", got)
				}
				time.Sleep(userSession - time.Hour - time.Minute)
				t.wants("the oldest session shortly before its end", b, old, core.Denied)
			})
		})
	}
}

func TestRestoredRoleRefusesSessionsFromBefore(t *testing.T) {
	for name, g := range map[string]core.Grant{"of a vendor": vendorGrant(), "of a workflow": workflowGrant(), "of a workflow, as documented": documentedWorkflow()} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(g)
				b := mustCompile(t.T, g)
				role := shutAddr(roleAddr(mustDraw(t.T, g).roleName()))
				old := t.w.Session(b, "")
				t.wants("before", b, old, core.Allowed)
				if got := t.shuts(g); !slices.Equal(got, []string{"+ " + role}) || !t.w.Shut(b) {
					t.Errorf("got %q, want the role shut", got)
				}
				t.wants("shut", b, old, core.Denied)
				time.Sleep(time.Minute)
				meanwhile := t.w.Session(b, "") // the trust still lets it in, to no avail
				t.wants("a session of meanwhile", b, meanwhile, core.Denied)
				if got := t.opens(g); !slices.Equal(got, []string{"- " + role}) {
					t.Errorf("got %q, want the role open", got)
				}
				t.wants("a session from before", b, old, core.Denied)
				t.wants("a session of meanwhile, restored", b, meanwhile, core.Denied)
				time.Sleep(2 * time.Second)
				t.wants("a session of now", b, t.w.Session(b, ""), core.Allowed)
				if got := t.shuts(g); !slices.Equal(got, []string{"~ " + role}) || !t.w.Shut(b) {
					t.Errorf("shut once more: got %q, want it done over what was left", got)
				}
			})
		})
	}
}

// Nothing proves that a service is shut out but what its roles say.
func TestEveryRoleOfAServiceIsShut(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(restoringGrant())
		t.engine.Provider = t.w.Provider()
		g := backupGrant() // without the role for restores, which is there
		got := t.shuts(g)
		want := []string{"+ iam:role/acme-archive-backup/shut", "+ iam:role/acme-archive-restore/shut"}
		if !slices.Equal(got, want) || !t.w.Shut(mustCompile(t.T, g)) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// What a grant has made with another identity lets in as well, until somebody ends it.
func TestEveryDoorThatAGrantHasHadIsShut(t *testing.T) {
	for name, c := range map[string]struct {
		was, is core.Grant
		want    string
	}{
		"key, vendor":      {eventDump(), vendorGrant(), "iam:user/acme-events/shut"},
		"vendor, key":      {vendorGrant(), eventDump(), "iam:role/acme-events/shut"},
		"workflow, vendor": {renamed(workflowGrant()), vendorGrant(), "iam:role/acme-events/shut"},
		"vendor, workflow": {vendorGrant(), renamed(workflowGrant()), "iam:role/acme-events/shut"},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(c.was)
				if got := t.shuts(c.is); !slices.Equal(got, []string{"+ " + c.want}) || !t.w.Shut(mustCompile(t.T, c.was)) {
					t.Errorf("got %q, want %s made", got, c.want)
				}
				if got := t.opens(c.is); !slices.Equal(got, []string{"- " + c.want}) {
					t.Errorf("got %q, want %s opened", got, c.want)
				}
			})
		})
	}
}

// renamed is g under the name of the others.
func renamed(g core.Grant) core.Grant {
	g.Name, g.Target.Bucket = "acme-events", "acme-events"
	return g
}

func TestShutGrantIsNotAppliedOver(t *testing.T) {
	for name, g := range map[string]core.Grant{"user": eventDump(), "user alone": userAlone(), "role": vendorGrant(), "workflow": workflowGrant(), "service": backupGrant()} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(g)
				addr := strings.TrimSuffix(strings.TrimPrefix(t.shuts(g)[0], "+ "), "/shut")
				if c := t.refused(g); c.Addr != addr || !strings.Contains(c.Why, "revoked") || !strings.Contains(c.Hint, "restore") {
					t.Errorf("got %+v, want %s refused with a hint", c, addr)
				}
				t.opens(g)
				if got := t.again(g); len(got) > 0 {
					t.Errorf("applied after the restoration: got %q, want nothing written", got)
				}
			})
		})
	}
}

func TestWhatARevocationLeavesGoesWhenNoSessionFromBeforeLives(t *testing.T) {
	for name, c := range map[string]struct {
		g    core.Grant
		life time.Duration
	}{"user": {eventDump(), userSession}, "user alone": {userAlone(), userSession}, "role": {vendorGrant(), roleSession}, "service": {backupGrant(), roleSession}} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(c.g)
				addr := strings.TrimPrefix(t.shuts(c.g)[0], "+ ")
				t.opens(c.g)
				time.Sleep(c.life - time.Minute)
				if got := t.again(c.g); len(got) > 0 {
					t.Errorf("while sessions live: got %q, want nothing written", got)
				}
				time.Sleep(2 * time.Minute)
				if got := t.again(c.g); !slices.Equal(got, []string{"- " + addr}) {
					t.Errorf("got %q, want what was left dropped", got)
				}
				if got := t.again(c.g); len(got) > 0 {
					t.Errorf("once more: got %q, want nothing written", got)
				}
			})
		})
	}
}

// Between a plan that drops what is left and its changes somebody may revoke the access again.
func TestFreshRevocationIsNotDroppedForAnOldOne(t *testing.T) {
	for name, g := range map[string]core.Grant{"user": eventDump(), "role": vendorGrant()} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(g)
				t.shuts(g)
				t.opens(g)
				time.Sleep(userSession + time.Minute)
				p, err := t.engine.Plan(t.Context(), g, core.Present)
				if err != nil || !p.Changed() {
					t.Fatalf("got %+v, error %v; want a change", p, err)
				}
				t.shuts(g)
				if _, err = t.engine.Apply(t.Context(), p, core.ApplyOptions{NoProof: true}); !errors.Is(err, core.ErrMoved) || !t.w.Shut(p.Blueprint) {
					t.Errorf("got error %v, want %v and the grantee shut out", err, core.ErrMoved)
				}
			})
		})
	}
}

func TestDestroyEndsAShutGrant(t *testing.T) {
	for name, g := range map[string]core.Grant{"user": eventDump(), "user alone": userAlone(), "role": vendorGrant(), "workflow": workflowGrant(), "service": restoringGrant(), "service, as documented": documentedBackup()} {
		for state, arrange := range map[string]func(*town){
			"shut":     func(t *town) { t.shuts(g) },
			"restored": func(t *town) { t.shuts(g); t.opens(g) },
		} {
			t.Run(name+" "+state, func(t *testing.T) {
				inTown(t, func(t *town) {
					t.again(g)
					arrange(t)
					t.destroy(g, core.Absent)
					if left := t.w.Ours(mustCompile(t.T, g)); slices.ContainsFunc(left, func(one string) bool { return strings.HasPrefix(one, "iam:user") || strings.HasPrefix(one, "iam:role") }) {
						t.Errorf("got %q left, want no principal", left)
					}
				})
			})
		}
	}
}

func TestOnlyOursIsShut(t *testing.T) {
	for name, c := range map[string]struct {
		g      core.Grant
		before func(ctx context.Context, w *world) // instead of an apply
	}{
		"a stranger's user": {eventDump(), func(ctx context.Context, w *world) {
			w.ok(w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: ourName}))
		}},
		"a stranger's role": {vendorGrant(), func(ctx context.Context, w *world) {
			trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}}`
			w.ok(w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("acme-events"), Path: aws.String(rolePath), AssumeRolePolicyDocument: &trust}))
		}},
		"nobody": {eventDump(), func(context.Context, *world) {}},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.w.now(func(ctx context.Context) { c.before(ctx, t.w) })
				foreign := t.w.Foreign(mustCompile(t.T, c.g))
				t.Transport().Reset()
				for _, got := range [][]string{t.shuts(c.g), t.opens(c.g)} {
					if slices.ContainsFunc(got, func(one string) bool { return !strings.HasPrefix(one, "=") }) {
						t.Errorf("got %q, want nothing to do", got)
					}
				}
				if w := t.writes(); len(w) > 0 || t.w.Foreign(mustCompile(t.T, c.g)) != foreign {
					t.Errorf("got writes %q, want none", w)
				}
			})
		})
	}
}

// A principal may become a stranger's between a plan and its changes.
func TestGateLooksAgainBeforeItWrites(t *testing.T) {
	for _, action := range []core.Action{core.Make, core.Alter, core.Drop} {
		inTown(t, func(t *town) {
			t.again(eventDump())
			_, steps := t.open(eventDump())
			if _, err := steps.Gate.Diff(t.Context(), core.Absent); err != nil {
				t.Fatal(err)
			}
			t.w.now(func(ctx context.Context) { swapUser(ctx, t.w) })
			t.Transport().Reset()
			err := steps.Gate.Do(t.Context(), core.Change{Step: core.GateStep, Action: action, Addr: "iam:user/acme-events/shut"})
			if w := t.writes(); !errors.Is(err, core.ErrMoved) || len(w) > 0 {
				t.Errorf("%s: got error %v, writes %q; want %v and none", action, err, w, core.ErrMoved)
			}
		})
	}
}

// The default role of the account's backups is not shut for one grant, if others back up as it too.
func TestRoleThatOthersUseIsNotShut(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(documentedBackup())
		other := documentedBackup()
		other.Name, other.Target.Bucket = "other-backup", "other-backup"
		t.again(other)
		for _, g := range []core.Grant{documentedBackup(), other} {
			t.Transport().Reset()
			if got := t.shuts(g); len(got) != 1 || !strings.HasPrefix(got[0], "! ") || len(t.writes()) > 0 {
				t.Errorf("%s: got %q, want a refusal", g.Name, got)
			}
		}
		t.destroy(other, core.Absent)
		if got := t.shuts(documentedBackup()); len(got) != 1 || !strings.HasPrefix(got[0], "+ ") {
			t.Errorf("its only user: got %q, want it shut", got)
		}
	})
}

// What somebody has written under the name of our policy is told, and shut or opened over.
func TestPolicyUnderOurNameThatSaysSomethingElseIsTold(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		put := func() {
			t.w.now(func(ctx context.Context) {
				t.w.ok(t.w.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: ourName, PolicyName: aws.String(shutName), PolicyDocument: aws.String(adminText)}))
			})
		}
		put()
		if c := t.refused(eventDump()); !strings.Contains(c.Why, shutName) || c.Hint != "restore" {
			t.Errorf("got %+v, want the policy told", c)
		}
		if got := t.shuts(eventDump()); len(got) != 1 || !strings.HasPrefix(got[0], "~ ") {
			t.Errorf("got %q, want it shut", got)
		}
		put()
		if got := t.opens(eventDump()); len(got) != 1 || !strings.HasPrefix(got[0], "- ") {
			t.Errorf("got %q, want it mended", got)
		}
		if got := t.again(eventDump()); len(got) > 0 {
			t.Errorf("got %q, want nothing written", got)
		}
	})
}

// A key is issued beside what a revocation has left behind.
func TestKeyIsIssuedAfterARestoration(t *testing.T) {
	for _, old := range []bool{false, true} {
		inTown(t, func(t *town) {
			t.keyless()
			t.shuts(eventDump())
			t.opens(eventDump())
			if old {
				time.Sleep(userSession + time.Hour)
			}
			t.must(t.apply(eventDump(), core.ApplyOptions{}))
			if len(t.hands.got) != 2 {
				t.Errorf("old %t: got %d deliveries, want a second one", old, len(t.hands.got))
			}
		})
	}
}

// Where nobody can try it, IAM is asked: what is left must not make its answers unclear.
func TestProofByAskingGoesOnAfterARestoration(t *testing.T) {
	for name, g := range map[string]core.Grant{"service": backupGrant(), "networks": limited("203.0.113.0/24")} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.must(t.apply(g, core.ApplyOptions{}))
				t.shuts(g)
				t.opens(g)
				b, steps := t.open(g)
				c := core.Credential{}
				if len(t.hands.got) > 0 {
					c = t.hands.got[0]
				}
				if proof, err := t.engine.Prove(t.Context(), b, steps, c); err != nil {
					t.Errorf("got %v, %+v; want it proven", err, proof)
				}
			})
		})
	}
}

func TestGatesPermissionsAreEnoughAndNeeded(t *testing.T) {
	for name, g := range map[string]core.Grant{"user": eventDump(), "user alone": userAlone(), "role": vendorGrant(), "workflow": workflowGrant(), "service": backupGrant()} {
		t.Run(name, func(t *testing.T) {
			var needs []core.Permission
			for _, p := range mustCompile(t, g).Operator {
				if slices.Contains(p.Verbs, core.ForRevoke) {
					needs = append(needs, p)
				}
			}
			for i := -1; i < len(needs); i++ {
				inTown(t, func(t *town) {
					may, without := needs, ""
					if i >= 0 {
						may, without = slices.Delete(slices.Clone(needs), i, i+1), needs[i].Action+" on "+needs[i].Resource
					}
					owner, as := t.engine.Provider, t.w.ProviderAs(may)
					t.engine.Provider = as
					nothing := t.revokes(g) // that is there
					t.engine.Provider = owner
					t.again(g)
					t.engine.Provider = as
					if err := errors.Join(nothing, t.revokes(g)); (err == nil) != (i < 0) {
						t.Errorf("without %q: got error %v", without, err)
					}
				})
			}
		})
	}
}

// revokes is a revocation and a restoration of the access and of its keys, which are then retired.
func (t *town) revokes(g core.Grant) error {
	for _, want := range []core.Want{core.Absent, core.Present} {
		_, steps := t.open(g)
		found, err := steps.Gate.Diff(t.Context(), want)
		for _, c := range found {
			if err == nil && c.Action.Writes() {
				err = steps.Gate.Do(t.Context(), c)
			}
		}
		var keys []core.Key
		if err == nil && steps.Keyring != nil {
			keys, err = steps.Keyring.List(t.Context())
		}
		for _, k := range keys {
			if err == nil {
				err = steps.Keyring.Switch(t.Context(), k.ID, want.Present)
			}
			if err == nil && want.Present {
				err = steps.Keyring.Retire(t.Context(), k.ID)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func TestARestorationOfThisVerySecondIsWaitedFor(t *testing.T) {
	inTown(t, func(t *town) {
		g := vendorGrant()
		t.again(g)
		b := mustCompile(t.T, g)
		t.shuts(g)
		time.Sleep(time.Hour)
		_, steps := t.open(g)
		found, err := steps.Gate.Diff(t.Context(), core.Present)
		if err != nil {
			t.Fatal(err)
		}
		dying, die := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, die)
		for _, c := range found {
			if err := steps.Gate.Do(dying, c); !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want a run that ends before its second is over", err)
			}
		}
		if got := t.opens(g); len(got) != 1 || got[0][0] != '=' {
			t.Errorf("again: got %q, want it open", got)
		}
		t.wants("a session after that", b, t.w.Session(b, ""), core.Allowed)
	})
}
