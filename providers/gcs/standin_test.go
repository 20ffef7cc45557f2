// Being the grantee: inside a workflow with the run's own token, or not at all.
package gcs

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/auth"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

func TestWithoutAStandInNobodyBecomesTheGrantee(t *testing.T) {
	for name, g := range keylessGrants() {
		if _, err := New(Config{}).Act(t.Context(), compiled(t, g), core.Credential{}); !errors.Is(err, core.ErrNotHere) {
			t.Errorf("%s: got %v, want %v", name, err, core.ErrNotHere)
		}
	}
}

// actions is GitHub as a run sees it, in front of a cloud.
type actions struct {
	base   http.RoundTripper
	issue  func(audience string) string
	bearer string

	mu    sync.Mutex
	asked []string // audiences
}

func (a *actions) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "run.actions.githubusercontent.com" {
		return a.base.RoundTrip(r)
	}
	audience := r.URL.Query().Get("audience")
	a.mu.Lock()
	a.asked = append(a.asked, audience)
	a.mu.Unlock()
	answer := &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Request: r}
	text := string(body(map[string]string{"value": a.issue(audience)}))
	if r.Header.Get("Authorization") != "Bearer "+a.bearer || r.URL.Query().Get("run") != "7" {
		answer.StatusCode, text = http.StatusUnauthorized, "{}"
	}
	answer.Body = io.NopCloser(strings.NewReader(text))
	return answer, nil
}

func TestInsideTheWorkflowTheRunsOwnTokenIsTried(t *testing.T) {
	g := workflow()
	w, f, _ := workflowOf(designOf(g, settings{project: SandboxProject}))
	t.Setenv(requestURLEnv, "https://run.actions.githubusercontent.com/token?run=7")
	t.Setenv(requestTokenEnv, "opaque")
	t.Setenv(providerOutput, f.providerName("123456789012"))
	inWorld(t, func(t *testing.T, world *world) {
		world.apply(g)
		hub := &actions{base: world.transport, bearer: "opaque", issue: func(audience string) string {
			claims := w.Claims()
			claims["aud"] = audience
			return world.fake.IssueToken(github.Issuer, claims)
		}}
		p := New(Config{Connection: core.Connection{Inside: true}, Transport: hub})
		e := &core.Engine{Provider: p, RunID: "run"}
		b := compiled(t, g)
		proof, err := e.Prove(t.Context(), b, nil, core.Credential{})
		if err != nil || proof.How != core.Tried {
			t.Fatalf("got %v, proof %s: %+v; want it tried and sound", err, proof.How, proof.Failures())
		}
		var doors []string
		for _, row := range proof.Rows {
			if row.Ability == core.Enter && row.Key != "" {
				doors = append(doors, row.Key)
			}
		}
		if want := []string{github.WrongAudience, github.UnsignedToken, github.ForgedSignature}; !slices.Equal(doors, want) {
			t.Errorf("got forgeries %q tried, want %q", doors, want)
		}
		if len(proof.Missing) < 6 {
			t.Errorf("got %q not tried, want the other forgeries named", proof.Missing)
		}
		if want := "https:" + f.audience("123456789012"); !slices.Contains(hub.asked, want) {
			t.Errorf("got tokens for %q, want one for %q", hub.asked, want)
		}
	})
}

func TestInsideAWorkflowThatMayAskForNoTokenTheCureIsNamed(t *testing.T) {
	b := compiled(t, workflow())
	p := New(Config{Connection: core.Connection{Inside: true}})
	t.Setenv(requestURLEnv, "")
	if _, err := p.Act(t.Context(), b, core.Credential{}); !errors.Is(err, core.ErrOperator) || !strings.Contains(hintOf(err), "id-token: write") {
		t.Errorf("got %v [%s], want the missing permission named", err, hintOf(err))
	}
	t.Setenv(requestURLEnv, "https://run.actions.githubusercontent.com/token")
	t.Setenv(requestTokenEnv, "opaque")
	t.Setenv(providerOutput, "projects/1/locations/global/workloadIdentityPools/another/providers/github-actions")
	if _, err := p.Act(t.Context(), b, core.Credential{}); !errors.Is(err, core.ErrInvalid) || !strings.Contains(hintOf(err), providerOutput) {
		t.Errorf("got %v [%s], want the variable named", err, hintOf(err))
	}
}

