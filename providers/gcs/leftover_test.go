// Promises about a grant whose identity changes: what the one of before has is never left open unnamed.
package gcs

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// everyIdentity is one grant, by one name on one bucket, for every identity that there is.
func everyIdentity() map[string]core.Grant {
	all := map[string]core.Grant{}
	for name, from := range map[string]core.Grant{"--who key": eventDump(), "--who hmac": eventDump(), "--who certificate": withCertificate(goodCertificate()), "--who oidc": workflow(),
		"--who aws-role": fromAWS(), "--who aws-role --impersonate": fromAWS(impersonate, "true"), "--who account": toVendor()} {
		g := strict(eventDump())
		g.Who, g.Settings = from.Who, maps.Clone(from.Settings)
		if name == "--who hmac" {
			g.Who = core.WhoHMAC
		}
		all[name] = g
	}
	return all
}

func TestIdentityOfBeforeIsNamedUntilItIsDestroyed(t *testing.T) {
	all := everyIdentity()
	for _, before := range slices.Sorted(maps.Keys(all)) {
		for _, after := range slices.Sorted(maps.Keys(all)) {
			if before == after {
				continue
			}
			t.Run(before+" to "+after, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					was, next := all[before], all[after]
					n := namesOf(was, SandboxProject)
					w.apply(was)
					ours, policy := w.Ours(core.Blueprint{Grant: was}), w.policy(w.owner, n.bucket)
					for _, want := range []core.Want{core.Present, core.Absent} {
						p, _, err := w.reach(next, want)
						if said := refusals(p); !errors.Is(err, core.ErrNotOurs) || !strings.Contains(said, "would stay open: ") || !strings.Contains(said, "destroy with "+before) {
							t.Errorf("present %t: got %v and %q, want it refused with what is open and %q", want.Present, err, said, before)
						}
						if said := refusals(p); strings.Contains(said, "remove-iam-policy-binding") {
							t.Errorf("got %q, want one way to end it: without the rest of what is open, a binding says little", said)
						}
					}
					if now := w.Ours(core.Blueprint{Grant: was}); !slices.Equal(now, ours) || w.policy(w.owner, n.bucket).Etag != policy.Etag {
						t.Errorf("got %v, want all of %v as it was", now, ours)
					}
					if _, _, err := w.reach(was, core.Absent); err != nil {
						t.Fatalf("destroy of the identity of before: got %v, want success", err)
					}
					w.apply(next)
					for _, m := range w.policy(w.owner, n.bucket).Bindings {
						if m.Role == n.roleName && len(m.Members) != 1 {
							t.Errorf("got %v bound, want one grantee", m.Members)
						}
					}
					if p, _, err := w.reach(next, core.Present); err != nil || slices.ContainsFunc(p.Changes, func(c core.Change) bool { return c.Action != core.Keep }) {
						t.Errorf("second apply: got %v and %v, want nothing to do", p.Changes, err)
					}
					if _, _, err := w.reach(next, core.Absent); err != nil {
						t.Fatalf("last destroy: got %v, want success", err)
					}
					for _, g := range []core.Grant{was, next} {
						if left := w.Ours(core.Blueprint{Grant: g}); !slices.Equal(left, []string{"bucket"}) {
							t.Errorf("got %v left, want the bucket alone", left)
						}
					}
				})
			})
		}
	}
}

func TestVendorsAccountOfBeforeIsNamedUntilItIsDestroyed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		was, next := toVendor(), toVendor(vendorSetting, "serviceAccount:uploader2@vendor-project.iam.gserviceaccount.com")
		w.apply(was)
		for _, want := range []core.Want{core.Present, core.Absent} {
			p, _, err := w.reach(next, want)
			if said := refusals(p); !errors.Is(err, core.ErrNotOurs) || !strings.Contains(said, "destroy with --who account --vendor-principal "+was.Settings[vendorSetting]) {
				t.Errorf("present %t: got %v and %q, want it refused with the account of before", want.Present, err, said)
			}
		}
		if _, _, err := w.reach(was, core.Absent); err != nil {
			t.Fatal(err)
		}
		w.apply(next)
	})
}

func TestOthersInTheRoleAreRefusedByName(t *testing.T) {
	for name, g := range map[string]core.Grant{"bucket": eventDump(), "folder": siteBackup("a.example")} {
		inWorld(t, func(t *testing.T, w *world) {
			n := namesOf(g, SandboxProject)
			w.apply(g)
			edit := w.editPolicy
			if n.folder != "" {
				edit = func(_ string, e func([]bindingDocument) []bindingDocument) { w.editFolderPolicy(n, e) }
			}
			edit(n.bucket, func(p []bindingDocument) []bindingDocument {
				return append(p, bindingDocument{Role: n.roleName, Members: []string{stranger}})
			})
			p, _, err := w.reach(g, core.Present)
			if said := refusals(p); err == nil || !strings.Contains(said, "who would stay: "+stranger) || !strings.Contains(said, "remove-iam-policy-binding") {
				t.Errorf("%s: got %v and %q, want the stranger named", name, err, said)
			}
		})
	}
}

// A role without the identity in its mark is brought up to date.
func TestRoleOfAnEarlierVersionLearnsItsIdentity(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		n := namesOf(g, SandboxProject)
		w.apply(g)
		w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask=description", dict{"description": description(g)}, nil)
		p, _ := w.apply(g)
		if c := change(t, p, n.roleAddr()); c.Action != core.Alter {
			t.Errorf("got %s, want the mark put back", c.Action)
		}
	})
}
