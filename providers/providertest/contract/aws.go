// AWS: the service models from which AWS's own Python clients are made.
package contract

import (
	"compress/gzip"
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

// AWS is what the models say of each service.
// https://github.com/boto/botocore/tree/develop/botocore/data
type AWS struct {
	services map[string]*model // by endpoint prefix
}

type model struct {
	Metadata   struct{ EndpointPrefix, Protocol, APIVersion string }
	Operations map[string]*operation
	Shapes     map[string]*shape
}

type operation struct {
	Name   string
	HTTP   struct{ Method, RequestURI string }
	Input  *reference
	Output *reference
	Errors []reference

	Deprecated bool // another one has the same address by now
}

type reference struct {
	Shape         string
	ResultWrapper string
	Location      string // uri, querystring, header, headers; "" is the body
	LocationName  string
	Flattened     bool
}

// name is what m is called on the wire.
func (m *reference) name(member string) string {
	if m.LocationName != "" {
		return m.LocationName
	}
	return member
}

// readAWS reads the models of services below dir, which is botocore's data.
func readAWS(dir string, services ...string) (*AWS, error) {
	a := &AWS{services: map[string]*model{}}
	for _, s := range services {
		files, err := filepath.Glob(filepath.Join(dir, s, "*", "service-2.json.gz"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("no model of %s below %s", s, dir)
		}
		m, err := readModel(files[len(files)-1])
		if err != nil {
			return nil, err
		}
		a.services[s] = m
	}
	return a, nil
}

func readModel(path string) (*model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m := &model{}
	if err := json.NewDecoder(z).Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Check finds the operation by what its service's protocol looks at.
func (a *AWS) Check(e Exchange) (name string, list []string) {
	host := e.Request.Host
	if host == "" {
		host = e.Request.URL.Host
	}
	var f faults
	switch {
	case strings.HasPrefix(host, "iam."):
		name = a.services["iam"].query("iam", e, &f)
	case strings.HasPrefix(host, "sts."):
		name = a.services["sts"].query("sts", e, &f)
	case ofS3.MatchString(host):
		name = a.services["s3"].rest(host, e, &f)
	default:
		name = host
		f.add("no model of this service is read: add it")
	}
	return name, f
}

var ofS3 = regexp.MustCompile(`^((.+)\.)?s3[.-]`)

// query checks a call of a service that takes forms and answers in XML.
func (m *model) query(service string, e Exchange, f *faults) string {
	q, err := url.ParseQuery(string(e.Sent))
	if err != nil {
		f.add("request: %v", err)
		return service
	}
	o := m.Operations[q.Get("Action")]
	if o == nil {
		f.add("request: no action %q", short(q.Get("Action")))
		return service
	}
	if v := q.Get("Version"); v != m.Metadata.APIVersion {
		f.add("request: version %q, want %q", v, m.Metadata.APIVersion)
	}
	given := map[string]bool{}
	for key, values := range q {
		if key == "Action" || key == "Version" {
			continue
		}
		given[strings.Split(key, ".")[0]] = true
		if o.Input == nil {
			f.add("request: %s: %s takes nothing", short(key), o.Name)
			continue
		}
		m.param(key, o.Input, strings.Split(key, "."), values[0], f)
	}
	if o.Input != nil {
		for _, r := range m.Shapes[o.Input.Shape].Required {
			if !given[r] {
				f.add("request: %s is required", r)
			}
		}
	}
	m.queryAnswer(o, e, f)
	return service + ":" + o.Name
}

// param follows a name like Tags.member.1.Key to the shape that it is of.
func (m *model) param(key string, r *reference, path []string, value string, f *faults) {
	s := m.Shapes[r.Shape]
	if len(path) == 0 {
		if err := s.allows(value); err != nil {
			f.add("request: %s: %v", key, err)
		}
		return
	}
	switch s.Type {
	case "structure":
		for name, member := range s.Members {
			if member.name(name) == path[0] {
				m.param(key, member, path[1:], value, f)
				return
			}
		}
	case "list":
		if !r.Flattened && !s.Flattened {
			if path[0] != "member" || len(path) < 2 {
				break
			}
			path = path[1:]
		}
		m.param(key, s.Member, path[1:], value, f)
		return
	}
	f.add("request: no parameter %s", short(key))
}

// queryAnswer checks <XResponse><XResult>, or <ErrorResponse><Error>.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func (m *model) queryAnswer(o *operation, e Exchange, f *faults) {
	n, err := parse(e.Got)
	switch {
	case err != nil:
		f.add("answer: no XML: %v", err)
	case e.Status >= http.StatusBadRequest:
		code := n.at("Error", "Code")
		if n.name != "ErrorResponse" || code == nil || n.at("Error", "Message") == nil {
			f.add("answer: an error has another form: <%s>", n.name)
			return
		}
		if !m.mayFail(o, code.text, e.Status) {
			f.add("answer: %s does not fail with %d %s", o.Name, e.Status, short(code.text))
		}
	case n.name != o.Name+"Response":
		f.add("answer: got <%s>, want <%sResponse>", n.name, o.Name)
	case n.at("ResponseMetadata", "RequestId") == nil:
		f.add("answer: no request ID")
	case o.Output == nil:
	case n.at(o.Output.ResultWrapper) == nil:
		f.add("answer: no <%s>", o.Output.ResultWrapper)
	default:
		m.check("answer", o.Output, n.at(o.Output.ResultWrapper), f)
	}
}

// commonErrors may come from any operation.
var commonErrors = []string{"AccessDenied", "AccessDeniedException", "ExpiredToken", "IncompleteSignature", "InternalFailure", "InvalidAction", "InvalidClientTokenId", "MissingAction",
	"MissingAuthenticationToken", "MissingParameter", "NotAuthorized", "OptInRequired", "RequestExpired", "RequestLimitExceeded", "ServiceUnavailable", "SignatureDoesNotMatch", "Throttling", "ThrottlingException", "ValidationError", "InvalidParameterValue", "InvalidParameterCombination"}

func (m *model) mayFail(o *operation, code string, status int) bool {
	return slices.Contains(commonErrors, code) || slices.ContainsFunc(o.Errors, func(r reference) bool {
		s := m.Shapes[r.Shape]
		return s.Error.Code == code && (s.Error.HTTPStatusCode == 0 || s.Error.HTTPStatusCode == status)
	})
}
