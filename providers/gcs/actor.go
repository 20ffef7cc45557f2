// Actor: trying things with the issued key, by plain requests without retries.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"cloud.google.com/go/auth/credentials"

	"github.com/bucketgrant/bucketgrant/core"
)

// actor is the grantee.
type actor struct {
	cloud   *cloud
	project string

	mu   sync.Mutex
	made map[string]string // generations of the objects that it has put, by bucket and key
}

// Act prepares to try things as the holder of c. Its tokens come from the key
// file alone, never from the environment. Of b it needs the target only, so
// that a receiver can try a key with nothing but its manifest.
func (p *Provider) Act(_ context.Context, b core.Blueprint, c core.Credential) (core.Actor, error) {
	at, _, err := p.gate()
	if err != nil {
		return nil, err
	}
	secret := c.Secret.Reveal()
	if err := p.tokenGate(secret); err != nil {
		return nil, err
	}
	project := b.Grant.Settings[projectSetting]
	if project == "" {
		project = projectOf(secret)
	}
	creds, err := credentials.NewCredentialsFromJSON(credentials.ServiceAccount, secret, detection(p.config.Transport))
	if err != nil {
		return nil, &core.Error{Kind: core.ErrInvalid, What: "credential", Err: errors.New("is not the key file of a service account")}
	}
	return &actor{cloud: newCloud(creds, p.config.Transport, at), project: project, made: map[string]string{}}, nil
}

// projectOf is the project of the service account that a key file is for.
func projectOf(file []byte) string {
	var f struct {
		Project string `json:"project_id"`
	}
	_ = json.Unmarshal(file, &f)
	return f.Project
}

// tokenGate refuses a key file that would have tokens fetched from a host that
// is not Google's. Such a file can come from a stranger.
func (p *Provider) tokenGate(file []byte) error {
	var f struct {
		TokenURL string `json:"token_uri"`
	}
	if json.Unmarshal(file, &f) != nil || f.TokenURL == tokenURL || f.TokenURL == "" || p.config.AllowEndpoint {
		return nil // a broken file is refused by whoever parses it
	}
	return core.Faults{{Field: "token_uri", Value: f.TokenURL, Rule: "of the key file is not Google's", Accepts: tokenURL + ", or --allow-endpoint"}}
}

// impossible is a generation that no object has: a write that names it takes
// no effect, but is only told so after it was authorized.
const impossible = "1"

// Try makes one attempt.
func (a *actor) Try(ctx context.Context, p core.Probe) (core.Outcome, error) {
	status, err := a.attempt(ctx, p)
	switch {
	case err == nil:
		return core.Allowed, nil
	case refused(err):
		return core.Denied, nil
	case hasCode(err, http.StatusNotFound, http.StatusPreconditionFailed) && status == authorized(p) && !noBucket(err):
		return core.Allowed, nil
	}
	if t, ok := errors.AsType[*tokenError](err); ok {
		return core.Unclear, t
	}
	return core.Unclear, quietly(err)
}

// authorized is the status that says that p would have been allowed, though it
// came to nothing; 0 if there is none.
func authorized(p core.Probe) int {
	switch p.Ability {
	case core.Create, core.Overwrite, core.Administer, core.Abort:
		return http.StatusPreconditionFailed
	case core.Read, core.Delete, core.Erase:
		if p.Where == core.Elsewhere && p.Ability != core.Read {
			return http.StatusPreconditionFailed
		}
		return http.StatusNotFound
	}
	return 0
}

// noBucket reports whether it is the bucket that is missing, which says nothing about rights.
func noBucket(err error) bool {
	p := problemOf(err)
	return p != nil && p.code == http.StatusNotFound && strings.Contains(p.message, "bucket does not exist")
}

