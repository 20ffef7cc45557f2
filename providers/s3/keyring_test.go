// Keys are switched off and on again, and only those of a user that is ours.
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

// opened are the steps of g, as a process that has looked at nothing has them.
func (t *town) open(g core.Grant) (core.Blueprint, *core.Steps) {
	t.Helper()
	b, err := core.Compile(t.engine.Provider, g)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := t.engine.Provider.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return b, steps
}

// tries puts an object as the holder of c.
func (t *town) tries(b core.Blueprint, c core.Credential) (core.Outcome, error) {
	t.Helper()
	a, err := t.engine.Provider.Act(t.Context(), b, c)
	if err != nil {
		t.Fatal(err)
	}
	return a.Try(t.Context(), core.Probe{Ability: core.Create, Where: core.Inside, Bucket: b.Grant.Target.Bucket, Key: b.Probes + "x", Want: core.Allowed})
}

func TestKeyThatIsSwitchedOffIsRejectedUntilItIsSwitchedOn(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		b, steps := t.open(eventDump())
		key := t.hands.got[0]
		for _, on := range []bool{false, false, true, true} {
			if err := steps.Keyring.Switch(t.Context(), key.ID, on); err != nil {
				t.Fatal(err)
			}
			got, err := t.tries(b, key)
			if want := map[bool]core.Outcome{true: core.Allowed, false: core.Unclear}[on]; got != want || errors.Is(err, core.ErrRejected) == on {
				t.Errorf("on %t: got %s, error %v; want %s, and %v unless it works", on, got, err, want, core.ErrRejected)
			}
			keys, err := steps.Keyring.List(t.Context())
			if err != nil || len(keys) != 1 || keys[0].Active != on || keys[0].ID != key.ID {
				t.Errorf("on %t: got keys %+v, error %v; want the one", on, keys, err)
			}
		}
		if err := steps.Keyring.Retire(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
		if got, err := t.tries(b, key); got != core.Unclear || !errors.Is(err, core.ErrRejected) {
			t.Errorf("a retired key: got %s, error %v; want %s and %v", got, err, core.Unclear, core.ErrRejected)
		}
		for _, on := range []bool{false, true} {
			if err := steps.Keyring.Switch(t.Context(), key.ID, on); !errors.Is(err, core.ErrMoved) {
				t.Errorf("a key that is gone: got %v, want %v", err, core.ErrMoved)
			}
		}
	})
}

// A proof must not take the refusal of a credential for a refusal of what it may do.
func TestOnlyWhatSaysSoIsARejection(t *testing.T) {
	for code, want := range map[string]bool{
		"InvalidAccessKeyId": true, "InvalidClientTokenId": true, "ExpiredToken": true, "ExpiredTokenException": true, "InvalidToken": true,
		"SignatureDoesNotMatch": false, "RequestTimeTooSkewed": false, "SlowDown": false, "InternalError": false, "Forbidden": false,
	} {
		cause := apiError(403, code, "")
		got, err := outcome(core.Denied, cause)
		if got != core.Unclear || errors.Is(err, core.ErrRejected) != want || !errors.Is(err, cause) || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: got %s, error %v; want %s, a rejection: %t, and the cause", code, got, err, core.Unclear, want)
		}
	}
}

func TestSwitchTouchesNoStrangersKey(t *testing.T) {
	for name, arrange := range map[string]func(t *town) string{
		"a stranger's user of our name": func(t *town) (id string) {
			t.w.now(func(ctx context.Context) {
				swapUser(ctx, t.w)
				out, err := t.w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: ourName})
				t.w.ok(out, err)
				id = *out.AccessKey.AccessKeyId
			})
			return id
		},
		"another user's key": func(t *town) (id string) {
			t.w.now(func(ctx context.Context) {
				t.w.ok(t.w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("other")}))
				out, err := t.w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("other")})
				t.w.ok(out, err)
				id = *out.AccessKey.AccessKeyId
			})
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(eventDump())
				id := arrange(t)
				_, steps := t.open(eventDump())
				for _, on := range []bool{false, true} {
					if err := steps.Keyring.Switch(t.Context(), id, on); !errors.Is(err, core.ErrMoved) {
						t.Errorf("on %t: got %v, want %v", on, err, core.ErrMoved)
					}
				}
				if err := steps.Keyring.Retire(t.Context(), id); err != nil && !errors.Is(err, core.ErrMoved) {
					t.Errorf("a retirement: got %v, want nothing or %v", err, core.ErrMoved)
				}
				if status := at(map[string]any(t.w.facts()), "Keys", id, "Status"); status != "Active" {
					t.Errorf("got the stranger's key %v, want it as it was", status)
				}
			})
		})
	}
}

