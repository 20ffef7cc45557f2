// Trying and simulating give the same verdicts, and only clear ones.
package gcs

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func (w *world) opened(g core.Grant) (core.Blueprint, *core.Steps) {
	w.t.Helper()
	b, err := core.Compile(w.Provider(), g)
	if err != nil {
		w.t.Fatal(err)
	}
	steps, err := w.Provider().Open(w.t.Context(), b)
	if err != nil {
		w.t.Fatal(err)
	}
	return b, steps
}

func (w *world) actor(b core.Blueprint, c core.Credential) core.Actor {
	w.t.Helper()
	a, err := w.Provider().Act(w.t.Context(), b, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func TestSimulatorAgreesWithTheActor(t *testing.T) {
	for name, g := range map[string]core.Grant{"prefix": eventDump(), "strict": strict(eventDump()), "whole bucket": whole(eventDump())} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				_, credential := w.apply(g)
				b, steps := w.opened(g)
				actor := w.actor(b, credential)
				for _, p := range core.ProbesFor(b, probed(), "run", "") {
					said, err := steps.Simulator.Simulate(t.Context(), p)
					if err != nil {
						t.Errorf("%s %s: simulating: %v", p.Ability, p.Where, err)
					}
					did, err := actor.Try(t.Context(), p)
					if err != nil || said != did || did != p.Want {
						t.Errorf("%s %s: simulated %s, tried %s (%v), want %s", p.Ability, p.Where, said, did, err, p.Want)
					}
				}
			})
		})
	}
}

func TestLocateBelowAPrefix(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		g.Can = append(g.Can, core.Locate)
		_, credential := w.apply(g)
		b, _ := w.opened(g)
		actor := w.actor(b, credential)
		for _, p := range core.ProbesFor(b, probed(), "run", "") {
			if got, err := actor.Try(t.Context(), p); got != p.Want || err != nil {
				t.Errorf("%s %s: got %s, %v, want %s", p.Ability, p.Where, got, err, p.Want)
			}
		}
	})
}

func TestTryingToAdministerChangesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		_, credential := w.apply(g)
		b, _ := w.opened(g)
		w.Tamper(b, "", string(core.Administer))
		before := w.policy(w.owner, "acme-events")
		got, err := w.actor(b, credential).Try(t.Context(), core.Probe{Ability: core.Administer, Where: core.Whole, Bucket: "acme-events"})
		if got != core.Allowed || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, core.Allowed)
		}
		if after := w.policy(w.owner, "acme-events"); after.Etag != before.Etag {
			t.Errorf("got the policy written, %+v", after)
		}
	})
}

func TestReceiverCanTryAKeyWithItsManifestAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		_, credential := w.apply(g)
		manifest := core.Blueprint{Cloud: "gcs", Probes: "events/.bucketgrant-probe/", Grant: core.Grant{Target: g.Target, Can: g.Can}}
		actor := w.actor(manifest, credential)
		for _, p := range core.ProbesFor(manifest, probed(), "run", "") {
			if got, err := actor.Try(t.Context(), p); got != p.Want || err != nil {
				t.Errorf("%s %s: got %s, %v, want %s", p.Ability, p.Where, got, err, p.Want)
			}
		}
	})
}

// The address of an upload's session is as good as a key.
func TestSessionOfAnUploadIsInNoError(t *testing.T) {
	for name, c := range map[string]struct {
		session string
		end     cloudsim.Fault
	}{
		"lost":           {storageAPI + "/upload?upload_id=hunter2", cloudsim.Fault{Before: cloudsim.ErrLost}},
		"refused":        {storageAPI + "/upload?upload_id=hunter2", cloudsim.Fault{Reply: &http.Response{StatusCode: 403, Body: http.NoBody}}},
		"sent elsewhere": {storageAPI + "/upload?upload_id=hunter2", cloudsim.Fault{Reply: &http.Response{StatusCode: 307, Header: http.Header{"Location": {"https://storage.googleapis.com:x/?upload_id=hunter2"}}, Body: http.NoBody}}},
		"no address":     {storageAPI + "/%zz?upload_id=hunter2", cloudsim.Fault{}},
	} {
		w := newWorld(t)
		w.transport.Fault = func(call cloudsim.Call, r *http.Request) cloudsim.Fault {
			switch {
			case call.Op.Name == "oauth2.token":
				return cloudsim.Fault{}
			case r.Method == http.MethodPost:
				return cloudsim.Fault{Reply: &http.Response{StatusCode: 200, Header: http.Header{"Location": {c.session}}, Body: http.NoBody}}
			}
			return c.end
		}
		actor := w.actor(core.Blueprint{Grant: eventDump()}, core.Credential{Secret: core.NewSecret(w.fake.Operator())})
		got, err := actor.Try(t.Context(), core.Probe{Ability: core.Abort, Where: core.Inside, Bucket: "acme-events", Key: "k"})
		if got != core.Unclear || err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %s, %v; want it unclear, without the session's address", name, got, err)
		}
	}
}

