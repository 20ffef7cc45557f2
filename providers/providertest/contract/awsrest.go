// S3's protocol: parameters in the address and in headers, XML in bodies.
package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// signing are headers and parameters of every request, whatever it asks for.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonRequestHeaders.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
var signing = []string{"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent", "x-amz-decoded-content-length", "x-amz-trailer", "x-amz-sdk-checksum-algorithm",
	"x-amz-algorithm", "x-amz-credential", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature", "x-amz-checksum-mode", "x-id"}

// ofAnswers are headers of every answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html
var ofAnswers = []string{"x-amz-request-id", "x-amz-id-2", "x-amz-delete-marker", "x-amz-version-id", "x-amz-bucket-region", "x-amz-expiration"}

// rest checks a call of S3.
func (m *model) rest(host string, e Exchange, f *faults) string {
	path := strings.TrimPrefix(e.Request.URL.Path, "/")
	if bucket := ofS3.FindStringSubmatch(host)[2]; bucket != "" {
		path = strings.TrimSuffix(bucket+"/"+path, "/")
	}
	depth := len(strings.SplitN(path, "/", 3)[:min(2, strings.Count(path, "/")+1)])
	if path == "" {
		depth = 0
	}
	if depth == 2 && strings.HasSuffix(path, "/") && strings.Count(path, "/") == 1 {
		depth = 1 // nothing follows the bucket
	}
	q := e.Request.URL.Query()
	o := m.find(e.Request, depth, q)
	if o == nil {
		if e.Status < http.StatusMultipleChoices {
			f.add("request: %s with %q is no operation", e.Request.Method, short(e.Request.URL.RawQuery))
		}
		return "s3"
	}
	if o.Input != nil {
		m.restRequest(o, e, q, f)
	}
	m.restAnswer(o, e, f)
	return "s3:" + o.Name
}

// find is the operation that asks for most of what the request has.
func (m *model) find(r *http.Request, depth int, q url.Values) (found *operation) {
	most := -1
	for _, o := range m.Operations {
		address, query, _ := strings.Cut(o.HTTP.RequestURI, "?")
		if o.Deprecated || o.HTTP.Method != r.Method || strings.Count(address, "{") != depth {
			continue
		}
		fits, points := true, 0
		for _, part := range strings.FieldsFunc(query, func(c rune) bool { return c == '&' }) {
			name, value, valued := strings.Cut(part, "=")
			fits = fits && q.Has(name) && (!valued || q.Get(name) == value)
			points += 2
		}
		for name, member := range m.members(o.Input) {
			if !slices.Contains(m.Shapes[o.Input.Shape].Required, name) {
				continue
			}
			switch member.Location {
			case "querystring":
				fits = fits && q.Has(member.name(name))
				points++
			case "header":
				fits = fits && r.Header.Get(member.name(name)) != ""
				points++
			}
		}
		if id := q.Get("x-id"); id == o.Name {
			points += 100
		}
		if fits && (points > most || points == most && o.Name < found.Name) {
			found, most = o, points
		}
	}
	return found
}

func (m *model) members(r *reference) map[string]*reference {
	if r == nil {
		return nil
	}
	return m.Shapes[r.Shape].Members
}

// at is the member of a structure at a place of a message, by its name there.
func (m *model) at(r *reference, location, name string) *reference {
	for n, member := range m.members(r) {
		on := member.name(n)
		if member.Location == location && strings.EqualFold(on, name) || location == "header" && member.Location == "headers" && strings.HasPrefix(strings.ToLower(name), strings.ToLower(on)) {
			return member
		}
	}
	return nil
}

func (m *model) restRequest(o *operation, e Exchange, q url.Values, f *faults) {
	_, literal, _ := strings.Cut(o.HTTP.RequestURI, "?")
	for name, values := range q {
		member := m.at(o.Input, "querystring", name)
		switch {
		case slices.Contains(signing, strings.ToLower(name)), slices.ContainsFunc(strings.Split(literal, "&"), func(l string) bool { return l == name || strings.HasPrefix(l, name+"=") }):
		case member == nil:
			f.add("query: no parameter %s", short(name))
		default:
			m.value("query: "+name, member, values[0], f)
		}
	}
	for name := range e.Request.Header {
		low := strings.ToLower(name)
		if !strings.HasPrefix(low, "x-amz-") || slices.Contains(signing, low) || strings.HasPrefix(low, "x-amz-checksum-") {
			continue
		}
		if member := m.at(o.Input, "header", name); member == nil {
			f.add("header: no %s", low)
		} else if member.Location == "header" {
			m.value("header: "+low, member, e.Request.Header.Get(name), f)
		}
	}
	m.payload("request", o.Input, e.Sent, f)
}

func (m *model) value(at string, r *reference, v string, f *faults) {
	if err := m.Shapes[r.Shape].allows(v); err != nil {
		f.add("%s: %v", at, err)
	}
}

// payload checks a body of XML; one of data may be anything.
func (m *model) payload(at string, r *reference, body []byte, f *faults) {
	s := m.Shapes[r.Shape]
	if s.Payload == "" && at == "request" {
		return
	}
	if s.Payload != "" {
		if r = s.Members[s.Payload]; m.Shapes[r.Shape].Type != "structure" {
			return
		}
	}
	if len(body) == 0 {
		return
	}
	n, err := parse(body)
	if err != nil {
		f.add("%s: no XML: %v", at, err)
		return
	}
	if root := r.LocationName; root != "" && n.name != root {
		f.add("%s: got <%s>, want <%s>", at, n.name, root)
	}
	m.check(at, r, n, f)
}

// restAnswer checks headers and body, or the form of an error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (m *model) restAnswer(o *operation, e Exchange, f *faults) {
	if e.Status >= http.StatusMultipleChoices {
		if e.Request.Method == http.MethodHead || e.Status == http.StatusNotModified {
			return
		}
		if n, err := parse(e.Got); err != nil || n.name != "Error" || n.at("Code") == nil || n.at("Message") == nil {
			f.add("answer: an error of %d has another form: %s", e.Status, short(string(e.Got)))
		}
		return
	}
	for name := range e.Header {
		low := strings.ToLower(name)
		if strings.HasPrefix(low, "x-amz-") && !slices.Contains(ofAnswers, low) && m.at(o.Output, "header", name) == nil {
			f.add("answer: header: no %s", low)
		}
	}
	switch {
	case o.Output == nil && len(e.Got) > 0:
		f.add("answer: %s answers nothing, got %s", o.Name, short(string(e.Got)))
	case o.Output != nil && o.Name != "GetBucketLocation": // whose body is its root
		m.payload("answer", o.Output, e.Got, f)
	}
}
