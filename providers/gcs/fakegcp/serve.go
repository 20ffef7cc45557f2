// Requests: the table that names them, and the way from a request to an answer.
package fakegcp

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// style is the shape of an API's errors.
type style int

const (
	styleOnePlatform style = iota // status and details
	styleStorage                  // errors[] with reasons
	styleXML                      // the XML API
	styleText                     // downloads by the JSON API: the message alone
)

// route is one method of one API. A path segment "{x}" matches any one
// segment, "{x...}" all that are left; both may have a ":verb" behind them.
type route struct {
	Method  string
	Path    string
	Query   string // a parameter that the request must have, "uploadId"
	Op      string // the method's ID in the discovery document
	Write   bool
	Service string // "iam.googleapis.com"
	Style   style
	Open    bool // works without a credential
	Handle  func(*request) (any, error)
}

// request is one call on its way.
type request struct {
	*Cloud
	*http.Request
	route  *route
	params map[string]string
	query  url.Values
	body   []byte
	caller principal
	home   *project // of the caller
}

// reply is an answer that is more than a JSON body with status 200.
type reply struct {
	Code   int
	Header map[string]string
	Body   []byte // sent as it is
	JSON   any    // sent if Body is nil
}

// noContent is the answer to a successful delete in Cloud Storage.
var noContent = reply{Code: http.StatusNoContent}

// empty is the answer to a successful delete in the other APIs.
type empty struct{}

// Classify names a request by its method ID in the discovery documents.
func (c *Cloud) Classify(r *http.Request) cloudsim.Op {
	if rt, _ := c.match(r); rt != nil {
		return cloudsim.Op{Name: rt.Op, Write: rt.Write}
	}
	return cloudsim.Op{Name: r.Method + " " + r.URL.Path, Write: r.Method != http.MethodGet && r.Method != http.MethodHead}
}

// ServeHTTP answers one request. All services share one handler: their paths differ.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	rt, params := c.match(r)
	if rt == nil {
		failed(404, "Not Found").write(w, styleOnePlatform)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		failed(400, "Could not read the request body.").write(w, rt.Style)
		return
	}
	q := &request{Cloud: c, Request: r, route: rt, params: params, query: r.URL.Query(), body: body}
	v, err := q.answer()
	if f, ok := errors.AsType[*fault](err); ok {
		f.write(w, q.errorStyle())
		return
	}
	if err != nil {
		failed(400, "%v", err).write(w, rt.Style)
		return
	}
	a, ok := v.(reply)
	if !ok {
		a = reply{JSON: v}
	}
	if a.Code == 0 {
		a.Code = http.StatusOK
	}
	for k, v := range a.Header {
		w.Header().Set(k, v)
	}
	if a.JSON != nil {
		writeJSON(w, a.Code, a.JSON)
		return
	}
	w.WriteHeader(a.Code)
	_, _ = w.Write(a.Body)
}

// answer authenticates and handles the request under the lock.
func (q *request) answer() (any, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lent = cloudsim.Lent(q.Request)
	defer func() { q.lent = nil }()
	q.expireRoles()
	q.expirePools()
	if !q.route.Open {
		if err := q.authenticate(); err != nil {
			return nil, err
		}
		if err := q.checkEnabled(); err != nil {
			return nil, err
		}
	}
	return q.route.Handle(q)
}

// checkEnabled refuses a service that a project has switched off: the caller's,
// the one that is to be billed, or the one that the request names. To have a
// project billed takes a permission on it.
// https://cloud.google.com/storage/docs/access-control/iam-json
func (q *request) checkEnabled() error {
	consumer := q.home
	if name := or(q.Header.Get("X-Goog-User-Project"), q.query.Get("userProject")); name != "" {
		consumer = q.projectNamed(name)
		if consumer == nil || !q.mayOnProject("serviceusage.services.use", consumer) {
			return userProjectDenied(name)
		}
	}
	for _, p := range []*project{consumer, q.projectNamed(q.params["project"]), q.projectNamed(q.query.Get("project"))} {
		if p != nil && slices.Contains(p.Disabled, q.route.Service) {
			return serviceDisabled(q.route.Service, serviceTitles[q.route.Service], p.Number)
		}
	}
	return nil
}

