// The bucket when it is not as it should be.
package gcs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

func (w *world) bucket(name string) bucketOnWire {
	var have bucketOnWire
	w.ask(w.owner, "GET", storageAPI+"/storage/v1/b/"+name, nil, &have)
	return have
}

// What is off is not sent and not shown: there is no other default.
func TestBucketIsMadeAsTheGoldenSays(t *testing.T) {
	for folder, g := range goldens() {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				golden, err := os.ReadFile(filepath.Join(folder, "bucket.json"))
				if err != nil {
					t.Fatal(err)
				}
				w.apply(g)
				var want, have dict
				if err := json.Unmarshal(golden, &want); err != nil {
					t.Fatal(err)
				}
				w.ask(w.owner, "GET", storageAPI+"/storage/v1/b/"+g.Target.Bucket+"?projection=full", nil, &have)
				got := leaves(have)
				for path, value := range leaves(want) {
					if got[path] != value && (value != false || got[path] != nil) {
						t.Errorf("%s: got %v, want %v", path, got[path], value)
					}
				}
				for path := range got {
					if strings.HasPrefix(path, ".lifecycle") || strings.HasPrefix(path, ".labels") {
						if _, ok := leaves(want)[path]; !ok {
							t.Errorf("got %s as well, which the plan does not show", path)
						}
					}
				}
			})
		})
	}
}

// leaves are the values of a JSON document by their paths.
func leaves(v any) dict {
	found := dict{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case dict:
			for name, one := range v {
				walk(path+"."+name, one)
			}
		case []any:
			for i, one := range v {
				walk(path+"."+strconv.Itoa(i), one)
			}
		default:
			found[path] = v
		}
	}
	walk("", v)
	return found
}

func TestBucketIsSentAsTheDocumentSays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		g.Target.Region = "eu"
		g.Settings["soft-delete"] = "0"
		g.Settings["kms-key"] = "projects/acme-project/locations/eu/keyRings/events/cryptoKeys/bucket"
		var sent dict
		w.transport.Fault = func(c cloudsim.Call, r *http.Request) cloudsim.Fault {
			if c.Op.Name == "storage.buckets.insert" {
				raw, err := io.ReadAll(r.Body)
				if err == nil {
					err = json.Unmarshal(raw, &sent)
				}
				if err != nil {
					t.Error(err)
				}
				r.Body = io.NopCloser(bytes.NewReader(raw))
			}
			return cloudsim.Fault{}
		}
		w.apply(g)
		var want dict
		if err := json.Unmarshal(body(bucketFor(g, settings{softDelete: 0, kmsKey: g.Settings["kms-key"]})), &want); err != nil {
			t.Fatal(err)
		}
		delete(want, "versioning") // the default, which the client leaves out
		if got, want := leaves(sent), leaves(want); !maps.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if plan, _ := w.apply(g); plan.Changed() {
			t.Errorf("a location in lower case is no drift: got %v", plan.Changes)
		}
	})
}

func TestBucketIsEncryptedByTheGrantsKey(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		g.Settings["kms-key"] = "projects/acme-project/locations/eu/keyRings/events/cryptoKeys/bucket"
		plan, _ := w.apply(g)
		if c := change(t, plan, "gcs:bucket/acme-events"); c.Action != core.Alter || !strings.Contains(c.Why, "key") {
			t.Errorf("got %s because %q, want the key set", c.Action, c.Why)
		}
		if have := w.bucket("acme-events"); have.Encryption == nil || have.Encryption.Key != g.Settings["kms-key"] {
			t.Errorf("got %s, want the grant's key", body(have))
		}
		delete(g.Settings, "kms-key")
		if plan, _ := w.apply(g); plan.Changed() {
			t.Errorf("got %v, want a key that nobody asks about left alone", plan.Changes)
		}
	})
}