func TestOutcomesOfOneAnswer(t *testing.T) {
	sum := crc32.Checksum([]byte(proof), crc32.MakeTable(crc32.Castagnoli))
	checksum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
	const denied = `{"error":{"code":403,"message":"x does not have %s access to the Google Cloud Storage object.","errors":[{"reason":"forbidden"}]}}`
	for name, c := range map[string]struct {
		ability core.Ability
		where   core.Where
		status  int
		body    string
		want    core.Outcome
	}{
		"put":                              {core.Create, core.Inside, 200, `{"crc32c":"` + checksum + `"}`, core.Allowed},
		"put refused":                      {core.Create, core.Inside, 403, denied, core.Denied},
		"put elsewhere, authorized":        {core.Create, core.Elsewhere, 412, `{"error":{"code":412,"message":"no"}}`, core.Allowed},
		"read of nothing, authorized":      {core.Read, core.Sibling, 404, `{"error":{"code":404,"message":"No such object: b/k"}}`, core.Allowed},
		"read refused":                     {core.Read, core.Sibling, 403, `x does not have storage.objects.get access to the Google Cloud Storage object.`, core.Denied},
		"read of nothing, in words":        {core.Read, core.Sibling, 404, `No such object: b/k`, core.Allowed},
		"read of no bucket, in words":      {core.Read, core.Sibling, 404, `The specified bucket does not exist.`, core.Unclear},
		"refused by somebody on the way":   {core.Read, core.Sibling, 403, `<html>blocked</html>`, core.Unclear},
		"put with a damaged answer":        {core.Create, core.Inside, 200, `{"crc32c":"AAAAAA=="}`, core.Unclear},
		"read of no bucket":                {core.Read, core.Sibling, 404, `{"error":{"code":404,"message":"The specified bucket does not exist."}}`, core.Unclear},
		"list of no bucket":                {core.List, core.Inside, 404, `{"error":{"code":404,"message":"The specified bucket does not exist."}}`, core.Unclear},
		"policy that cannot be written":    {core.Administer, core.Whole, 412, `{"error":{"code":412,"message":"no"}}`, core.Allowed},
		"policy refused":                   {core.Administer, core.Whole, 403, strings.Replace(denied, "%s", "storage.buckets.setIamPolicy", 1), core.Denied},
		"metadata with a precondition":     {core.Locate, core.Whole, 412, `{"error":{"code":412,"message":"no"}}`, core.Unclear},
		"delete elsewhere of what is not":  {core.Delete, core.Elsewhere, 404, `{"error":{"code":404,"message":"No such object: b/k"}}`, core.Unclear},
		"erase of what is not, authorized": {core.Erase, core.Inside, 404, `{"error":{"code":404,"message":"No such object: b/k"}}`, core.Allowed},
		"bad request":                      {core.Create, core.Inside, 400, `{"error":{"code":400,"message":"invalid"}}`, core.Unclear},
		"not signed in":                    {core.Read, core.Inside, 401, `{"error":{"code":401,"message":"Invalid Credentials","errors":[{"reason":"authError"}]}}`, core.Unclear},
		"throttled":                        {core.Read, core.Inside, 429, `{"error":{"code":429,"message":"slow"}}`, core.Unclear},
	} {
		c.body = strings.Replace(c.body, "%s", "storage.objects.create", 1)
		w := newWorld(t)
		tries := 0
		w.transport.Fault = func(call cloudsim.Call, r *http.Request) cloudsim.Fault {
			if call.Op.Name == "oauth2.token" {
				return cloudsim.Fault{}
			}
			tries++
			if r.Body != nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			return cloudsim.Fault{Reply: &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(c.body))}}
		}
		actor := w.actor(core.Blueprint{Grant: eventDump()}, core.Credential{Secret: core.NewSecret(w.fake.Operator())})
		got, err := actor.Try(t.Context(), core.Probe{Ability: c.ability, Where: c.where, Bucket: "acme-events", Key: "k"})
		if got != c.want || (err != nil) != (c.want == core.Unclear) {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, c.want)
		}
		if tries != 1 {
			t.Errorf("%s: got %d requests, want one", name, tries)
		}
	}
}

// Only whoever begins an upload knows its session, so a cancel must not come between.
func TestUploadThatIsBegunIsGivenUpWhateverIsCanceled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, credential := w.apply(eventDump())
		b, _ := w.opened(eventDump())
		actor := w.actor(b, credential)
		ctx, cancel := context.WithCancel(t.Context())
		w.transport.Fault = func(_ cloudsim.Call, r *http.Request) cloudsim.Fault {
			if strings.HasPrefix(r.URL.Path, "/upload/") && r.Method == http.MethodDelete {
				cancel()
			}
			return cloudsim.Fault{}
		}
		_, _ = actor.Try(ctx, core.Probe{Ability: core.Abort, Where: core.Inside, Bucket: b.Grant.Target.Bucket, Key: b.Grant.Target.Prefix + "k"})
		if ctx.Err() == nil {
			t.Fatal("the upload was not given up, so nothing was canceled")
		}
		if left := w.Objects(b.Grant.Target.Bucket); len(left) > 0 {
			t.Errorf("got %q left, want nothing", left)
		}
	})
}
