// Many writers of one policy: all are written, in few writes, and nobody's binding is lost.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

const setBucketIAM = "storage.buckets.setIamPolicy"

// putOnlySites are n grants that are bound on the policy of one bucket.
func putOnlySites(n int) []core.Grant {
	var list []core.Grant
	for i := range n {
		list = append(list, as(core.WhoHMAC, strict(siteBackup(fmt.Sprintf("site-%03d.example", i)))))
	}
	return list
}

// all applies the grants side by side, without a proof.
func (w *world) all(ctx context.Context, grants []core.Grant) []error {
	provider := w.Provider()
	errs := make([]error, len(grants))
	var wg sync.WaitGroup
	for i, g := range grants {
		wg.Go(func() {
			e := &core.Engine{Provider: provider, Journal: &memory{}, RunID: "run"}
			p, err := e.Plan(ctx, g, core.Present)
			if err == nil {
				_, err = e.Apply(ctx, p, core.ApplyOptions{Deliver: &pocket{}, NoProof: true})
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errs
}

func TestManyGrantsOnOneBucketAreBoundInFewWrites(t *testing.T) {
	const sites = 60
	inWorld(t, func(t *testing.T, w *world) {
		w.transport.Latency = 50 * time.Millisecond
		grants := putOnlySites(sites)
		start := time.Now()
		for i, err := range w.all(t.Context(), grants) {
			if err != nil {
				t.Fatalf("%s: %v", grants[i].Name, err)
			}
		}
		took, writes := time.Since(start), 0
		for _, c := range w.transport.Calls() {
			if c.Op.Name == setBucketIAM {
				writes++
			}
		}
		if took > 10*time.Second || writes > sites/4 {
			t.Errorf("got %s and %d writes of the policy, want at most 10s and far fewer writes than grants", took, writes)
		}
		policy := w.policy(w.owner, "acme-sites")
		for _, g := range grants {
			n := namesOf(g, SandboxProject)
			if !slices.ContainsFunc(policy.Bindings, func(b bindingDocument) bool {
				return b.Role == n.roleName && slices.Equal(b.Members, []string{n.member()}) && strings.Contains(b.Condition.Expression, g.Target.Prefix)
			}) {
				t.Errorf("%s: is not bound", g.Name)
			}
		}
	})
}

// Somebody else writes the policy between our reading and our writing.
func TestWritersInOtherProcessesLoseNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var raced atomic.Int32
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name == setBucketIAM && raced.Add(1) <= 3 {
				w.editPolicy("acme-sites", func(p []bindingDocument) []bindingDocument {
					return append(p, bindingDocument{Role: "roles/storage.objectViewer", Members: []string{stranger},
						Condition: &conditionDocument{Title: "audit", Expression: fmt.Sprintf("request.time < timestamp(\"20%d0-01-01T00:00:00Z\")", raced.Load()+2)}})
				})
			}
			return cloudsim.Fault{}
		}
		grants := putOnlySites(6)
		for i, err := range w.all(t.Context(), grants) {
			if err != nil {
				t.Errorf("%s: %v", grants[i].Name, err)
			}
		}
		foreign, ours := 0, 0
		for _, b := range w.policy(w.owner, "acme-sites").Bindings {
			if slices.Equal(b.Members, []string{stranger}) {
				foreign++
			}
			if strings.Contains(b.Role, "/"+ourTool+"_") {
				ours++
			}
		}
		if foreign != 3 || ours != len(grants) {
			t.Errorf("got %d bindings of others and %d of ours, want 3 and %d", foreign, ours, len(grants))
		}
	})
}

// A grant whose member the bucket does not know yet keeps nobody else waiting or out.
func TestOneWriterThatIsRefusedIsRefusedAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.transport.Latency = 50 * time.Millisecond
		grants := putOnlySites(5)
		bad := namesOf(grants[2], SandboxProject)
		var gone atomic.Bool
		w.transport.Fault = func(c cloudsim.Call, r *http.Request) cloudsim.Fault {
			if c.Op.Name == setBucketIAM && !gone.Swap(true) {
				w.ask(w.owner, "DELETE", iamAPI+"/v1/"+bad.accountName, nil, nil)
			}
			return cloudsim.Fault{}
		}
		for i, err := range w.all(t.Context(), grants) {
			if (err != nil) != (i == 2) {
				t.Errorf("%s: got %v", grants[i].Name, err)
			}
		}
	})
}

type cancelKey struct{}

// Whoever writes for many and is stopped leaves the others to be written by the next one.
func TestStoppedWriterLeavesTheOthersToTheNext(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.transport.Latency = 50 * time.Millisecond
		var writes atomic.Int32
		w.transport.Fault = func(c cloudsim.Call, r *http.Request) cloudsim.Fault {
			if c.Op.Name == setBucketIAM && writes.Add(1) == 2 { // the first to come writes for few
				r.Context().Value(cancelKey{}).(context.CancelFunc)()
			}
			return cloudsim.Fault{}
		}
		grants := putOnlySites(8)
		provider := w.Provider()
		errs := make([]error, len(grants))
		var wg sync.WaitGroup
		for i, g := range grants {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ctx = context.WithValue(ctx, cancelKey{}, cancel)
			wg.Go(func() {
				e := &core.Engine{Provider: provider, Journal: &memory{}, RunID: "run"}
				p, err := e.Plan(ctx, g, core.Present)
				if err == nil {
					_, err = e.Apply(ctx, p, core.ApplyOptions{Deliver: &pocket{}, NoProof: true})
				}
				errs[i] = err
			})
		}
		wg.Wait()
		stopped := 0
		for i, err := range errs {
			switch {
			case errors.Is(err, context.Canceled):
				stopped++
			case err != nil:
				t.Errorf("%s: got %v, though another one was stopped", grants[i].Name, err)
			}
		}
		if stopped != 1 || writes.Load() < 3 {
			t.Errorf("got %d stopped and %d writes, want one and another write for the rest", stopped, writes.Load())
		}
	})
}