func TestDriftOfTheBucketIsPutBackAndForeignRulesStay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		// The client library knows neither of the last two conditions, and would drop the zero.
		foreign := dict{"action": dict{"type": "Delete"}, "condition": dict{"age": 730, "matchesPrefix": []string{"tmp/"},
			"numNewerVersions": 0, "matchesPattern": "x", "notYetInvented": true}}
		w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/acme-events", dict{
			"lifecycle":        dict{"rule": []any{foreign}},
			"softDeletePolicy": dict{"retentionDurationSeconds": "0"},
			"iamConfiguration": dict{"publicAccessPrevention": "inherited", "uniformBucketLevelAccess": dict{"enabled": true}},
			"labels":           dict{"team": "finance"},
		}, nil)
		plan, _ := w.apply(g)
		c := change(t, plan, "gcs:bucket/acme-events")
		for _, word := range []string{"public access prevention", "unfinished uploads", "soft delete"} {
			if c.Action != core.Alter || !strings.Contains(c.Why, word) {
				t.Errorf("got %s because %q, want an alteration that names %s", c.Action, c.Why, word)
			}
		}
		have := w.bucket("acme-events")
		var rules []string
		for _, r := range have.Lifecycle.Rules {
			rules = append(rules, string(body(r)))
		}
		if len(rules) != 2 || rules[0] != string(body(foreign)) || !strings.Contains(rules[1], abortAction) {
			t.Errorf("got rules %v, want %s first and ours after it", rules, body(foreign))
		}
		if have.IAM.Public != pap || have.SoftDelete.Seconds != 604800 || have.Labels["team"] != "finance" {
			t.Errorf("got %s, want our settings back and the foreign label kept", body(have))
		}
		if plan, _ := w.apply(g); plan.Changed() {
			t.Errorf("got %v, want nothing left to do", plan.Changes)
		}
	})
}

func TestStricterSettingsAreNoDrift(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/acme-events", dict{
			"softDeletePolicy": dict{"retentionDurationSeconds": "2592000"}, "versioning": dict{"enabled": true}}, nil)
		if plan, _ := w.apply(g); plan.Changed() {
			t.Errorf("got %v, want a longer soft delete and versioning left alone", plan.Changes)
		}
	})
}

func TestRepairYieldsToWhoeverWasFaster(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/acme-events", dict{"lifecycle": dict{"rule": []any{}}}, nil)
		foreign := dict{"action": dict{"type": "Delete"}, "condition": dict{"age": 730}}
		raced := false
		w.transport.Fault = func(c cloudsim.Call, r *http.Request) cloudsim.Fault {
			if c.Op.Name == "storage.buckets.patch" && !raced {
				raced = true
				w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/acme-events", dict{"lifecycle": dict{"rule": []any{foreign}}}, nil)
			}
			return cloudsim.Fault{}
		}
		w.apply(g)
		if have := w.bucket("acme-events"); !raced || len(have.Lifecycle.Rules) != 2 || !strings.Contains(string(have.Lifecycle.Rules[1]), abortAction) {
			t.Errorf("got %s (raced %t), want both rules", body(have), raced)
		}
	})
}

func TestBucketsThatCannotBeUsedAreRefused(t *testing.T) {
	elsewhere := func(g *core.Grant) { g.Target.Region = "US" }
	adopt := func(g *core.Grant) { g.Target.Adopt = true }
	for name, c := range map[string]struct {
		plant func(w *world, g core.Grant)
		grant func(g *core.Grant)
		why   string
		hint  string
	}{
		"in another project, though it can be read": {func(w *world, g core.Grant) {
			w.Plant(providertest.StrangersBucket, core.Blueprint{Grant: g})
			p := w.policy(w.stranger, "acme-events")
			p.Version, p.Bindings = 3, append(p.Bindings, bindingDocument{Role: "roles/storage.admin", Members: []string{"serviceAccount:operator@acme-project.iam.gserviceaccount.com"}})
			w.ask(w.stranger, "PUT", storageAPI+"/storage/v1/b/acme-events/iam", p, nil)
		}, adopt, "belongs to another project", "--bucket"},
		"in another location":   {func(w *world, g core.Grant) { w.apply(g) }, elsewhere, "is in EU, not in US", "--location EU"},
		"made by hand":          {func(w *world, g core.Grant) { w.makeBucket(w.owner, SandboxProject, "acme-events", "EU") }, func(*core.Grant) {}, "was not made for this grant", "--adopt"},
		"adopted elsewhere":     {func(w *world, g core.Grant) { w.makeBucket(w.owner, SandboxProject, "acme-events", "US") }, adopt, "is in US, not in EU", "--location US"},
		"adopted but not there": {func(*world, core.Grant) {}, adopt, "there is no such bucket", "--adopt"},
		"adopted with access control lists": {func(w *world, g core.Grant) {
			w.ask(w.owner, "POST", storageAPI+"/storage/v1/b?project="+SandboxProject, dict{"name": "acme-events", "location": "EU"}, nil)
		}, adopt, "access control lists", "--uniform-bucket-level-access"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				g := eventDump()
				c.plant(w, g)
				c.grant(&g)
				w.transport.Reset()
				plan, _, err := w.reach(g, core.Present)
				if !errors.Is(err, core.ErrNotOurs) || !strings.Contains(refusals(plan), c.why) || !strings.Contains(refusals(plan), c.hint) {
					t.Errorf("got %v\n%s\nwant a refusal because it %q, hint %q", err, refusals(plan), c.why, c.hint)
				}
				for _, call := range w.transport.Calls() {
					if call.Op.Write && call.Op.Name != "oauth2.token" {
						t.Errorf("got %s, want no write", call.Op.Name)
					}
				}
			})
		})
	}
}

