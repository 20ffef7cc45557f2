// Verdicts from Google's documentation, replayed against the policy engine.
package fakegcp

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

type vectorFile struct {
	Cases []vector `json:"cases"`
}

// vector is one documented verdict.
type vector struct {
	Name     string              `json:"name"`
	URL      string              `json:"url"`
	Roles    map[string][]string `json:"roles"`  // custom roles
	Stages   map[string]string   `json:"stages"` // their launch stages; GA if there is none
	Policies []vectorPolicy      `json:"policies"`
	Request  vectorRequest       `json:"request"`
	Allowed  bool                `json:"allowed"`
}

type vectorPolicy struct {
	On       string          `json:"on"`
	NoPublic bool            `json:"publicAccessPrevented"`
	Bindings []vectorBinding `json:"bindings"`
}

type vectorBinding struct {
	Role      string   `json:"role"`
	Members   []string `json:"members"`
	Condition string   `json:"condition"`
}

type vectorRequest struct {
	Principal  string            `json:"principal"`  // "anonymous", or as in a policy; "?uid=" tells accounts of one name apart
	Attributes map[string]string `json:"attributes"` // of a federated identity
	Groups     []string          `json:"groups"`     // of a federated identity
	Permission string            `json:"permission"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Service    string            `json:"service"`
	Time       time.Time         `json:"time"`
}

func TestEngineAgreesWithGooglesDocumentation(t *testing.T) {
	files, err := filepath.Glob("../../../testdata/vectors/gcp/*.json")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var file vectorFile
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.DisallowUnknownFields()
		if err := d.Decode(&file); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, v := range file.Cases {
			count++
			t.Run(filepath.Base(f)+"/"+v.Name, func(t *testing.T) {
				if !strings.HasPrefix(v.URL, "https://cloud.google.com/") {
					t.Errorf("url %q is not Google's documentation", v.URL)
				}
				got := v.decide()
				if got.Allowed != v.Allowed {
					t.Errorf("got %v (%s), want %v according to %s", got.Allowed, got.Because, v.Allowed, v.URL)
				}
			})
		}
	}
	if count < 90 {
		t.Errorf("got %d vectors, want at least 90", count)
	}
}

func (v vector) decide() verdict {
	var sources []source
	for _, p := range v.Policies {
		s := source{Where: p.On, NoPublic: p.NoPublic}
		for _, b := range p.Bindings {
			next := binding{Role: b.Role}
			if b.Condition != "" {
				next.Condition = &expr{Title: "t", Expression: b.Condition}
			}
			for _, m := range b.Members {
				next.Members = append(next.Members, vectorMember(m))
			}
			s.Policy.Bindings = append(s.Policy.Bindings, next)
		}
		sources = append(sources, s)
	}
	role := func(name string) ([]string, bool) {
		if p, ok := v.Roles[name]; ok {
			return roleBody{Permissions: p, Stage: or(v.Stages[name], "GA")}.gives()
		}
		p, ok := loadCatalogue().Roles[name]
		return p, ok
	}
	r := v.Request
	m := vectorMember(r.Principal)
	who := principal{UID: m.UID}
	if kind, email, ok := strings.Cut(m.Text, ":"); ok {
		who.Email, who.User = email, kind == "user"
	}
	if pool, ok := memberPool(m.Text); ok {
		_, subject, _ := strings.Cut(m.Text, "/subject/")
		who = principal{Pool: &federated{Pool: pool, Subject: subject, Groups: r.Groups, Attributes: r.Attributes}}
	}
	return decide(question{
		Who: who, Permission: r.Permission, Time: r.Time, Resource: resource{Label: r.Name, Name: r.Name, Type: r.Type, Service: r.Service},
	}, sources, directory{Role: role, Team: func(principal, string, string) bool { return false }})
}

// vectorMember reads a member. A service account without a unique ID is told by its address.
func vectorMember(text string) member {
	if strings.HasPrefix(text, "deleted:principal:") {
		return member{Text: text}
	}
	text = strings.TrimPrefix(text, "deleted:")
	text, uid, _ := strings.Cut(text, "?uid=")
	if strings.HasPrefix(text, "serviceAccount:") {
		return member{Text: text, UID: or(uid, text)}
	}
	return member{Text: text}
}

// claimsVector is what a provider makes of a token's claims.
type claimsVector struct {
	Name       string            `json:"name"`
	URL        string            `json:"url"`
	AWS        bool              `json:"aws"` // an AWS provider without a mapping
	Claims     map[string]any    `json:"claims"`
	Mapping    map[string]string `json:"mapping"`
	Condition  string            `json:"condition"`
	Subject    string            `json:"subject"`
	Attributes map[string]string `json:"attributes"`
	Groups     []string          `json:"groups"`
	Refused    string            `json:"refused"` // the kind of the error
}

func TestClaimsBecomeIdentitiesAsGoogleDocumentsIt(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/vectors/gcp/claims/mapping.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []claimsVector `json:"cases"`
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil || len(file.Cases) < 25 {
		t.Fatalf("got %d vectors, %v", len(file.Cases), err)
	}
	for _, v := range file.Cases {
		t.Run(v.Name, func(t *testing.T) {
			if !strings.HasPrefix(v.URL, "https://cloud.google.com/") {
				t.Errorf("url %q is not Google's documentation", v.URL)
			}
			b := &providerBody{Mapping: v.Mapping, Condition: v.Condition, OIDC: &oidcProvider{Issuer: "https://issuer.example"}}
			if v.AWS {
				b.OIDC, b.AWS = nil, &awsProvider{Account: "422074288268"}
			}
			if f := b.check(); f != nil {
				t.Fatalf("the provider is refused: %v", f)
			}
			got, r := b.admit(integral(v.Claims).(map[string]any), "projects/1/locations/global/workloadIdentityPools/p")
			if r != nil {
				if r.kind != v.Refused {
					t.Errorf("got %v, want %q", r, v.Refused)
				}
				return
			}
			if v.Refused != "" || got.Subject != v.Subject || !slices.Equal(got.Groups, v.Groups) || !maps.Equal(got.Attributes, v.Attributes) {
				t.Errorf("got %+v, want %+v according to %s", got, v, v.URL)
			}
		})
	}
}
