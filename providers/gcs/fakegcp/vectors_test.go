// Verdicts from Google's documentation, replayed against the policy engine.
package fakegcp

import (
	"encoding/json"
	"os"
	"path/filepath"
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
	Roles    map[string][]string `json:"roles"` // custom roles
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
	Principal  string    `json:"principal"` // "anonymous", or as in a policy; "?uid=" tells accounts of one name apart
	Permission string    `json:"permission"`
	Name       string    `json:"name"`
	Type       string    `json:"type"`
	Service    string    `json:"service"`
	Time       time.Time `json:"time"`
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
	if count < 30 {
		t.Errorf("got %d vectors, want at least 30", count)
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
			return p, true
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
	return decide(question{
		Who: who, Permission: r.Permission, Time: r.Time, Resource: resource{Label: r.Name, Name: r.Name, Type: r.Type, Service: r.Service},
	}, sources, directory{Role: role, Team: func(principal, string, string) bool { return false }})
}

// vectorMember reads a member. A service account without a unique ID is told by its address.
func vectorMember(text string) member {
	text = strings.TrimPrefix(text, "deleted:")
	text, uid, _ := strings.Cut(text, "?uid=")
	if strings.HasPrefix(text, "serviceAccount:") {
		return member{Text: text, UID: or(uid, text)}
	}
	return member{Text: text}
}
