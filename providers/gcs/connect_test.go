// Connections: gated, quiet, and with a meter and a deadline on every call.
package gcs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func TestForeignEndpointsAreRefusedBeforeAnyCall(t *testing.T) {
	for name, value := range map[string]string{"STORAGE_EMULATOR_HOST": "localhost:4443", "GOOGLE_CLOUD_UNIVERSE_DOMAIN": "example.org"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			w := newWorld(t)
			_, err := w.engine().Plan(t.Context(), eventDump(), core.Present)
			if !errors.Is(err, core.ErrInvalid) || !strings.Contains(err.Error(), name) {
				t.Errorf("plan: got %v, want a fault that names %s", err, name)
			}
			_, err = w.Provider().Act(t.Context(), core.Blueprint{Grant: eventDump()}, core.Credential{Secret: core.NewSecret(w.fake.Operator())})
			if !errors.Is(err, core.ErrInvalid) {
				t.Errorf("act: got %v, want a fault", err)
			}
			if calls := w.transport.Calls(); len(calls) > 0 {
				t.Errorf("got %d calls, want none", len(calls))
			}
		})
	}
}

func TestConsentToAnEndpointIsShown(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "localhost:4443")
	w := newWorld(t)
	p := New(Config{Connection: core.Connection{AllowEndpoint: true}, Transport: w.transport, Credentials: w.fake.Operator()})
	plan, err := (&core.Engine{Provider: p, Journal: &memory{}}).Plan(t.Context(), eventDump(), core.Present)
	if err != nil || len(plan.Operator.Endpoints) != 1 || plan.Operator.Endpoints[0] != "localhost:4443" {
		t.Fatalf("got %v, %+v; want the endpoint named", err, plan)
	}
	at := false
	for _, c := range w.transport.Calls() {
		at = at || strings.HasPrefix(c.URL, "http://localhost:4443/storage/v1/b/")
	}
	if !at {
		t.Error("got no call to the endpoint that was agreed to")
	}
}

func TestTokensNeverLeaveTheMachineInTheClear(t *testing.T) {
	for address, want := range map[string]bool{
		"https://storage.googleapis.com/x": true, "http://127.0.0.1:9000/x": true, "http://[::1]:9000/x": true, "http://localhost/x": true,
		"http://storage.example.org/x": false, "http://10.0.0.1/x": false,
	} {
		w := newWorld(t)
		var got bool
		seen := &cloudsim.Transport{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/token") {
				w.fake.ServeHTTP(rw, r)
				return
			}
			got = r.Header.Get("Authorization") != ""
		})}
		id, err := operatorIdentity(w.fake.Operator(), seen)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newCloud(id.credentials, seen, google()).sendTo(t.Context(), http.MethodGet, address, nil); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: got a token sent %t, want %t", address, got, want)
		}
	}
}

func TestKeyFileWithAForeignTokenAddressIsRefused(t *testing.T) {
	w := newWorld(t)
	var file map[string]any
	if err := json.Unmarshal(w.fake.Operator(), &file); err != nil {
		t.Fatal(err)
	}
	file["token_uri"] = "https://tokens.example.org/"
	secret := core.NewSecret(body(file))
	_, err := w.Provider().Act(t.Context(), core.Blueprint{Grant: eventDump()}, core.Credential{Secret: secret})
	if !errors.Is(err, core.ErrInvalid) || !strings.Contains(err.Error(), "tokens.example.org") {
		t.Errorf("got %v, want a fault that names the address", err)
	}
}

func TestCredentialsThatAreNoneAreRefusedWithoutShowingThem(t *testing.T) {
	for name, file := range map[string]string{
		"empty": "", "no JSON": "hunter2", "another type": `{"type":"external_account","credential_source":{"url":"https://example.org/hunter2"}}`,
		"no key": `{"type":"service_account","private_key":"hunter2"}`,
	} {
		p := New(Config{Transport: &cloudsim.Transport{Handler: http.NotFoundHandler()}, Credentials: []byte(file)})
		_, err := p.Open(t.Context(), core.Blueprint{Grant: eventDump()})
		if name != "no key" && !errors.Is(err, core.ErrOperator) {
			t.Errorf("operator, %s: got %v, want %v", name, err, core.ErrOperator)
		}
		a, acting := p.Act(t.Context(), core.Blueprint{Grant: eventDump()}, core.Credential{Secret: core.NewSecret([]byte(file))})
		if acting == nil {
			_, acting = a.Try(t.Context(), core.Probe{Ability: core.Create, Bucket: "b", Key: "k"})
		}
		for _, e := range []error{err, acting} {
			if e != nil && strings.Contains(e.Error(), "hunter2") {
				t.Errorf("%s: %v shows the file", name, e)
			}
		}
	}
}

func TestMissingCredentialsSayHowToLogIn(t *testing.T) {
	_, err := New(Config{Credentials: []byte("{}")}).Open(t.Context(), core.Blueprint{Grant: eventDump()})
	if !errors.Is(err, core.ErrOperator) || hintOf(err) != "gcloud auth application-default login" {
		t.Errorf("got %v [%s], want %v and how to log in", err, hintOf(err), core.ErrOperator)
	}
	if n := strings.Count(err.Error(), "missing"); n != 1 {
		t.Errorf("got %q, want it said once", err)
	}
}

