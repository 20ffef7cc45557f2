//go:build conformance

// A proxy in front of versitygw: what versitygw does not have is answered by a shadow of the account, which is our own fake.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// shadowed is the proxy. Requests of others than the operator go to versitygw alone.
type shadowed struct {
	t        *testing.T
	url      string
	operator aws.Credentials // in versitygw
	double   aws.Credentials // of the shadow's operator
	s3, iam  string          // versitygw's
	shadow   http.Handler
	inFake   *iam.Client
	inReal   *iam.Client

	mu   sync.Mutex
	lack map[string]bool // operations that versitygw does not have
	lent map[string]bool // users
}

func newShadowed(t *testing.T, s3Address, iamAddress string, root aws.Credentials, shadow *fakeaws.Cloud) *shadowed {
	t.Helper()
	p := &shadowed{t: t, s3: s3Address, iam: iamAddress, shadow: shadow, lack: map[string]bool{}, lent: map[string]bool{}}
	p.double.AccessKeyID, p.double.SecretAccessKey = shadow.Operator()
	client := func(address string, as aws.Credentials) *iam.Client {
		return iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: aws.String(address), Credentials: credentials.StaticCredentialsProvider{Value: as}})
	}
	beside := httptest.NewServer(shadow)
	t.Cleanup(beside.Close)
	p.inFake, p.inReal = client(beside.URL, p.double), client(iamAddress, root)
	p.engage()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// engage makes the operator: the root user is refused by the program.
func (p *shadowed) engage() {
	p.t.Helper()
	ctx, name := p.t.Context(), aws.String("operator")
	_, err := p.inReal.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	if err == nil {
		_, err = p.inReal.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("all"),
			PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)})
	}
	var out *iam.CreateAccessKeyOutput
	if err == nil {
		out, err = p.inReal.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.operator = aws.Credentials{AccessKeyID: *out.AccessKey.AccessKeyId, SecretAccessKey: *out.AccessKey.SecretAccessKey}
}

func (p *shadowed) lacks() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.lack))
}

// ServeHTTP asks versitygw first. What makes and drops users and buckets happens in both clouds.
func (p *shadowed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name, address := p.operation(r, body)
	status, header, answer, err := p.forward(address, r, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	switch {
	case !strings.Contains(r.Header.Get("Authorization"), "Credential="+p.operator.AccessKeyID+"/"):
	case status == http.StatusNotImplemented, bytes.Contains(answer, []byte("<Code>InvalidAction</Code>")):
		p.mu.Lock()
		p.lack[name] = true
		p.mu.Unlock()
		status, header, answer = p.inShadow(r, body)
		if strings.HasPrefix(name, "iam:") && !strings.Contains(name, ":Get") && !strings.Contains(name, ":List") {
			p.lend()
		}
	case status < http.StatusMultipleChoices && slices.Contains([]string{"iam:CreateUser", "iam:DeleteUser", "iam:TagUser", "iam:UntagUser", "s3:PUT bucket", "s3:DELETE bucket"}, name):
		if of, _, said := p.inShadow(r, body); of >= http.StatusMultipleChoices {
			p.t.Errorf("the shadow does not follow %s: %d %s", name, of, said)
		}
	case name == "iam:ListUserPolicies":
		answer = bytes.ReplaceAll(answer, []byte("<member>"+lentName+"</member>"), nil)
	}
	maps.Copy(w.Header(), header)
	w.Header().Del("Content-Length")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(answer)
	}
}

// operation names a request, and the address of the process of versitygw that serves it.
func (p *shadowed) operation(r *http.Request, body []byte) (name, address string) {
	for _, service := range []string{"iam", "sts"} {
		if strings.Contains(r.Header.Get("Authorization"), "/"+service+"/aws4_request") {
			q, _ := url.ParseQuery(string(body))
			return service + ":" + q.Get("Action"), p.iam
		}
	}
	what := "object"
	if strings.Count(strings.Trim(r.URL.Path, "/"), "/") == 0 {
		what = "bucket"
	}
	for _, sub := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if r.URL.Query().Get(sub) == "" {
			what = sub
		}
	}
	return "s3:" + r.Method + " " + what, p.s3
}

func (p *shadowed) forward(address string, r *http.Request, body []byte) (int, http.Header, []byte, error) {
	out := r.Clone(r.Context())
	out.RequestURI, out.Host = "", r.Host // which is signed
	out.URL.Scheme, out.URL.Host, _ = strings.Cut(address, "://")
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := trusting.RoundTrip(out)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, answer, err
}

func (p *shadowed) inShadow(r *http.Request, body []byte) (int, http.Header, []byte) {
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	service := regexp.MustCompile(`/([a-z0-9]+)/aws4_request`).FindStringSubmatch(r.Header.Get("Authorization"))[1]
	again.Header.Del("Authorization")
	again.URL.Scheme, again.URL.Host = "http", r.Host
	sum := sha256.Sum256(body)
	if again.Header.Get("X-Amz-Content-Sha256") != "" {
		again.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	}
	if err := v4.NewSigner().SignHTTP(r.Context(), p.double, again, hex.EncodeToString(sum[:]), service, "us-east-1", time.Now()); err != nil {
		p.t.Error(err)
	}
	kept := httptest.NewRecorder()
	p.shadow.ServeHTTP(kept, again)
	return kept.Code, kept.Header(), kept.Body.Bytes()
}