func TestRefusedExchangesAreToldFromBrokenOnes(t *testing.T) {
	for text, want := range map[string]bool{
		`credentials: status code 400: {"error":"invalid_grant","error_description":"x"}`:                      true,
		`credentials: status code 401: {"error":"unauthorized_client","error_description":"x"}`:                true,
		`credentials: status code 400: {"error":"invalid_target","error_description":"the pool is not known"}`: false,
		`credentials: status code 403: {"error":{"code":403,"status":"PERMISSION_DENIED"}}`:                    true,
		`credentials: status code 503: {"error":"unavailable"}`:                                                false,
		`credentials: invalid response from Secure Token Server: connection reset`:                             false,
	} {
		_, err := exchanged{failing(text)}.Token(t.Context())
		if got := turnedAway(err); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
}

// listener is a host that is asked.
type listener struct{ asked []string }

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	l.asked = append(l.asked, r.URL.Host)
	return nil, errors.New("nobody is here")
}

func TestKeyOfTheRunGoesToGitHubOnly(t *testing.T) {
	b := compiled(t, workflow())
	_, f, _ := workflowOf(designOf(b.Grant, settings{project: SandboxProject}))
	t.Setenv(requestTokenEnv, "opaque")
	t.Setenv(providerOutput, f.providerName("123456789012"))
	for _, address := range []string{"http://run.actions.githubusercontent.com/", "https://evil.example.com/token?run=7",
		"https://actions.githubusercontent.com.evil.example/", "https://run.actions.githubusercontent.com@evil.example/"} {
		t.Setenv(requestURLEnv, address)
		l := &listener{}
		_, err := (&core.Engine{Provider: New(Config{Connection: core.Connection{Inside: true}, Transport: l}), RunID: "run"}).Prove(t.Context(), b, nil, core.Credential{})
		faults, _ := errors.AsType[core.Faults](err)
		if len(faults) != 1 || faults[0].Field != requestURLEnv || len(l.asked) > 0 {
			t.Errorf("%s: got %v after asking %q, want it refused before anybody is asked", address, err, l.asked)
		}
	}
}

func TestOtherBranchesAreTriedUnlessThePatternTrustsThem(t *testing.T) {
	for pattern, tried := range map[string]bool{"*": false, "release/*": true, "main": true} {
		inWorld(t, func(t *testing.T, w *world) {
			g := workflow(github.BranchSetting, pattern, github.AllowWildcard, "true")
			w.apply(g)
			b := compiled(t, g)
			steps, err := w.Provider().Open(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			proof, err := w.engine().Prove(t.Context(), b, steps, core.Credential{})
			got := slices.ContainsFunc(proof.Rows, func(r core.Row) bool {
				return r.Ability == core.Enter && r.Key == github.OtherBranch && r.Got == core.Denied
			})
			if err != nil || got != tried {
				t.Errorf("%q: got %v, other branch tried %t, failures %+v; want it sound, tried %t", pattern, err, got, proof.Failures(), tried)
			}
		})
	}
}

// failing is an exchange that fails with this text.
type failing string

// Token fails.
func (f failing) Token(context.Context) (*auth.Token, error) { return nil, errors.New(string(f)) }

// proofInside proves g with the credentials that the environment names.
func (w *world) proofInside(g core.Grant) (core.Proof, error) {
	w.t.Helper()
	e := &core.Engine{Provider: New(Config{Connection: core.Connection{Inside: true}, Transport: w.transport}), RunID: "run"}
	return e.Prove(w.t.Context(), compiled(w.t, g), nil, core.Credential{})
}

// credentialsFile makes the environment name a file.
func credentialsFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials.json")
	t.Setenv(adcEnv, file)
	return file
}

