// The sandbox keeps its state, knows every project, and serves other programs.
package gcs

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"github.com/bucketgrant/bucketgrant/core"
)

func applied(t *testing.T, s *Sandbox, g core.Grant) core.Credential {
	t.Helper()
	e := &core.Engine{Provider: s.Provider(), Journal: &memory{}, RunID: "run"}
	p, err := e.Plan(t.Context(), g, core.Present)
	if err != nil {
		t.Fatal(err)
	}
	var d pocket
	if _, err := e.Apply(t.Context(), p, core.ApplyOptions{Deliver: &d, NoProof: true}); err != nil {
		t.Fatal(err)
	}
	return d.credential
}

func opened(t *testing.T, snapshot []byte) *Sandbox {
	t.Helper()
	s, err := OpenSandbox(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSandboxIsRestored(t *testing.T) {
	s := opened(t, nil)
	first := applied(t, s, eventDump())
	snapshot, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	s = opened(t, snapshot)
	if second := applied(t, s, eventDump()); second.ID != "" {
		t.Errorf("got another key %s, want the restored cloud to hold %s", second.ID, first.ID)
	}
	a, err := s.Provider().Act(t.Context(), core.Blueprint{Grant: eventDump()}, first)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Try(t.Context(), core.Probe{Ability: core.Create, Where: core.Inside, Bucket: "acme-events", Key: "events/x"}); got != core.Allowed {
		t.Errorf("got %s, %v; want the key to work in the restored cloud", got, err)
	}
}

func TestSandboxRefusesAnUnreadableSnapshot(t *testing.T) {
	if _, err := OpenSandbox([]byte("{")); err == nil {
		t.Error("got a sandbox, want an error")
	}
}

func TestSandboxHasEveryProject(t *testing.T) {
	s := opened(t, nil)
	g := eventDump()
	g.Settings = map[string]string{"project": "another-project"}
	c := applied(t, s, g)
	if !strings.HasSuffix(c.Holder, "@another-project.iam.gserviceaccount.com") {
		t.Errorf("got %s, want an account of the named project", c.Holder)
	}
	if again := applied(t, s, g); again.ID != "" {
		t.Errorf("got a second key %s: the project was made anew", again.ID)
	}
}

func TestEveryProjectOfASandboxHasABucketToBeRefusedIn(t *testing.T) {
	s := opened(t, nil)
	seen := map[string]bool{}
	for _, project := range []string{SandboxProject, "another-project", SandboxProject, "example.com:third-project"} {
		g := eventDump()
		g.Settings = map[string]string{"project": project}
		b, err := core.Compile(s.Provider(), g)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := s.Provider().Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if calls := len(s.Transport().Calls()); calls > 0 {
			t.Errorf("%s: got %d calls, want none of the furniture's", project, calls)
		}
		other, err := steps.Caretaker.Elsewhere(t.Context())
		if err != nil || !strings.HasPrefix(other, "acme-payroll") {
			t.Errorf("%s: got another bucket %q (%v), want acme-payroll", project, other, err)
		}
		seen[other] = true
		s.Transport().Reset()
		snapshot, err := s.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		s = opened(t, snapshot)
	}
	if len(seen) != 3 {
		t.Errorf("got %v, want one for each project", seen)
	}
}

func TestSandboxNeverLeavesTheProcess(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "192.0.2.1:1")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
	applied(t, opened(t, nil), eventDump())
}

func TestSandboxServesWhoeverHasItsEnvironment(t *testing.T) {
	s := opened(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	values := map[string]string{}
	for _, line := range s.Environment(strings.TrimPrefix(server.URL, "http://")) {
		name, value, _ := strings.Cut(line, "=")
		values[name] = value
	}
	for bearer, want := range map[string]int{values["CLOUDSDK_AUTH_ACCESS_TOKEN"]: http.StatusOK, "stolen": http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, values["STORAGE_EMULATOR_HOST"]+"/storage/v1/b?project="+values["GOOGLE_CLOUD_PROJECT"], nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+bearer)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("got status %d, want %d", resp.StatusCode, want)
		}
	}
}

// Google's own client uses the sandbox by its environment, with a key that was
// made while it was served.
func TestSandboxServesGooglesClient(t *testing.T) {
	s := opened(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	listen := strings.TrimPrefix(server.URL, "http://")
	environment := s.Environment(listen)
	if !slices.Contains(environment, "STORAGE_EMULATOR_HOST="+server.URL) {
		t.Errorf("got %v, want STORAGE_EMULATOR_HOST", environment)
	}
	c := applied(t, s, eventDump())
	client, err := storage.NewClient(t.Context(), option.WithAuthCredentialsJSON(option.ServiceAccount, c.Secret.Reveal()), option.WithEndpoint(server.URL+"/storage/v1/"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	w := client.Bucket("acme-events").Object("events/1.json").If(storage.Conditions{DoesNotExist: true}).NewWriter(t.Context())
	if _, err := w.Write([]byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("an event cannot be put: %v", err)
	}
	if err := client.Bucket("acme-events").Object("events/1.json").Delete(t.Context()); !hasCode(err, http.StatusForbidden) {
		t.Errorf("got %v, want a refusal", err)
	}
}