var serviceTitles = map[string]string{ //nolint:gosec // titles, no secrets
	"storage.googleapis.com":              "Cloud Storage JSON API",
	"iam.googleapis.com":                  "Identity and Access Management (IAM) API",
	"cloudresourcemanager.googleapis.com": "Cloud Resource Manager API",
	"policytroubleshooter.googleapis.com": "Policy Troubleshooter API",
	"iamcredentials.googleapis.com":       "IAM Service Account Credentials API",
	"sts.googleapis.com":                  "Security Token Service API",
	"serviceusage.googleapis.com":         "Service Usage API",
	"orgpolicy.googleapis.com":            "Organization Policy API",
}

// errorStyle is the route's, but for downloads by the JSON API.
// https://github.com/firebase/firebase-tools/pull/3647 shows a recorded one.
func (q *request) errorStyle() style {
	if q.route.Style == styleStorage && q.Method == http.MethodGet && q.query.Get("alt") == "media" {
		return styleText
	}
	return q.route.Style
}

// decode reads a JSON body. Unknown fields are ignored, as Cloud Storage does;
// the other APIs name them.
func (q *request) decode(v any) error {
	if len(q.body) == 0 {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(q.body)))
	if q.route.Style == styleOnePlatform {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(v); err != nil {
		if q.route.Style == styleStorage {
			f := failed(400, "Parse Error")
			f.Reason = "parseError"
			return f
		}
		return failed(400, "Invalid JSON payload received. %v", err)
	}
	return nil
}

// match finds the route of a request.
func (c *Cloud) match(r *http.Request) (*route, map[string]string) {
	segments := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	host, _, _ := strings.Cut(or(r.Host, r.URL.Host), ":")
	bucket, virtual := strings.CutSuffix(host, "."+storageService)
	if virtual {
		segments = append([]string{bucket}, segments...)
	}
	query := r.URL.Query()
	for i := range c.routes {
		rt := &c.routes[i]
		if rt.Method != r.Method || virtual && rt.Style != styleXML || rt.Query != "" && !query.Has(rt.Query) {
			continue
		}
		params, ok := matchPath(rt.Path, segments)
		if ok && (rt.Style != styleXML || !servicePaths[params["bucket"]]) {
			return rt, params
		}
	}
	return nil, nil
}

// servicePaths begin the paths of other services and APIs: no bucket is meant.
var servicePaths = map[string]bool{
	"v1": true, "v2": true, "v3": true, "storage": true, "upload": true, "resumable": true, "download": true, "batch": true, "token": true, "oauth2": true,
}

func matchPath(pattern string, segments []string) (map[string]string, bool) {
	want := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	params := map[string]string{}
	for i, w := range want {
		if i >= len(segments) {
			return nil, false
		}
		got := segments[i]
		if !strings.HasPrefix(w, "{") {
			if unescape(got) != w {
				return nil, false
			}
			continue
		}
		name, verb, _ := strings.Cut(strings.TrimPrefix(w, "{"), "}")
		if rest, ok := strings.CutSuffix(name, "..."); ok {
			params[rest] = unescape(strings.Join(segments[i:], "/"))
			return params, params[rest] != ""
		}
		got = unescape(got)
		value, ok := strings.CutSuffix(got, verb)
		// A resource name without a verb holds no colon; object and project names may.
		if !ok || value == "" || (verb == "" && name == "id" && strings.Contains(value, ":")) {
			return nil, false
		}
		params[name] = value
	}
	return params, len(want) == len(segments)
}

func unescape(s string) string {
	if v, err := url.PathUnescape(s); err == nil {
		return v
	}
	return s
}