// given sets a variable that the test restores.
func given(t *testing.T, name, value string) {
	t.Helper()
	if err := os.Setenv(name, value); err != nil {
		t.Fatal(err)
	}
}

func written(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhereTheVendorRunsItsOwnCredentialsAreTried(t *testing.T) {
	file := credentialsFile(t)
	inWorld(t, func(t *testing.T, w *world) {
		g := toVendor(vendorSetting, "serviceAccount:operator@vendor-project.iam.gserviceaccount.com")
		written(t, file, w.fake.AddProject("vendor-project", "210987654321"))
		w.apply(g)
		proof, err := w.proofInside(g)
		if err != nil || proof.How != core.Tried || len(proof.Missing) < 2 {
			t.Errorf("got %v, %s, missing %q; want it tried, and the forgery named as not tried", err, proof.How, proof.Missing)
		}
		written(t, file, w.fake.Operator())
		if _, err := w.proofInside(g); !errors.Is(err, core.ErrInvalid) || !strings.Contains(err.Error(), "operator@acme-project") {
			t.Errorf("got %v, want credentials of somebody else refused", err)
		}
	})
}

func TestWhereTheVendorsRoleRunsTheHandedOverFileIsTried(t *testing.T) {
	file := credentialsFile(t)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv(providerOutput, "")
	t.Setenv("AWS_REGION", "eu-central-1")
	for _, as := range []string{"false", "true"} {
		inWorld(t, func(t *testing.T, w *world) {
			g := fromAWS(impersonate, as)
			w.apply(g)
			steps, err := w.Provider().Open(t.Context(), compiled(t, g))
			if err != nil {
				t.Fatal(err)
			}
			outputs, err := steps.Outputs(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(outputs, func(o core.Output) bool { return o.File == externalAccountFile })
			written(t, file, []byte(outputs[i].Value))
			id, secret, token := w.fake.AddAWSRole("422074288268", "gcs-uploader", "2WbXyZ3kQpLmN8rT")
			for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token} {
				given(t, name, value)
			}
			given(t, providerOutput, "")
			if _, err := w.proofInside(g); !errors.Is(err, core.ErrInvalid) || !strings.Contains(hintOf(err), providerOutput) {
				t.Errorf("impersonating %s: got %v [%s], want the provider asked for, which tells the project's number", as, err, hintOf(err))
			}
			_, f, _ := awsRoleOf(designOf(g, settings{project: SandboxProject}))
			given(t, providerOutput, f.providerName("123456789012"))
			if proof, err := w.proofInside(g); err != nil || proof.How != core.Tried {
				t.Errorf("impersonating %s: got %v, %s, want it tried", as, err, proof.How)
			}
			for old, other := range map[string]string{"123456789012": "210987654321", "https://sts.googleapis.com/v1/token": "https://evil.example.com/v1/token",
				f.email: "somebody@else.iam.gserviceaccount.com", "external_account": "authorized_user"} {
				if !strings.Contains(outputs[i].Value, old) {
					continue // nobody is acted as
				}
				written(t, file, []byte(strings.ReplaceAll(outputs[i].Value, old, other)))
				if _, err := w.proofInside(g); !errors.Is(err, core.ErrInvalid) && !errors.Is(err, core.ErrOperator) {
					t.Errorf("impersonating %s: %s instead of %s: got %v, want the file refused", as, other, old, err)
				}
			}
			written(t, file, []byte(outputs[i].Value))
			other := fromAWS(impersonate, as)
			other.Name = "event-dump-of-others"
			if _, err := w.proofInside(other); !errors.Is(err, core.ErrInvalid) {
				t.Errorf("got %v, want the file of another grant refused", err)
			}
			written(t, file, w.fake.Operator())
			if _, err := w.proofInside(g); !errors.Is(err, core.ErrInvalid) {
				t.Errorf("got %v, want another file refused", err)
			}
		})
	}
}