// attempt sends what p asks for. The status is the answer's, 0 without one.
func (a *actor) attempt(ctx context.Context, p core.Probe) (int, error) {
	object := url.Values{}
	if p.Where == core.Elsewhere {
		object.Set("ifGenerationMatch", impossible)
	}
	switch p.Ability {
	case core.Create:
		if p.Where != core.Elsewhere {
			object.Set("ifGenerationMatch", "0")
		}
		return a.put(ctx, p, object)
	case core.Overwrite:
		return a.put(ctx, p, object)
	case core.Abort:
		return a.abort(ctx, p, object)
	case core.Read:
		return a.send(ctx, request{method: http.MethodGet, path: objectPath(p.Bucket, p.Key), query: url.Values{"alt": {"media"}}})
	case core.List:
		return a.send(ctx, request{method: http.MethodGet, path: bucketPath(p.Bucket) + "/o", query: url.Values{"prefix": {p.Key}, "maxResults": {"1"}}})
	case core.Delete:
		return a.send(ctx, request{method: http.MethodDelete, path: objectPath(p.Bucket, p.Key), query: object})
	case core.Erase:
		object.Set("generation", a.generation(p))
		return a.send(ctx, request{method: http.MethodDelete, path: objectPath(p.Bucket, p.Key), query: object})
	case core.Locate:
		return a.send(ctx, request{method: http.MethodGet, path: bucketPath(p.Bucket), query: url.Values{"projection": {"noAcl"}, "fields": {"location"}}})
	case core.Inspect:
		return a.send(ctx, request{method: http.MethodGet, path: bucketPath(p.Bucket) + "/iam", query: url.Values{"optionsRequestedPolicyVersion": {"3"}}})
	case core.Administer:
		return a.administer(ctx, p)
	case core.Identify:
		return a.identify(ctx)
	}
	return 0, fmt.Errorf("%s is nothing that can be tried on Cloud Storage", p.Ability)
}

func (a *actor) send(ctx context.Context, q request) (int, error) {
	got, err := a.cloud.send(ctx, q)
	return got.status, err
}

// put uploads a small object in one request.
func (a *actor) put(ctx context.Context, p core.Probe, query url.Values) (int, error) {
	query.Set("uploadType", "media")
	query.Set("name", p.Key)
	got, err := a.cloud.send(ctx, request{method: http.MethodPost, path: "/upload" + bucketPath(p.Bucket) + "/o", query: query,
		header: http.Header{"Content-Type": {"text/plain"}}, body: []byte("written by bucketgrant to prove access; safe to delete\n")})
	if err == nil {
		var object struct{ Generation string }
		if json.Unmarshal(got.body, &object) == nil && object.Generation != "" {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.made[p.Bucket+"/"+p.Key] = object.Generation
		}
	}
	return got.status, err
}

// generation is that of an object that the actor has put, or an impossible one.
func (a *actor) generation(p core.Probe) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g := a.made[p.Bucket+"/"+p.Key]; g != "" && p.Where != core.Elsewhere {
		return g
	}
	return impossible
}

// abort begins a resumable upload and gives it up. The answer to giving up is
// 499, which no other call gives.
// https://cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload
func (a *actor) abort(ctx context.Context, p core.Probe, query url.Values) (int, error) {
	const givenUp = 499
	query.Set("uploadType", "resumable")
	query.Set("name", p.Key)
	got, err := a.cloud.send(ctx, request{method: http.MethodPost, path: "/upload" + bucketPath(p.Bucket) + "/o", query: query,
		header: http.Header{"X-Upload-Content-Type": {"application/octet-stream"}}})
	if err != nil {
		return got.status, err
	}
	session := got.header.Get("Location")
	if !strings.HasPrefix(session, a.cloud.at.storage+"/") && !strings.HasPrefix(session, "https://www."+a.cloud.at.universe+"/") {
		return 0, errors.New("the upload's session is not at Cloud Storage")
	}
	got, err = a.cloud.sendTo(ctx, session, request{method: http.MethodDelete})
	if hasCode(err, givenUp) {
		return givenUp, nil
	}
	return got.status, err
}

// neverMatches is a well-formed etag of a policy's version that no policy reaches.
const neverMatches = "CP///////////wE="

// administer sends a policy that cannot be written, because it builds on one
// that does not exist; only who may write policies is told so.
func (a *actor) administer(ctx context.Context, p core.Probe) (int, error) {
	policy := struct {
		Version  int               `json:"version"`
		Etag     string            `json:"etag"`
		Bindings []bindingDocument `json:"bindings"`
	}{3, neverMatches, []bindingDocument{}}
	return a.send(ctx, request{method: http.MethodPut, path: bucketPath(p.Bucket) + "/iam", header: http.Header{"Content-Type": {"application/json"}}, body: body(policy)})
}

// identify lists the service accounts of the bucket's owner.
func (a *actor) identify(ctx context.Context) (int, error) {
	service, err := a.cloud.iam()
	if err != nil {
		return 0, err
	}
	_, err = service.Projects.ServiceAccounts.List("projects/" + a.project).PageSize(1).Context(ctx).Do()
	return 0, err
}
