// What changes hands between a plan and its changes is found out before it is written.
package gcs

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func (w *world) relabel(n names) {
	w.t.Helper()
	w.ask(w.owner, "PATCH", storageAPI+bucketPath(n.bucket), dict{"labels": dict{managedBy: "somebody-else", grantLabel: nil}}, nil)
}

// loseBucket deletes the bucket and makes one of that name in a stranger's
// project, with our labels, for the operator to do with as he likes.
func (w *world) loseBucket(n names) {
	w.t.Helper()
	w.ask(w.owner, "DELETE", storageAPI+bucketPath(n.bucket), nil, nil)
	w.stranger = w.hands(w.fake.AddProject("stranger-project", "210987654321"))
	w.ask(w.stranger, "POST", storageAPI+"/storage/v1/b?project=stranger-project", dict{"name": n.bucket, "location": "EU",
		"labels": labels(core.Grant{Name: n.grant}), "iamConfiguration": dict{"uniformBucketLevelAccess": dict{"enabled": true}}}, nil)
	p := w.policy(w.stranger, n.bucket)
	p.Version, p.Bindings = 3, append(p.Bindings, bindingDocument{Role: "roles/storage.admin", Members: []string{"serviceAccount:operator@" + SandboxProject + ".iam.gserviceaccount.com"}})
	w.ask(w.stranger, "PUT", storageAPI+bucketPath(n.bucket)+"/iam", p, nil)
}

func (w *world) redescribeAccount(n names) {
	w.t.Helper()
	w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.accountName, dict{"serviceAccount": dict{"description": "somebody else's"}, "updateMask": "description"}, nil)
}

// replaceAccount deletes the account and makes another of that name, with the same mark.
func (w *world) replaceAccount(n names) {
	w.t.Helper()
	w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.accountName, nil, nil)
	w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+n.project+"/serviceAccounts",
		dict{"accountId": n.accountID, "serviceAccount": dict{"description": mark(n.grant)}}, nil)
}

func (w *world) disableAccount(n names) {
	w.t.Helper()
	w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+":disable", dict{}, nil)
}

func (w *world) redescribeRole(n names) {
	w.t.Helper()
	w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask=description", dict{"description": "somebody else's"}, nil)
}

func (w *world) loseKeys(n names) {
	w.t.Helper()
	for _, id := range w.Keys(core.Blueprint{Grant: core.Grant{Name: n.grant, Target: core.Target{Bucket: n.bucket}}}) {
		w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.accountName+"/keys/"+id, nil, nil)
	}
}

func (w *world) unbind(n names) {
	w.t.Helper()
	w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
		return slices.DeleteFunc(p, func(b bindingDocument) bool { return b.Role == n.roleName })
	})
}

func (w *world) driftBucket(n names) {
	w.t.Helper()
	w.ask(w.owner, "PATCH", storageAPI+bucketPath(n.bucket), dict{"softDeletePolicy": dict{"retentionDurationSeconds": "0"}}, nil)
}

func (w *world) driftRole(n names) {
	w.t.Helper()
	w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask=stage", dict{"stage": "ALPHA"}, nil)
}

const (
	dropBucket  = "storage.buckets.delete"
	patchBucket = "storage.buckets.patch"
	setPolicy   = "storage.buckets.setIamPolicy"
	dropAccount = "iam.projects.serviceAccounts.delete"
	dropRole    = "iam.projects.roles.delete"
	patchRole   = "iam.projects.roles.patch"
)

