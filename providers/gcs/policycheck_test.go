// A policy is read again after it was written, unless the bucket is our own of a moment ago.
package gcs

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// policyCalls are the reads and writes of policies, in order.
func policyCalls(w *world) string {
	var names []string
	for _, c := range w.transport.Calls() {
		if strings.HasSuffix(c.Op.Name, "IamPolicy") {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(c.Op.Name, "storage.buckets."), "IamPolicy"))
		}
	}
	return strings.Join(names, " ")
}

func TestPolicyIsReadAgainUnlessTheBucketIsFresh(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.apply(eventDump())
		if got, want := policyCalls(w), "get get set"; got != want {
			t.Errorf("fresh bucket: got %s, want %s", got, want)
		}
		w.transport.Reset()
		w.editPolicy("acme-events", func([]bindingDocument) []bindingDocument { return nil })
		w.apply(eventDump())
		if got, want := policyCalls(w), "get get set get"; got != want {
			t.Errorf("bucket of an earlier run: got %s, want %s", got, want)
		}
	})
}

// meddled applies to a bucket that others use; meddle runs once, after the
// policy was written and before it is read again.
func meddled(t *testing.T, meddle func(w *world, n names)) (err error) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		w.Plant(providertest.Others, core.Blueprint{Grant: g})
		n := namesOf(g, SandboxProject)
		w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
			return slices.DeleteFunc(p, func(b bindingDocument) bool { return b.Role == n.roleName })
		})
		var written, done atomic.Bool // calls cross the transport side by side
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name == "storage.buckets.getIamPolicy" && written.Load() && done.CompareAndSwap(false, true) {
				meddle(w, n)
			}
			if c.Op.Name == "storage.buckets.setIamPolicy" {
				written.Store(true)
			}
			return cloudsim.Fault{}
		}
		_, _, err = w.reach(g, core.Present)
		if !done.Load() {
			t.Error("the policy was not read again")
		}
	})
	return err
}

func TestOrderAndGroupingOfForeignBindingsMeanNothing(t *testing.T) {
	err := meddled(t, func(w *world, n names) {
		w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
			slices.Reverse(p)
			for _, b := range p {
				slices.Reverse(b.Members)
			}
			return p
		})
	})
	if err != nil {
		t.Errorf("got %v, want success", err)
	}
}

func TestForeignBindingsThatDifferAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(b *bindingDocument)
		want string
	}{
		"role":      {func(b *bindingDocument) { b.Role = "roles/storage.objectAdmin" }, `"roles/storage.objectAdmin"`},
		"condition": {func(b *bindingDocument) { b.Condition.Expression = "true" }, `if "true"`},
		"title":     {func(b *bindingDocument) { b.Condition.Title = "sooner" }, `"sooner"`},
	} {
		err := meddled(t, func(w *world, n names) {
			w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
				for i := range p {
					if p[i].Condition != nil && p[i].Condition.Title == "later" {
						c.edit(&p[i])
					}
				}
				return p
			})
		})
		if !errors.Is(err, core.ErrMoved) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "is gone") {
			t.Errorf("%s: got %v, want %v that names %s and what is gone", name, err, core.ErrMoved, c.want)
		}
	}
}

func TestBindingThatDoesNotReadBackIsNotConverged(t *testing.T) {
	err := meddled(t, func(w *world, n names) {
		w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
			return slices.DeleteFunc(p, func(b bindingDocument) bool { return b.Role == n.roleName })
		})
	})
	if !errors.Is(err, core.ErrNotConverged) {
		t.Errorf("got %v, want %v", err, core.ErrNotConverged)
	}
}

func TestRemovalOfTheBindingIsReadBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		was := w.policy(w.owner, "acme-events")
		var written atomic.Bool
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name == "storage.buckets.getIamPolicy" && written.Load() {
				return cloudsim.Fault{Reply: &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
					Body: io.NopCloser(strings.NewReader(string(body(was))))}}
			}
			if c.Op.Name == "storage.buckets.setIamPolicy" {
				written.Store(true)
			}
			return cloudsim.Fault{}
		}
		if _, _, err := w.reach(g, core.Want{}); !errors.Is(err, core.ErrNotConverged) {
			t.Errorf("got %v, want %v", err, core.ErrNotConverged)
		}
	})
}
