// The key: issued once, listed only if it is ours, handed over byte for byte.
package gcs

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

const createKey = "iam.projects.serviceAccounts.keys.create"

func TestKeyFileIsHandedOverByteForByte(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var sent []byte
		w.transport.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			resp := cloudsim.Serve(w.fake, r)
			for k, v := range resp.Header {
				rw.Header()[k] = v
			}
			rw.WriteHeader(resp.StatusCode)
			var key struct{ PrivateKeyData string }
			tee := json.NewDecoder(resp.Body)
			var raw json.RawMessage
			if tee.Decode(&raw) == nil {
				_ = json.Unmarshal(raw, &key)
				if key.PrivateKeyData != "" {
					sent, _ = base64.StdEncoding.DecodeString(key.PrivateKeyData)
				}
				_, _ = rw.Write(raw)
			}
		})
		_, c := w.apply(eventDump())
		if got := string(c.Secret.Reveal()); got != string(sent) || got == "" {
			t.Errorf("got %d bytes, want the %d that the cloud has sent", len(got), len(sent))
		}
		var file struct {
			ID    string `json:"private_key_id"`
			Email string `json:"client_email"`
		}
		if err := json.Unmarshal(c.Secret.Reveal(), &file); err != nil || file.ID != c.ID || file.Email != c.Holder {
			t.Errorf("got %+v (%v), want the key %s of %s", file, err, c.ID, c.Holder)
		}
		for _, word := range []string{"gcloud iam service-accounts keys delete " + c.ID, c.Holder, "acme-project"} {
			if !strings.Contains(c.Revoke, word) {
				t.Errorf("got %q, want %q in it", c.Revoke, word)
			}
		}
		if c.Form != core.DocumentForm || c.Created.IsZero() {
			t.Errorf("got form %q of %s", c.Form, c.Created)
		}
	})
}

func TestKeysAreBlockedByPolicyWithKeylessWaysOut(t *testing.T) {
	for _, constraint := range []string{"constraints/iam.disableServiceAccountKeyCreation", "constraints/iam.managed.disableServiceAccountKeyCreation"} {
		inWorld(t, func(t *testing.T, w *world) {
			w.fake.SetConstraints(constraint)
			_, _, err := w.reach(eventDump(), core.Present)
			if !errors.Is(err, core.ErrBlocked) || !strings.Contains(err.Error(), constraint) {
				t.Errorf("got %v, want %v that names %s", err, core.ErrBlocked, constraint)
			}
			for _, way := range []string{"vendor's own service account", "workload identity federation", "certificate"} {
				if !strings.Contains(hintOf(err), way) {
					t.Errorf("got hint %q, want %q in it", hintOf(err), way)
				}
			}
			for _, call := range w.transport.Calls() {
				if strings.Contains(call.URL, "orgpolicy") {
					t.Errorf("got %s: an organisation's policy is never touched", call.URL)
				}
			}
		})
	}
}

func TestEleventhKeyIsExplained(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		for range 9 {
			w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+"/keys", dict{}, nil)
		}
		b, err := core.Compile(w.Provider(), g)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := w.Provider().Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		_, err = steps.Credential.Issue(t.Context())
		if err == nil || !strings.Contains(err.Error(), "at most 10 keys") || !strings.Contains(hintOf(err), "keys list") {
			t.Errorf("got %v [%s], want the limit named and how to see the keys", err, hintOf(err))
		}
	})
}

func TestKeysOfAStrangersAccountAreNotListed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		n := namesOf(g, SandboxProject)
		w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts", dict{"accountId": n.accountID}, nil)
		w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+"/keys", dict{}, nil)
		if _, _, err := w.reach(g, core.Absent); err != nil {
			t.Fatal(err)
		}
		if keys := w.Keys(core.Blueprint{Grant: g}); len(keys) != 1 {
			t.Errorf("got keys %v, want the stranger's one left", keys)
		}
	})
}

// What the cloud calls a key ends up in addresses, file names and a shell.
func TestKeyWithoutAProperIDIsNotUsed(t *testing.T) {
	for _, id := range []string{"0123456789abcdef;reboot", "$(reboot)-0123456789", "", "0123", "..", "0123456789abcdef\n"} {
		for _, op := range []string{"/keys", "/keys?"} { // made, listed
			w := newWorld(t)
			g := eventDump()
			real := regexp.MustCompile(`/keys/[0-9a-f]+"`)
			w.transport.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				resp := cloudsim.Serve(w.fake, r)
				raw, _ := io.ReadAll(resp.Body)
				rw.WriteHeader(resp.StatusCode)
				if (r.Method == http.MethodPost) == (op == "/keys") {
					raw = real.ReplaceAllLiteral(raw, []byte("/keys/"+string(body(id))[1:]))
				}
				_, _ = rw.Write(raw)
			})
			b, steps := w.opened(g)
			w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts",
				dict{"accountId": namesOf(g, SandboxProject).accountID, "serviceAccount": dict{"description": description(g)}}, nil)
			c, err := steps.Credential.Issue(t.Context())
			if op != "/keys" {
				_, err = steps.Credential.List(t.Context())
				c.ID = ""
			}
			if len(w.Keys(b)) != 1 || !errors.Is(err, core.ErrUnknown) || c.ID != "" || !c.Secret.Empty() && op == "/keys" || strings.Contains(err.Error(), "reboot") {
				t.Errorf("%q of %s: got %v and %q, want %v and no credential", id, op, err, c.ID, core.ErrUnknown)
			}
			if err := steps.Credential.Retire(t.Context(), id); err == nil || len(w.Keys(b)) != 1 {
				t.Errorf("%q: got it retired, want an error", id)
			}
		}
	}
}

func TestKeyRequestIsSentOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sent := 0
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name == createKey || strings.HasSuffix(c.URL, "/keys") && c.Op.Write {
				sent++
				return cloudsim.Fault{After: cloudsim.ErrLost}
			}
			return cloudsim.Fault{}
		}
		_, _, err := w.reach(eventDump(), core.Present)
		if !errors.Is(err, core.ErrUnknown) || sent != 1 {
			t.Errorf("got %v after %d requests, want %v after one", err, sent, core.ErrUnknown)
		}
		if keys := w.Keys(core.Blueprint{Grant: eventDump()}); len(keys) > 0 {
			t.Errorf("got keys %v, want the one with the lost secret retired", keys)
		}
	})
}
