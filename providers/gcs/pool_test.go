// Pools and their providers when something is not as it should be.
package gcs

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestDisabledPoolsAndProvidersAreLeftToWhoeverDidIt(t *testing.T) {
	_, f, _ := workflowOf(designOf(workflow(), settings{project: SandboxProject}))
	for _, name := range []string{f.poolName("acme-project"), f.providerName("acme-project")} {
		inWorld(t, func(t *testing.T, w *world) {
			w.apply(workflow())
			w.ask(w.owner, "PATCH", iamAPI+"/v1/"+name+"?updateMask=disabled", dict{"disabled": true}, nil)
			p, err := w.engine().Plan(t.Context(), workflow(), core.Present)
			if err != nil {
				t.Fatal(err)
			}
			if said := refusals(p); !strings.Contains(said, "is disabled") || !strings.Contains(said, "--no-disabled") {
				t.Errorf("%s: got %q, want it refused with the command that enables it", name, said)
			}
		})
	}
}

func TestOtherKeysAndAudiencesOfAProviderAreDrift(t *testing.T) {
	_, f, _ := workflowOf(designOf(workflow(), settings{project: SandboxProject}))
	for name, change := range map[string]func(*iam.WorkloadIdentityPoolProvider){
		"condition": func(p *iam.WorkloadIdentityPoolProvider) { p.AttributeCondition = "true" },
		"mapping": func(p *iam.WorkloadIdentityPoolProvider) {
			p.AttributeMapping = map[string]string{"google.subject": "'x'"}
		},
		"issuer":    func(p *iam.WorkloadIdentityPoolProvider) { p.Oidc.IssuerUri = "https://example.com" },
		"own keys":  func(p *iam.WorkloadIdentityPoolProvider) { p.Oidc.JwksJson = "{}" },
		"audiences": func(p *iam.WorkloadIdentityPoolProvider) { p.Oidc.AllowedAudiences = []string{"sts.amazonaws.com"} },
		"kind":      func(p *iam.WorkloadIdentityPoolProvider) { p.Oidc, p.Aws = nil, &iam.Aws{AccountId: "1"} },
	} {
		have := providerBody(f.provider)
		if !sameProvider(have, f.provider) {
			t.Fatal("got a difference between a provider and itself")
		}
		change(have)
		if sameProvider(have, f.provider) {
			t.Errorf("%s: got no difference, want drift", name)
		}
	}
}

// operations answers what is asked about operations.
type operations struct {
	base http.RoundTripper
	says string
}

func (o operations) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "/operations/") {
		return o.base.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(o.says)), Request: r}, nil
}

func TestOperationsThatFailOrHangAreNoSuccess(t *testing.T) {
	for name, c := range map[string]struct {
		says string
		kind error
	}{
		"a policy that forbids": {`{"name":"x","done":true,"error":{"code":9,"message":"Precondition check failed.","details":[{"@type":"type.googleapis.com/google.rpc.PreconditionFailure",
			"violations":[{"type":"constraints/iam.workloadIdentityPoolProviders","description":"Org Policy violated for value: 'https://x'."}]}]}}`, core.ErrBlocked},
		"a right that is missing": {`{"name":"x","done":true,"error":{"code":7,"message":"Permission 'iam.workloadIdentityPools.create' denied on resource"}}`, core.ErrOperator},
		"no end":                  {`{"name":"x"}`, core.ErrUnknown},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			e := &core.Engine{Provider: New(Config{Transport: operations{w.transport, c.says}, Credentials: w.fake.Operator()}), Journal: &memory{}, RunID: "run"}
			p, err := e.Plan(t.Context(), workflow(), core.Present)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = e.Apply(t.Context(), p, core.ApplyOptions{NoProof: true}); !errors.Is(err, c.kind) {
				t.Errorf("%s: got %v, want %v", name, err, c.kind)
			}
		})
	}
}

func TestTrustIsExactAndLeavesOthersAsTheyWere(t *testing.T) {
	g := newGuest(newRun(fromAWS(impersonate, "true"), settings{project: SandboxProject}, nil, nil), federation{poolID: "pool"})
	of := func(pool, subject string) string {
		return "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/" + pool + "/subject/" + subject
	}
	ours, lax, others := of("pool", "a"), of("pool", "b"), of("pool-of-others", "a")
	when := &iam.Expr{Expression: "true"}
	for name, c := range map[string]struct {
		have    []*iam.Binding
		want    []string // members of our role, and "?" before those under a condition
		changed bool
	}{
		"nothing":       {nil, []string{ours}, true},
		"exact":         {[]*iam.Binding{{Role: workloadUser, Members: []string{ours}}}, []string{ours}, false},
		"beside others": {[]*iam.Binding{{Role: workloadUser, Members: []string{others}}}, []string{others, ours}, true},
		"too wide":      {[]*iam.Binding{{Role: workloadUser, Members: []string{ours, lax, others}}}, []string{ours, others}, true},
		"conditional":   {[]*iam.Binding{{Role: workloadUser, Members: []string{ours, others}, Condition: when}}, []string{"?" + others, ours}, true},
	} {
		role := &iam.Binding{Role: "roles/viewer", Members: []string{others}}
		after, changed := g.trustWanted(&iam.Policy{Bindings: append([]*iam.Binding{role}, c.have...)}, ours)
		var got []string
		for _, b := range after[1:] {
			for _, m := range b.Members {
				if b.Condition != nil {
					m = "?" + m
				}
				got = append(got, m)
			}
		}
		if after[0] != role || changed != c.changed || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v (changed %t), want %v (%t)", name, got, changed, c.want, c.changed)
		}
	}
}

func TestMembersOfTheGrantsOwnPoolAreOursAndNoOthers(t *testing.T) {
	r := newRun(workflow(), settings{project: SandboxProject}, nil, nil)
	const pool = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/"
	for member, want := range map[string]bool{
		"principalSet:" + pool + "postgres-backup-acme-dumps/attribute.repository_id/1":                 true,
		"principalSet:" + pool + "postgres-backup-acme-dumps/*":                                         true,
		"deleted:principalSet:" + pool + "postgres-backup-acme-dumps/*":                                 true,
		"principalSet:" + pool + "postgres-backup-acme-dumps2/*":                                        false,
		"principalSet:" + pool + "other/attribute.x/workloadIdentityPools/postgres-backup-acme-dumps/y": false,
		"serviceAccount:operator@acme-project.iam.gserviceaccount.com":                                  false,
		"allUsers": false,
	} {
		if got := len(ourBindings([]*iampb.Binding{{Role: r.roleName, Members: []string{member}}}, r)) == 1; got != want {
			t.Errorf("%s: got %t, want %t", member, got, want)
		}
	}
}