func TestUnusableCredentialsFileIsNamedWithItsVariable(t *testing.T) {
	folder := t.TempDir()
	for name, says := range map[string]string{"none.json": "does not exist", "broken.json": "holds no credentials", "folder": "holds no credentials"} {
		file := filepath.Join(folder, name)
		switch name {
		case "broken.json":
			if err := os.WriteFile(file, []byte("hunter2"), 0o600); err != nil {
				t.Fatal(err)
			}
		case "folder":
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
		_, err := New(Config{}).Open(t.Context(), core.Blueprint{Grant: eventDump()})
		if !errors.Is(err, core.ErrOperator) || !strings.HasPrefix(hintOf(err), "unset GOOGLE_APPLICATION_CREDENTIALS && gcloud") {
			t.Errorf("%s: got %v [%s], want %v and how to log in without it", name, err, hintOf(err), core.ErrOperator)
		}
		for _, part := range []string{"GOOGLE_APPLICATION_CREDENTIALS", file, says} {
			if err != nil && (!strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("%s: got %v, want %q in it and nothing of the file", name, err, part)
			}
		}
	}
}

func TestApplicationDefaultCredentialsAreNamedByTheirSource(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "adc.json")
	if err := os.WriteFile(file, w.fake.Operator(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	steps, err := New(Config{Transport: w.transport}).Open(t.Context(), core.Blueprint{Grant: eventDump()})
	if err != nil {
		t.Fatal(err)
	}
	got, err := steps.Whoami(t.Context())
	want := core.Operator{Account: "acme-project", Principal: "operator@acme-project.iam.gserviceaccount.com", Source: "GOOGLE_APPLICATION_CREDENTIALS"}
	if err != nil || got.Account != want.Account || got.Principal != want.Principal || got.Source != want.Source {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if calls := w.transport.Calls(); len(calls) > 0 {
		t.Errorf("got %d calls, want none: the file says who it is", len(calls))
	}
}

// With this variable set, Google's libraries print whole answers to stderr, the
// one with the private key included.
func TestDebugLoggingOfTheLibrariesIsDefeated(t *testing.T) {
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	t.Setenv("GOOGLE_SDK_GO_EXPERIMENTAL_LOGGING", "true")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = write
	printed := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(read)
		printed <- all
	}()
	w := newWorld(t)
	_, credential, failed := w.reach(eventDump(), core.Present)
	if failed == nil {
		var a core.Actor
		if a, failed = w.Provider().Act(t.Context(), core.Blueprint{Grant: eventDump()}, credential); failed == nil {
			_, failed = a.Try(t.Context(), core.Probe{Ability: core.Identify, Where: core.Whole, Bucket: "acme-events"})
		}
	}
	os.Stderr = stderr
	_ = write.Close()
	if got := <-printed; failed != nil || len(got) > 0 {
		t.Errorf("got %v and %d bytes printed, want none: %.300s", failed, len(got), bytes.TrimSpace(got))
	}
}

func TestEveryCallHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.transport.Fault = func(cloudsim.Call, *http.Request) cloudsim.Fault { return cloudsim.Fault{Hang: true} }
		start := time.Now()
		_, err := w.engine().Plan(t.Context(), eventDump(), core.Present)
		if took := time.Since(start); err == nil || took > 10*time.Minute {
			t.Errorf("got %v after %s, want an error within ten minutes", err, took)
		}
	})
}

func TestTheStorageClientGivesUpAfterAFewAttempts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		tries := 0
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name != "storage.buckets.insert" {
				return cloudsim.Fault{}
			}
			if tries++; tries > 1 {
				return cloudsim.Fault{}
			}
			return cloudsim.Fault{After: cloudsim.ErrLost}
		}
		if _, _, err := w.reach(eventDump(), core.Present); err != nil || tries != 2 {
			t.Errorf("one answer lost: got %v after %d attempts, want the bucket recognised as ours at the second", err, tries)
		}
		tries = 0
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name != "storage.buckets.insert" {
				return cloudsim.Fault{}
			}
			tries++
			return cloudsim.Fault{Before: cloudsim.ErrLost}
		}
		g := eventDump()
		g.Target.Bucket = "acme-others"
		if _, _, err := w.reach(g, core.Present); !errors.Is(err, core.ErrUnknown) || tries != attempts {
			t.Errorf("nothing arrives: got %v after %d attempts, want %v after %d", err, tries, core.ErrUnknown, attempts)
		}
	})
}

func TestTokenDoesNotFollowARedirectToAnotherHost(t *testing.T) {
	from := httptest.NewRequest(http.MethodGet, "https://storage.googleapis.com/storage/v1/b", nil)
	for target, fine := range map[string]bool{
		"https://storage.googleapis.com/elsewhere": true,
		"https://attacker.example/storage/v1/b":    false,
		"http://storage.googleapis.com/":           false,
	} {
		to := httptest.NewRequest(http.MethodGet, target, nil)
		if err := stay(to, []*http.Request{from}); (err == nil) != fine {
			t.Errorf("to %s: got %v, want fine=%v", target, err, fine)
		}
	}
}