// Two grants may share a bucket; the one it was made for is named to the other.
func TestBucketOfAnotherGrantNamesThatGrant(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := eventDump()
		first.Name = "first-come"
		w.apply(first)
		for _, adopt := range []bool{false, true} {
			g := eventDump()
			g.Target.Adopt = adopt
			plan, _, err := w.reach(g, core.Present)
			if got := refusals(plan); !adopt && (!errors.Is(err, core.ErrNotOurs) || !strings.Contains(got, `was made for the grant "first-come"`) || !strings.Contains(got, "[--adopt adds a second grant to it]")) {
				t.Errorf("got %v\n%s\nwant a refusal that names the grant and the way out", err, got)
			}
			if adopt && err != nil {
				t.Errorf("got %v, want a second grant on the bucket", err)
			}
			plan, _, err = w.reach(g, core.Want{DropBucket: true})
			if c := change(t, plan, "gcs:bucket/acme-events"); err != nil || c.Action != core.Keep || c.Why != `was made for the grant "first-come": kept` {
				t.Errorf("got %s because %q (%v), want the bucket kept for the grant that is named", c.Action, c.Why, err)
			}
		}
	})
}

func TestBucketWithOldVersionsIsNotEmpty(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/acme-events", dict{"versioning": dict{"enabled": true}}, nil)
		w.put(w.owner, "acme-events", "events/x")
		w.ask(w.owner, "DELETE", storageAPI+"/storage/v1/b/acme-events/o/events%2Fx", nil, nil)
		plan, _, err := w.reach(g, core.Want{DropBucket: true})
		if c := change(t, plan, "gcs:bucket/acme-events"); err != nil || c.Action != core.Keep || !strings.Contains(c.Why, "never deleted") {
			t.Errorf("got %s because %q (%v), want the bucket kept for its old version", c.Action, c.Why, err)
		}
	})
}

func TestSweepRemovesEveryVersionOfItsKeysAndNothingElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/acme-events", dict{"versioning": dict{"enabled": true}}, nil)
		for _, key := range []string{"events/p/run", "events/p/run", "events/p/run-2", "events/p/ru"} {
			w.put(w.owner, "acme-events", key)
		}
		_, steps := w.opened(g)
		if err := steps.Caretaker.Sweep(t.Context(), []string{"events/p/run", "events/p/never"}); err != nil {
			t.Fatal(err)
		}
		if got, want := w.Objects("acme-events"), []string{"events/p/ru", "events/p/run-2"}; !slices.Equal(got, want) {
			t.Errorf("got %v left, want %v", got, want)
		}
	})
}

func TestAbortRuleIsRecognised(t *testing.T) {
	for rule, want := range map[string]bool{
		`{"action":{"type":"AbortIncompleteMultipartUpload"},"condition":{"age":7}}`:                            true,
		`{"action":{"type":"AbortIncompleteMultipartUpload"},"condition":{"age":0}}`:                            true,
		`{"action":{"type":"AbortIncompleteMultipartUpload"},"condition":{"age":30}}`:                           false,
		`{"action":{"type":"AbortIncompleteMultipartUpload"},"condition":{"age":7,"matchesPrefix":["other/"]}}`: false,
		`{"action":{"type":"AbortIncompleteMultipartUpload"},"condition":{"matchesPrefix":[]}}`:                 false,
		`{"action":{"type":"Delete"},"condition":{"age":7}}`:                                                    false,
	} {
		inWorld(t, func(t *testing.T, w *world) {
			g := eventDump()
			w.apply(g)
			w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/acme-events", dict{"lifecycle": dict{"rule": []any{json.RawMessage(rule)}}}, nil)
			if plan, _, err := w.reach(g, core.Present); plan.Changed() == want || err != nil {
				t.Errorf("%s: got a change %t (%v), want it recognised %t", rule, plan.Changed(), err, want)
			}
		})
	}
}
