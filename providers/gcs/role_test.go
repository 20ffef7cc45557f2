// Role, service account and binding when they are not as they were left.
package gcs

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/genproto/googleapis/type/expr"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func ourRun(g core.Grant) *run {
	return newRun(g, settings{project: "acme-project"}, nil, newDesks())
}

func conditioned(role, expression string, members ...string) *iampb.Binding {
	return &iampb.Binding{Role: role, Members: members, Condition: &expr.Expr{Expression: expression}}
}

func bare(role string, members ...string) *iampb.Binding {
	return &iampb.Binding{Role: role, Members: members}
}

func TestMergeTouchesOnlyOurMemberInOurRole(t *testing.T) {
	r := ourRun(eventDump())
	me, role, where := r.member(), r.roleName, condition(r.grant)
	ghost := "deleted:" + me + "?uid=123"
	const other, viewer = "user:alice@example.com", "roles/storage.objectViewer"
	for name, c := range map[string]struct {
		before  []*iampb.Binding
		present bool
		after   []*iampb.Binding
		changed bool
	}{
		"first": {nil, true, []*iampb.Binding{conditioned(role, where, me)}, true},
		"there already": {[]*iampb.Binding{conditioned(role, where, me)}, true,
			[]*iampb.Binding{conditioned(role, where, me)}, false},
		"same role without the condition is another binding": {[]*iampb.Binding{bare(role, other)}, true,
			[]*iampb.Binding{bare(role, other), conditioned(role, where, me)}, true},
		"our member without the condition is too wide": {[]*iampb.Binding{bare(role, other, me)}, true,
			[]*iampb.Binding{bare(role, other), conditioned(role, where, me)}, true},
		"our member under an old condition": {[]*iampb.Binding{conditioned(role, "old", me)}, true,
			[]*iampb.Binding{conditioned(role, where, me)}, true},
		"joins others under our condition": {[]*iampb.Binding{conditioned(role, where, other)}, true,
			[]*iampb.Binding{conditioned(role, where, other, me)}, true},
		"the ghost of an earlier account goes": {[]*iampb.Binding{conditioned(role, where, ghost), bare(viewer, ghost)}, true,
			[]*iampb.Binding{conditioned(role, where, me), bare(viewer, ghost)}, true},
		"twice is once": {[]*iampb.Binding{conditioned(role, where, me), conditioned(role, where, me)}, true,
			[]*iampb.Binding{conditioned(role, where, me)}, true},
		"others keep theirs": {[]*iampb.Binding{bare(viewer, other), conditioned(viewer, "request.time < x", other), conditioned(role, where, me)}, true,
			[]*iampb.Binding{bare(viewer, other), conditioned(viewer, "request.time < x", other), conditioned(role, where, me)}, false},
		"gone": {[]*iampb.Binding{bare(viewer, other), conditioned(role, where, me, other), bare(role, ghost)}, false,
			[]*iampb.Binding{bare(viewer, other), conditioned(role, where, other)}, true},
		"gone already": {[]*iampb.Binding{bare(viewer, me)}, false, []*iampb.Binding{bare(viewer, me)}, false},
	} {
		var want bindingDocument
		if c.present {
			want = r.binding([]string{me})
		}
		after, changed := merge(c.before, r, want)
		same := slices.EqualFunc(after, c.after, func(a, b *iampb.Binding) bool {
			return a.Role == b.Role && slices.Equal(a.Members, b.Members) && a.Condition.GetExpression() == b.Condition.GetExpression()
		})
		if !same || changed != c.changed {
			t.Errorf("%s: got %v (changed %t), want %v (changed %t)", name, after, changed, c.after, c.changed)
		}
	}
}

func TestAccountMadeAgainIsBoundAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.accountName, nil, nil)
		plan, credential := w.apply(g)
		if c := change(t, plan, n.bindingAddr()); !c.Action.Writes() {
			t.Errorf("the binding of a deleted account binds nobody: got %s, want it written again", c.Action)
		}
		for _, b := range w.policy(w.owner, n.bucket).Bindings {
			if slices.ContainsFunc(b.Members, func(m string) bool { return strings.HasPrefix(m, "deleted:") }) {
				t.Errorf("got %v in the policy, want no ghost of ours", b.Members)
			}
		}
		actor, err := w.Provider().Act(t.Context(), core.Blueprint{Grant: g}, credential)
		if err != nil {
			t.Fatal(err)
		}
		got, err := actor.Try(t.Context(), core.Probe{Ability: core.Create, Where: core.Inside, Bucket: n.bucket, Key: "events/x"})
		if got != core.Allowed {
			t.Errorf("the new account may put objects: got %s, %v", got, err)
		}
	})
}

// A policy may show a deleted account under its old name for a while: the name
// is there, but binds nobody.
func TestNameThatBindsNobodyIsWrittenAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.accountName, nil, nil)
		ghost := regexp.MustCompile(`deleted:(serviceAccount:[^?"]+)\?uid=[0-9]+`)
		w.transport.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			resp := cloudsim.Serve(w.fake, r)
			raw, _ := io.ReadAll(resp.Body)
			for k, v := range resp.Header {
				rw.Header()[k] = v
			}
			rw.WriteHeader(resp.StatusCode)
			_, _ = rw.Write(ghost.ReplaceAll(raw, []byte("$1")))
		})
		w.apply(g)
		for _, b := range w.policy(w.owner, n.bucket).Bindings {
			if b.Role == n.roleName && !slices.Equal(b.Members, []string{n.member()}) {
				t.Errorf("got %v bound, want the account of today", b.Members)
			}
		}
	})
}

func TestRoleWithoutAStageIsAlphaAndDrifted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask=stage", dict{"stage": "ALPHA"}, nil)
		plan, _ := w.apply(g)
		if c := change(t, plan, n.roleAddr()); c.Action != core.Alter {
			t.Errorf("got %s, want the stage put back", c.Action)
		}
		if plan, _ := w.apply(g); plan.Changed() {
			t.Errorf("got %v, want nothing left to do", plan.Changes)
		}
	})
}

func TestDisabledAccountIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+":disable", dict{}, nil)
		plan, _, err := w.reach(g, core.Present)
		if !errors.Is(err, core.ErrNotOurs) || !strings.Contains(refusals(plan), "gcloud iam service-accounts enable "+n.email) {
			t.Errorf("got %v\n%s\nwant a refusal that says how to enable it", err, refusals(plan))
		}
	})
}

func TestRoleIsUndeletedWithinAWeekAndNamedWhenItIsTooLate(t *testing.T) {
	for _, c := range []struct {
		later time.Duration
		ok    bool
	}{{6 * 24 * time.Hour, true}, {20 * 24 * time.Hour, false}} {
		inWorld(t, func(t *testing.T, w *world) {
			g := eventDump()
			n := namesOf(g, SandboxProject)
			w.apply(g)
			if _, _, err := w.reach(g, core.Absent); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.later)
			plan, _, err := w.reach(g, core.Present)
			if c.ok {
				if err != nil || !strings.Contains(change(t, plan, n.roleAddr()).Why, "undeleted") {
					t.Errorf("after %s: got %v, want the role undeleted", c.later, err)
				}
				return
			}
			if err == nil || hintOf(err) != "--name OTHER" || !strings.Contains(err.Error(), "reserved") {
				t.Errorf("after %s: got %v [%s], want an error that says what to do", c.later, err, hintOf(err))
			}
			if keys := w.Keys(core.Blueprint{Grant: g}); len(keys) > 0 {
				t.Errorf("got keys %v, want none", keys)
			}
		})
	}
}

func TestRoleOfOthersOnTheBucketIsKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
			return append(p, bindingDocument{Role: n.roleName, Members: []string{"serviceAccount:operator@acme-project.iam.gserviceaccount.com"}})
		})
		plan, _, err := w.reach(g, core.Absent)
		if c := change(t, plan, n.roleAddr()); err != nil || c.Action != core.Keep {
			t.Errorf("got %s, %v; want the role kept, since somebody else is bound to it", c.Action, err)
		}
	})
}

func TestWiderBindingIsNarrowedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		w.Tamper(core.Blueprint{Grant: g}, "", wholeBucket)
		plan, _ := w.apply(g)
		if c := change(t, plan, n.bindingAddr()); c.Action != core.Alter || !strings.Contains(c.Before, "the whole bucket") {
			t.Errorf("got %s before %q, want the wider binding seen", c.Action, c.Before)
		}
		for _, b := range w.policy(w.owner, n.bucket).Bindings {
			if b.Role == n.roleName && b.Condition == nil {
				t.Errorf("got %v bound without a condition, want nobody", b.Members)
			}
		}
	})
}

func TestProjectPolicyIsNeverTouched(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.apply(eventDump())
		for _, c := range w.transport.Calls() {
			if strings.Contains(c.URL, "cloudresourcemanager") {
				t.Errorf("got %s %s, want no call about the project", c.Method, c.URL)
			}
		}
	})
}

// What is left of a deleted account of ours is replaced; what is left of others is theirs.
func TestOrphansOfOthersAreReportedAndKept(t *testing.T) {
	for name, g := range map[string]core.Grant{"bucket": eventDump(), "folder": siteBackup("a.example")} {
		inWorld(t, func(t *testing.T, w *world) {
			n := namesOf(g, SandboxProject)
			w.apply(g)
			other := "serviceAccount:gone-account@" + SandboxProject + ".iam.gserviceaccount.com"
			w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts", dict{"accountId": "gone-account"}, nil)
			edit := w.editPolicy
			if n.folder != "" {
				edit = func(_ string, e func([]bindingDocument) []bindingDocument) { w.editFolderPolicy(n, e) }
			}
			edit(n.bucket, func(p []bindingDocument) []bindingDocument {
				return append(p, bindingDocument{Role: "roles/storage.objectViewer", Members: []string{other}})
			})
			for _, email := range []string{n.email, strings.TrimPrefix(other, "serviceAccount:")} {
				w.ask(w.owner, "DELETE", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts/"+email, nil, nil)
			}
			p, _ := w.apply(g)
			if why := change(t, p, n.bindingAddr()).Why; !strings.Contains(why, "1 of others") || !strings.Contains(why, "deleted:"+other) {
				t.Errorf("%s: got %q, want the stranger's orphan reported", name, why)
			}
			policy := w.policy(w.owner, n.bucket)
			if n.folder != "" {
				policy, _ = w.folderPolicyOf(n)
			}
			var members []string
			for _, b := range policy.Bindings {
				members = append(members, b.Members...)
			}
			ghost := slices.ContainsFunc(members, func(m string) bool { return strings.HasPrefix(m, "deleted:"+n.member()) })
			kept := slices.ContainsFunc(members, func(m string) bool { return strings.HasPrefix(m, "deleted:"+other) })
			if ghost || !kept || !slices.Contains(members, n.member()) {
				t.Errorf("%s: got %v, want our orphan replaced and the other's kept", name, members)
			}
		})
	}
}

func TestFullPolicyIsRefusedInThePlan(t *testing.T) {
	r := role{ourRun(eventDump())}
	var policy []*iampb.Binding
	for i := range mostPrincipals {
		policy = append(policy, bare("roles/storage.objectViewer", "user:"+strconv.Itoa(i)+"@example.com"))
	}
	want := r.binding([]string{r.member()})
	if c := r.wantBinding(seen{bindings: policy}, want, false); c.Action != core.Refuse || !strings.Contains(c.Why, "1501") || c.Hint == "" {
		t.Errorf("got %s %q [%s], want it refused with the number and a hint", c.Action, c.Why, c.Hint)
	}
	if c := r.wantBinding(seen{bindings: policy[1:]}, want, false); c.Action != core.Make {
		t.Errorf("got %s %q, want room for the last one", c.Action, c.Why)
	}
}
