// Google: the discovery documents that lie beside Google's Go clients.
package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Google is what the discovery documents say. About the XML API of Cloud Storage
// and the token endpoint of OAuth there is none.
// https://developers.google.com/discovery/v1/reference/apis
type Google struct {
	services map[string][]*document // by the first label of the host: one for each version
}

// document is one service.
type document struct {
	Name       string               `json:"name"`
	BasePath   string               `json:"servicePath"`
	Parameters map[string]parameter `json:"parameters"` // of every method
	Schemas    map[string]*schema   `json:"schemas"`
	group
	routes []*method
}

type group struct {
	Methods   map[string]*method `json:"methods"`
	Resources map[string]group   `json:"resources"`
}

type method struct {
	ID         string               `json:"id"`
	HTTPMethod string               `json:"httpMethod"`
	Path       string               `json:"path"`
	FlatPath   string               `json:"flatPath"`
	Parameters map[string]parameter `json:"parameters"`
	Request    *schema              `json:"request"`
	Response   *schema              `json:"response"`
	Media      struct {
		Protocols map[string]struct {
			Path string `json:"path"`
		} `json:"protocols"`
	} `json:"mediaUpload"`

	address *regexp.Regexp
	exact   int // how much of the address is literal
}

type parameter struct {
	schema
	Location string `json:"location"`
	Required bool   `json:"required"`
	Repeated bool   `json:"repeated"`
}

// readGoogle reads documents below dir, each named like "storage/v1/storage".
func readGoogle(dir string, names ...string) (*Google, error) {
	g := &Google{services: map[string][]*document{}}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name+"-api.json"))
		if err != nil {
			return nil, err
		}
		d := &document{}
		if err := json.Unmarshal(text, d); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := d.collect(d.group); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		slices.SortFunc(d.routes, func(a, b *method) int { return b.exact - a.exact })
		g.services[d.Name] = append(g.services[d.Name], d)
	}
	return g, nil
}

// collect turns methods into routes.
func (d *document) collect(g group) error {
	for _, m := range g.Methods {
		path := m.FlatPath
		if path == "" {
			path = m.Path
		}
		addresses := []string{"/" + d.BasePath + path}
		for _, p := range m.Media.Protocols {
			addresses = append(addresses, p.Path)
		}
		for i, a := range addresses {
			route := *m
			if i > 0 {
				route.Request = nil // its body is the data, or both
			}
			if err := route.at(a); err != nil {
				return err
			}
			d.routes = append(d.routes, &route)
		}
	}
	for _, r := range g.Resources {
		if err := d.collect(r); err != nil {
			return err
		}
	}
	return nil
}

var hole = regexp.MustCompile(`\{\+?([^}]+)\}`)

// at makes the method answer to an address like "/v1/projects/{projectsId}/roles/{rolesId}".
func (m *method) at(template string) (err error) {
	pattern, rest := "", template
	for _, at := range hole.FindAllStringSubmatchIndex(template, -1) {
		literal := template[len(template)-len(rest) : at[0]]
		pattern += regexp.QuoteMeta(literal) + `([^/]+?)`
		m.exact += len(literal)
		rest = template[at[1]:]
	}
	m.exact += len(rest)
	m.address, err = regexp.Compile("^" + pattern + regexp.QuoteMeta(rest) + "$")
	return err
}

// Check finds the method and holds query, body and answer against it.
func (g *Google) Check(e Exchange) (operation string, list []string) {
	r := e.Request
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	label, _, _ := strings.Cut(host, ".")
	switch {
	case !strings.HasSuffix(host, ".googleapis.com"), host == "oauth2.googleapis.com", label == "storage" && !ofJSONAPI.MatchString(r.URL.Path):
		return "", nil
	case len(g.services[label]) == 0:
		return host, []string{"no document of this service is read: add it"}
	}
	if r.URL.Query().Has("upload_id") {
		return "", nil // a part or the end of a resumable upload, whose address is the server's own
	}
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/download"), "/resumable")
	var f faults
	d, m := g.method(label, r.Method, path)
	if m == nil {
		if e.Status != http.StatusNotFound {
			f.add("%s %s is no method", r.Method, short(path))
		}
		return label, f
	}
	d.query(m, r.URL.Query(), &f)
	if m.Request != nil {
		d.body("request", m.Request, sent(e), &f)
	}
	d.answer(m, e, &f)
	return m.ID, f
}

