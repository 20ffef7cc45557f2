// Keyrings: keys are switched off and on again, ours only, and never what Google has switched off.
package gcs

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// creates is one thing that the grantee of b may do.
func creates(b core.Blueprint, name string) core.Probe {
	return core.Probe{Ability: core.Create, Where: core.Inside, Bucket: b.Grant.Target.Bucket, Key: b.Grant.Target.Prefix + name}
}

// mustTry tries p as the holder of c, with tokens of its own.
func (w *world) mustTry(b core.Blueprint, c core.Credential, name string, want core.Outcome, why error) {
	w.t.Helper()
	c.Secret = core.NewSecret(slices.Clone(c.Secret.Reveal()))
	if got, err := w.actor(b, c).Try(w.t.Context(), creates(b, name)); got != want || !errors.Is(err, why) {
		w.t.Errorf("%s: got %s (%v), want %s (%v)", name, got, err, want, why)
	}
}

func TestKeySwitchedOffOpensNothingUntilSwitchedOn(t *testing.T) {
	for name, g := range map[string]core.Grant{"key": eventDump(), "hmac": clickhouse()} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				_, c := w.apply(g)
				b, steps := w.opened(g)
				before := w.actor(b, core.Credential{ID: c.ID, Form: c.Form, Secret: core.NewSecret(slices.Clone(c.Secret.Reveal()))})
				if got, err := before.Try(t.Context(), creates(b, "before")); got != core.Allowed {
					t.Fatalf("got %s (%v), want the key to work", got, err)
				}
				for range 2 {
					if err := steps.Keyring.Switch(t.Context(), c.ID, false); err != nil {
						t.Fatal(err)
					}
				}
				w.mustTry(b, c, "off", core.Unclear, core.ErrRejected)
				if keys, err := steps.Keyring.List(t.Context()); err != nil || len(keys) != 1 || keys[0].Active || keys[0].ID != c.ID || keys[0].Off != "" || !keys[0].Expires.IsZero() {
					t.Errorf("got %+v (%v), want the key switched off, by a person, without an end", keys, err)
				}
				if got, _ := before.Try(t.Context(), creates(b, "token")); (got == core.Allowed) != (name == "key") {
					t.Errorf("got %s with what was made with the key before; a token lives on for its hour, a signature does not", got)
				}
				for range 2 {
					if err := steps.Keyring.Switch(t.Context(), c.ID, true); err != nil {
						t.Fatal(err)
					}
				}
				w.mustTry(b, c, "on", core.Allowed, nil)
			})
		})
	}
}

func TestTokenOfASwitchedOffKeyLivesForItsHour(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, c := w.apply(eventDump())
		b, steps := w.opened(eventDump())
		holder := w.actor(b, c)
		if got, err := holder.Try(t.Context(), creates(b, "before")); got != core.Allowed {
			t.Fatal(got, err)
		}
		if err := steps.Keyring.Switch(t.Context(), c.ID, false); err != nil {
			t.Fatal(err)
		}
		id, _ := w.Provider().Info().Identity(core.WhoKey)
		time.Sleep(id.Outlives - 5*time.Minute)
		if got, err := holder.Try(t.Context(), creates(b, "within")); got != core.Allowed {
			t.Errorf("got %s (%v) within the hour, want what Google documents", got, err)
		}
		time.Sleep(5 * time.Minute)
		if got, err := holder.Try(t.Context(), creates(b, "after")); got != core.Unclear || !errors.Is(err, core.ErrRejected) {
			t.Errorf("got %s (%v) after the hour, want no token any more", got, err)
		}
	})
}

func TestSwitchedHMACKeyMayNeedThreeMinutes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, c := w.apply(clickhouse())
		b, steps := w.opened(clickhouse())
		w.SetDelay(10 * time.Minute)
		if err := steps.Keyring.Switch(t.Context(), c.ID, false); err != nil {
			t.Fatal(err)
		}
		w.mustTry(b, c, "at once", core.Allowed, nil)
		time.Sleep(3 * time.Minute)
		w.mustTry(b, c, "later", core.Unclear, core.ErrRejected)
	})
}

func TestKeyThatGoogleSwitchedOffStaysOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, c := w.apply(eventDump())
		b, steps := w.opened(eventDump())
		w.fake.Expose(c.ID)
		if keys, err := steps.Keyring.List(t.Context()); err != nil || len(keys) != 1 || keys[0].Active || keys[0].Off != exposed {
			t.Errorf("got %+v (%v), want the key switched off as %s", keys, err, exposed)
		}
		if err := steps.Keyring.Switch(t.Context(), c.ID, true); err == nil || !strings.Contains(err.Error(), exposed) || !strings.Contains(hintOf(err), "keys delete "+c.ID) {
			t.Errorf("got %v [%s], want it refused with Google's reason and a way out", err, hintOf(err))
		}
		w.mustTry(b, c, "off", core.Unclear, core.ErrRejected)

		// Google's word stays with the key when a person switches it off once more.
		if err := steps.Keyring.Switch(t.Context(), c.ID, false); err != nil {
			t.Fatal(err)
		}
		if err := steps.Keyring.Switch(t.Context(), c.ID, true); err == nil {
			t.Error("got it switched on by way of switching it off")
		}
		if err := steps.Keyring.Retire(t.Context(), c.ID); err != nil || len(w.Keys(b)) != 0 {
			t.Errorf("got %v, want it deleted all the same", err)
		}
	})
}