// AWS attaches a policy of its own to a user whose key it has seen in public.
func TestKeysOfAQuarantinedUserStaySwitchedOff(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		_, steps := t.open(eventDump())
		arn := "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: ourName, PolicyArn: &arn}))
		})
		if err := steps.Keyring.Switch(t.Context(), t.hands.got[0].ID, false); err != nil {
			t.Errorf("switching off: got %v, want it done", err)
		}
		err := steps.Keyring.Switch(t.Context(), t.hands.got[0].ID, true)
		if e, ok := errors.AsType[*core.Error](err); !ok || !strings.Contains(err.Error(), arn) || !strings.Contains(e.Hint, "support case") {
			t.Errorf("switching on: got %v, want a refusal that names the policy", err)
		}
		if len(t.w.Keys(mustCompile(t.T, eventDump()))) > 0 {
			t.Errorf("got a key that works, want none")
		}
		if c := t.refused(eventDump()); !strings.Contains(c.Why, arn) || !strings.Contains(c.Hint, "support case") {
			t.Errorf("got %+v, want the user refused for %s", c, arn)
		}
	})
}

func TestWhoTakesARoleOnHasNoKeys(t *testing.T) {
	inTown(t, func(t *town) {
		for name, g := range roleGrants() {
			if _, steps := t.open(g); steps.Keyring != nil {
				t.Errorf("%s: got a keyring, want none", name)
			}
		}
		for name, g := range keyGrants() {
			if _, steps := t.open(g); steps.Keyring == nil {
				t.Errorf("%s: got no keyring, want the keys of its user", name)
			}
		}
	})
}

// What an operator is told that a rotation takes is enough for one, and all of it is needed.
func TestRotationsPermissionsAreEnoughAndNeeded(t *testing.T) {
	for name, g := range map[string]core.Grant{"in a group": eventDump(), "alone": userAlone()} {
		t.Run(name, func(t *testing.T) {
			var base, needs []core.Permission
			for _, p := range mustCompile(t, g).Operator {
				switch {
				case slices.Contains(p.Verbs, core.ForRotate):
					needs = append(needs, p)
				case slices.Contains(p.Verbs, core.ForPlan), slices.Contains(p.Verbs, core.ForProve):
					base = append(base, p)
				}
			}
			for i := -1; i < len(needs); i++ {
				inTown(t, func(t *town) {
					t.again(g)
					may, without := needs, ""
					if i >= 0 {
						may, without = slices.Delete(slices.Clone(needs), i, i+1), needs[i].Action
					}
					t.engine.Provider = t.w.ProviderAs(slices.Concat(base, may))
					warned := false
					t.engine.Observe = func(v core.Event) {
						warned = warned || v.Kind == core.Warning && strings.HasPrefix(v.Text, "other machines")
					}
					if err := t.rotates(g); (err == nil && !warned) != (i < 0) {
						t.Errorf("without %q: got error %v, and a warning: %t", without, err, warned)
					}
				})
			}
		})
	}
}

// rotates makes a further key, proves and delivers it, and ends the first one.
func (t *town) rotates(g core.Grant) error {
	old := t.hands.got[0].ID
	p, err := t.engine.Plan(t.Context(), g, core.Want{Present: true, Keys: core.KeyWant{Fresh: true}})
	if err != nil {
		return err
	}
	for _, c := range p.Changes {
		if c.Action.Writes() && c.Step != core.CredentialStep {
			t.Errorf("got %s %s, want nothing written but a key", c.Action, c.Addr)
		}
	}
	if _, err := t.engine.Apply(t.Context(), p, core.ApplyOptions{Deliver: t.hands}); err != nil {
		return err
	}
	if keys := t.w.Keys(p.Blueprint); len(keys) != 2 || len(t.hands.got) != 2 {
		t.Errorf("got keys %q and %d deliveries, want two of each", keys, len(t.hands.got))
	}
	_, steps := t.open(g)
	if _, err := steps.Keyring.List(t.Context()); err != nil {
		return err
	}
	if err := steps.Keyring.Switch(t.Context(), old, false); err != nil {
		return err
	}
	return steps.Keyring.Retire(t.Context(), old)
}

// A third key is refused by name: the limit counts those that are switched off.
func TestKeysThatAreSwitchedOffTakeRoom(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		b, steps := t.open(eventDump())
		second := t.w.AddKey(b)
		if err := steps.Keyring.Switch(t.Context(), second, false); err != nil {
			t.Fatal(err)
		}
		_, err := steps.Credential.Issue(t.Context())
		if err == nil || !strings.Contains(err.Error(), second) || !strings.Contains(err.Error(), t.hands.got[0].ID) {
			t.Errorf("got %v, want both keys named", err)
		}
		id, _ := t.engine.Provider.Info().Identity(core.WhoKey)
		if id.MostKeys != 2 || !id.ShowsUse || id.Outlives < 36*time.Hour {
			t.Errorf("got %+v, want two keys, their use shown, and the longest session", id)
		}
	})
}

func TestUseOfAKeyIsShown(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		b, steps := t.open(eventDump())
		id := t.w.AddKey(b)
		time.Sleep(time.Hour)
		t.w.UseKey(b, id)
		keys, err := steps.Keyring.List(t.Context())
		used := func(k core.Key) bool { return !k.Used.IsZero() && time.Since(k.Used) < time.Minute }
		if err != nil || len(keys) != 2 || slices.ContainsFunc(keys, func(k core.Key) bool { return used(k) != (k.ID == id) }) {
			t.Errorf("got %+v, error %v; want the second key used a moment ago", keys, err)
		}
	})
}