var ofJSONAPI = regexp.MustCompile(`^/(upload/|download/|resumable/upload/)?storage/v1/`)

// method is the most exact one at that address; nil if there is none.
func (g *Google) method(service, verb, path string) (of *document, found *method) {
	for _, d := range g.services[service] {
		for _, m := range d.routes {
			if m.HTTPMethod == verb && m.address.MatchString(path) {
				return d, m
			}
		}
	}
	return nil, nil
}

// sent is the request's body as JSON. The token service takes the form that OAuth
// has, whose names have underscores where the document has capitals.
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
func sent(e Exchange) []byte {
	if !strings.HasPrefix(e.Request.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return e.Sent
	}
	q, err := url.ParseQuery(string(e.Sent))
	if err != nil {
		return e.Sent
	}
	fields := map[string]string{}
	for name := range q {
		fields[capital.ReplaceAllStringFunc(name, func(s string) string { return strings.ToUpper(s[1:]) })] = q.Get(name)
	}
	text, _ := json.Marshal(fields) //nolint:errchkjson // of strings
	return text
}

var capital = regexp.MustCompile(`_[a-z]`)

func (d *document) query(m *method, q url.Values, f *faults) {
	for name, values := range q {
		p, known := m.Parameters[name]
		if !known || p.Location != "query" {
			p, known = d.Parameters[name]
		}
		if !known && name != "uploadType" && name != "upload_id" {
			f.add("query %s: no such parameter", name)
			continue
		}
		if len(values) > 1 && !p.Repeated {
			f.add("query %s: given %d times", name, len(values))
		}
		for _, v := range values {
			if err := p.text(v); err != nil {
				f.add("query %s: %v", name, err)
			}
		}
	}
	for name, p := range m.Parameters {
		if p.Required && p.Location == "query" && !q.Has(name) {
			f.add("query %s: is required", name)
		}
	}
}

func (d *document) body(what string, s *schema, text []byte, f *faults) {
	if len(text) == 0 {
		return
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		f.add("%s: is no JSON: %v", what, err)
		return
	}
	d.check(what, s, v, f)
}

// answer checks a good answer against its schema, and the form of any other.
// https://cloud.google.com/apis/design/errors#http_mapping
// https://datatracker.ietf.org/doc/html/rfc6749#section-5.2
func (d *document) answer(m *method, e Exchange, f *faults) {
	isJSON := strings.HasPrefix(e.Header.Get("Content-Type"), "application/json")
	switch {
	case e.Status >= 300 && e.Status < 400, e.Request.URL.Query().Get("alt") == "media", e.Request.Method == http.MethodHead:
	case e.Status < 300 && m.Response != nil && isJSON:
		d.body("answer", m.Response, e.Got, f)
	case e.Status < 300 && m.Response != nil && len(e.Got) > 0:
		f.add("answer: got %s, want JSON", e.Header.Get("Content-Type"))
	case e.Status >= 400 && d.Name == "sts":
		var v struct{ Error string }
		if err := json.Unmarshal(e.Got, &v); err != nil || v.Error == "" {
			f.add("answer: an error has another form than OAuth's: %s", short(string(e.Got)))
		}
	case e.Status >= 400:
		var v struct {
			Error struct {
				Code    int
				Message string
			}
		}
		if err := json.Unmarshal(e.Got, &v); err != nil || v.Error.Code != e.Status || v.Error.Message == "" {
			f.add("answer: an error of %d has another form: %s", e.Status, short(string(e.Got)))
		}
	}
}