func TestSwitchTouchesNoStrangersKey(t *testing.T) {
	for name, steal := range map[string]func(*world, names){"re-marked": (*world).redescribeAccount, "replaced": (*world).replaceAccount} {
		for who, g := range map[string]core.Grant{"key": eventDump(), "hmac": clickhouse()} {
			t.Run(name+" "+who, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.apply(g)
					b, steps := w.opened(g)
					n := namesOf(g, SandboxProject)
					if _, err := steps.Keyring.List(t.Context()); err != nil {
						t.Fatal(err)
					}
					steal(w, n)
					id := w.addKey(g)
					before := w.foreign(b)
					for _, act := range []func() error{
						func() error { return steps.Keyring.Switch(t.Context(), id, false) },
						func() error { return steps.Keyring.Retire(t.Context(), id) },
					} {
						if err := act(); !errors.Is(err, core.ErrMoved) {
							t.Errorf("got %v, want %v", err, core.ErrMoved)
						}
					}
					if after := w.foreign(b); after != before || !strings.Contains(before, id) {
						t.Errorf("got the stranger's keys changed from %q to %q", before, after)
					}
				})
			})
		}
	}
}

// foreign is every key of the account that bears the name of b's, as the cloud shows them.
func (w *world) foreign(b core.Blueprint) string {
	n := namesOf(b.Grant, SandboxProject)
	var raw struct{ Keys []dict }
	w.ask(w.owner, "GET", iamAPI+"/v1/"+n.accountName+"/keys?keyTypes=USER_MANAGED", nil, &raw)
	return string(body(raw)) + string(body(w.hmacKeys(n)))
}

func TestHMACKeyOfAnotherAccountIsLeftAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		other := clickhouse()
		other.Name, other.Target.Bucket = "clickhouse-other-tables", "other-tables"
		_, c := w.apply(other)
		w.apply(clickhouse())
		_, steps := w.opened(clickhouse())
		for _, act := range []func() error{
			func() error { return steps.Keyring.Switch(t.Context(), c.ID, false) },
			func() error { return steps.Keyring.Retire(t.Context(), c.ID) },
		} {
			if err := act(); !errors.Is(err, core.ErrMoved) {
				t.Errorf("got %v, want %v", err, core.ErrMoved)
			}
		}
		if keys := w.hmacKeys(namesOf(other, SandboxProject)); len(keys) != 1 || keys[0].State != active {
			t.Errorf("got %+v, want the other grant's key as it was", keys)
		}
	})
}

func TestSwitchOfAKeyThatIsGone(t *testing.T) {
	for name, g := range map[string]core.Grant{"key": eventDump(), "hmac": clickhouse()} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				_, c := w.apply(g)
				_, steps := w.opened(g)
				if err := steps.Keyring.Retire(t.Context(), c.ID); err != nil {
					t.Fatal(err)
				}
				for _, on := range []bool{false, true} {
					if err := steps.Keyring.Switch(t.Context(), c.ID, on); !errors.Is(err, core.ErrMoved) {
						t.Errorf("on %v: got %v, want %v", on, err, core.ErrMoved)
					}
				}
				if err := steps.Keyring.Switch(t.Context(), "../../x", false); err == nil || errors.Is(err, core.ErrMoved) {
					t.Errorf("got %v, want what is no ID of a key refused", err)
				}
				w.ask(w.owner, http.MethodDelete, iamAPI+"/v1/"+namesOf(g, SandboxProject).accountName, nil, nil)
				if err := steps.Keyring.Switch(t.Context(), c.ID, false); !errors.Is(err, core.ErrMoved) {
					t.Errorf("got %v without the account, want %v", err, core.ErrMoved)
				}
				if err := steps.Keyring.Retire(t.Context(), c.ID); err != nil {
					t.Errorf("got %v without the account, want it gone already", err)
				}
			})
		})
	}
}

func TestGrantsWithoutKeysHaveNoKeyring(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for name, g := range keylessGrants() {
			if g.Who == core.WhoCertificate {
				continue
			}
			if _, steps := w.opened(g); steps.Keyring != nil || steps.Credential != nil {
				t.Errorf("%s: got a keyring or an issuer", name)
			}
			if id, _ := w.Provider().Info().Identity(g.Who); id.MostKeys != 0 || id.Outlives != 0 {
				t.Errorf("%s: got %+v, want no keys", name, id)
			}
		}
	})
}
