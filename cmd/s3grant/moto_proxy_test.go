//go:build conformance

// A proxy in front of moto: it keeps the operator's bucket policies, whose conditions moto would ignore, and gives IAM's refusals the form that AWS gives them.
package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// policies is the proxy. Requests of others than the operator go to moto as they are.
type policies struct {
	url      string
	operator string // access key ID; set before the first call

	mu   sync.Mutex
	docs map[string]string // by path
	puts int
	bent int // refusals of IAM that had to be given AWS's form
}

func newPolicies(t *testing.T, moto string) *policies {
	p := &policies{docs: map[string]string{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: moto})
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: p.unwrap,
		ErrorLog:       log.New(io.Discard, "", 0), // until moto listens
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.operator != "" && r.URL.Query().Has("policy") && strings.Contains(r.Header.Get("Authorization"), "Credential="+p.operator+"/") {
			p.serve(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// unwrap makes <Response><Errors><Error> of a refusal what IAM sends: <ErrorResponse><Error>.
func (p *policies) unwrap(r *http.Response) error {
	if r.StatusCode != http.StatusForbidden {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	text := string(body)
	if i := strings.Index(text, "<Errors>"); i >= 0 {
		_, inner, _ := strings.Cut(text, "<Errors>")
		inner, _, _ = strings.Cut(inner, "</Errors>")
		text = "<ErrorResponse>" + inner + "<RequestId>none</RequestId></ErrorResponse>"
		p.mu.Lock()
		p.bent++
		p.mu.Unlock()
	}
	r.Body = io.NopCloser(strings.NewReader(text))
	r.ContentLength = int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

// serve answers PutBucketPolicy, GetBucketPolicy and DeleteBucketPolicy.
func (p *policies) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.Method {
	case http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.docs[r.URL.Path] = string(body)
		p.puts++
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		delete(p.docs, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	default:
		doc, ok := p.docs[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchBucketPolicy</Code><Message>The bucket policy does not exist</Message></Error>")
			return
		}
		_, _ = io.WriteString(w, doc)
	}
}

// deviated is what moto would have done in another way than AWS.
func (p *policies) deviated() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := map[string]string{}
	if p.puts > 0 {
		d["bucket policy"] = "kept by the proxy"
	}
	if p.bent > 0 {
		d["refusals of IAM"] = "wrapped"
	}
	return d
}