// TestWhatIsNotOursAnyMoreIsNotWritten plans, lets somebody else take a name, and carries the plan out.
func TestWhatIsNotOursAnyMoreIsNotWritten(t *testing.T) {
	nothing := func(*world, names) {}
	gone := core.Want{DropBucket: true}
	for name, c := range map[string]struct {
		want   core.Want
		before func(*world, names) // what the plan finds
		swap   func(*world, names) // what happens after the plan
		never  string              // the call that must not be sent
	}{
		"drop bucket that changed hands":      {gone, nothing, (*world).relabel, dropBucket},
		"drop bucket of another project":      {gone, nothing, (*world).loseBucket, dropBucket},
		"alter bucket that changed hands":     {core.Present, (*world).driftBucket, (*world).relabel, patchBucket},
		"alter bucket of another project":     {core.Present, (*world).driftBucket, (*world).loseBucket, patchBucket},
		"drop account that changed hands":     {core.Absent, nothing, (*world).redescribeAccount, dropAccount},
		"drop account made again":             {core.Absent, nothing, (*world).replaceAccount, dropAccount},
		"drop role that changed hands":        {core.Absent, nothing, (*world).redescribeRole, dropRole},
		"alter role that changed hands":       {core.Present, (*world).driftRole, (*world).redescribeRole, patchRole},
		"bind on a bucket that changed hands": {core.Present, (*world).unbind, (*world).relabel, setPolicy},
		"bind on another project's bucket":    {core.Present, (*world).unbind, (*world).loseBucket, setPolicy},
		"bind a role that changed hands":      {core.Present, (*world).unbind, (*world).redescribeRole, setPolicy},
		"bind an account made again":          {core.Present, (*world).unbind, (*world).replaceAccount, setPolicy},
		"bind a disabled account":             {core.Present, (*world).unbind, (*world).disableAccount, setPolicy},
		"key for an account of somebody else": {core.Present, (*world).loseKeys, (*world).redescribeAccount, createKey},
		"key for an account made again":       {core.Present, (*world).loseKeys, (*world).replaceAccount, createKey},
		"key for a disabled account":          {core.Present, (*world).loseKeys, (*world).disableAccount, createKey},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				g := eventDump()
				n := namesOf(g, SandboxProject)
				w.apply(g)
				c.before(w, n)
				e := w.engine()
				p, err := e.Plan(t.Context(), g, c.want)
				if err != nil || !p.Changed() {
					t.Fatalf("got error %v, changes %v; want changes", err, p.Changes)
				}
				c.swap(w, n)
				w.transport.Reset()
				_, err = e.Apply(t.Context(), p, core.ApplyOptions{Deliver: &pocket{}, NoProof: true})
				if !errors.Is(err, core.ErrMoved) || hintOf(err) == "" {
					t.Errorf("got %v [%s], want %v with a hint", err, hintOf(err), core.ErrMoved)
				}
				for _, call := range w.transport.Calls() {
					overtaken := c.never == patchRole && call.Status == http.StatusConflict // a claim is written over the revision that was read, or not at all
					if call.Op.Name == c.never && !overtaken {
						t.Errorf("got %s of what is not ours", call.Op.Name)
					}
				}
			})
		})
	}
}

// Between the second look and the write there is a moment as well.
func TestWhatChangesHandsInTheLastMomentStays(t *testing.T) {
	for op, c := range map[string]struct {
		swap    func(*world, names)
		address func(names) string
		err     error
	}{
		dropBucket:  {(*world).relabel, func(n names) string { return storageAPI + bucketPath(n.bucket) }, core.ErrMoved},
		dropRole:    {(*world).redescribeRole, func(n names) string { return iamAPI + "/v1/" + n.roleName }, core.ErrMoved},
		dropAccount: {(*world).replaceAccount, func(n names) string { return iamAPI + "/v1/" + n.accountName }, nil},
	} {
		t.Run(op, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				g := eventDump()
				n := namesOf(g, SandboxProject)
				w.apply(g)
				raced := false
				w.transport.Fault = func(call cloudsim.Call, _ *http.Request) cloudsim.Fault {
					if call.Op.Name == op && !raced {
						raced = true
						c.swap(w, n)
					}
					return cloudsim.Fault{}
				}
				if _, _, err := w.reach(g, core.Want{DropBucket: true}); !errors.Is(err, c.err) {
					t.Errorf("got %v, want %v", err, c.err)
				}
				var have struct{ Deleted bool }
				if !raced || !w.ask(w.owner, "GET", c.address(n), nil, &have) || have.Deleted {
					t.Errorf("got it deleted (raced %t), want what is somebody else's kept", raced)
				}
			})
		})
	}
}

// A key is asked for by the account's unique ID, which no other account has.
func TestNoKeyForAnAccountThatIsReplacedInTheLastMoment(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		n := namesOf(g, SandboxProject)
		w.apply(g)
		w.loseKeys(n)
		raced := false
		w.transport.Fault = func(call cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if call.Op.Name == createKey && !raced {
				raced = true
				w.replaceAccount(n)
			}
			return cloudsim.Fault{}
		}
		_, credential, err := w.reach(g, core.Present)
		if keys := w.Keys(core.Blueprint{Grant: g}); !raced || !errors.Is(err, core.ErrMoved) || len(keys) > 0 || credential.ID != "" {
			t.Errorf("got %v and keys %v (raced %t), want %v and none", err, keys, raced, core.ErrMoved)
		}
	})
}

func TestKeysAreListedFreshAfterThePlan(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		_, steps := w.opened(g)
		if keys, err := steps.Credential.List(t.Context()); err != nil || len(keys) != 1 {
			t.Fatalf("got %v, %v; want our key", keys, err)
		}
		w.redescribeAccount(namesOf(g, SandboxProject))
		if keys, err := steps.Credential.List(t.Context()); err != nil || len(keys) != 0 {
			t.Errorf("got %v, %v; want none of an account that is somebody else's", keys, err)
		}
	})
}
