// Actor: trying things with the issued key, each once.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/sigv4"
)

// actor is the grantee.
type actor struct {
	cloud   *cloud
	project string

	mu   sync.Mutex
	made map[string]int64 // generations of the objects that it has put, by bucket and key
}

// Act prepares to try things as the holder of c, or as the grantee of b.
func (p *Provider) Act(ctx context.Context, b core.Blueprint, c core.Credential) (core.Actor, error) {
	return granteeOf(b.Grant).become(ctx, p, b, c)
}

// actKey tries things with a key file. Its tokens come from the file alone,
// never from the environment. Of b it needs the target only, so that a receiver
// can try a key with nothing but its manifest.
func (p *Provider) actKey(b core.Blueprint, c core.Credential) (core.Actor, error) {
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
	return &actor{cloud: newCloud(creds, p.config.Transport, at), project: project, made: map[string]int64{}}, nil
}

// actPair tries things with an HMAC key.
func (p *Provider) actPair(_ core.Blueprint, c core.Credential) (core.Actor, error) {
	at, _, err := p.gate()
	if err != nil {
		return nil, err
	}
	secret := c.Secret.Reveal()
	if c.Form != core.PairForm || !accessIDs.MatchString(c.ID) || len(secret) == 0 {
		return nil, &core.Error{Kind: core.ErrInvalid, What: "credential", Err: errors.New("is not an HMAC key of a service account")}
	}
	client := &http.Client{Transport: base(p.config.Transport), Timeout: callFor, CheckRedirect: stay}
	return &pairActor{pair: &pair{http: client, at: at, key: sigv4.Key{ID: c.ID, Secret: secret}}, made: map[string]string{}}, nil
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
const impossible = 1

// Try makes one attempt.
func (a *actor) Try(ctx context.Context, p core.Probe) (core.Outcome, error) {
	err := a.attempt(ctx, p)
	switch {
	case err == nil:
		return core.Allowed, nil
	case refused(err):
		return core.Denied, nil
	case hasCode(err, authorized(p)) && !noBucket(err):
		return core.Allowed, nil
	}
	return core.Unclear, unclear(err)
}

// authorized is the status that says that p would have been allowed, though it
// came to nothing; 0 if there is none.
func authorized(p core.Probe) int {
	switch p.Ability {
	case core.Create, core.Overwrite, core.Administer, core.Abort:
		return http.StatusPreconditionFailed
	case core.Read, core.Delete, core.Erase, core.Resume:
		if p.Where == core.Elsewhere && p.Ability != core.Read && p.Ability != core.Resume {
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

// attempt sends what p asks for, once.
func (a *actor) attempt(ctx context.Context, p core.Probe) error {
	client, err := a.cloud.storage()
	if err != nil {
		return err
	}
	bucket := client.Bucket(p.Bucket).Retryer(storage.WithPolicy(storage.RetryNever))
	object := bucket.Object(p.Key)
	if p.Ability == core.Erase {
		object = object.Generation(a.generation(p))
	}
	switch {
	case p.Where == core.Elsewhere && p.Ability != core.Read:
		object = object.If(storage.Conditions{GenerationMatch: impossible})
	case p.Ability == core.Create:
		object = object.If(storage.Conditions{DoesNotExist: true})
	}
	switch p.Ability {
	case core.Create, core.Overwrite:
		return a.put(ctx, p, object)
	case core.Abort:
		return a.abort(ctx, p)
	case core.Read:
		r, err := object.NewReader(ctx)
		if err == nil {
			_ = r.Close() // that it began says enough
		}
		return spelledOut(err)
	case core.List:
		it := bucket.Objects(ctx, &storage.Query{Prefix: p.Key, Projection: storage.ProjectionNoACL})
		it.PageInfo().MaxSize = 1
		if _, err := it.Next(); !errors.Is(err, iterator.Done) {
			return err
		}
		return nil
	case core.Delete, core.Erase:
		return object.Delete(ctx)
	case core.Resume:
		_, err := a.cloud.sendXML(ctx, xmlRequest{method: http.MethodGet, bucket: p.Bucket, key: p.Key, query: url.Values{"uploadId": {nobodys}}})
		return err
	case core.Uploads:
		_, err := a.cloud.sendXML(ctx, xmlRequest{method: http.MethodGet, bucket: p.Bucket, query: url.Values{"uploads": {""}, "max-uploads": {"1"}}})
		return err
	case core.Locate:
		_, err := bucket.Attrs(ctx)
		return err
	case core.Inspect:
		_, err := bucket.IAM().V3().Policy(ctx)
		return err
	case core.Administer:
		return a.administer(ctx, p)
	case core.Identify:
		return a.identify(ctx)
	}
	return fmt.Errorf("%s is nothing that can be tried on Cloud Storage", p.Ability)
}

// proof is what the actor writes.
const proof = "written by bucketgrant to prove access; safe to delete\n"

// put uploads a small object in one request.
func (a *actor) put(ctx context.Context, p core.Probe, object *storage.ObjectHandle) error {
	ctx, cancel := context.WithTimeout(ctx, callFor) // a writer that nobody reads from waits for ever
	defer cancel()
	w := object.NewWriter(ctx)
	w.ChunkSize, w.ContentType = 0, "text/plain"
	_, err := io.WriteString(w, proof)
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.made[p.Bucket+"/"+p.Key] = w.Attrs().Generation
	}
	return err
}

// spelledOut fills in the message of a refused download: it comes as plain
// text, which the client library leaves in the body.
func spelledOut(err error) error {
	g, ok := errors.AsType[*googleapi.Error](err)
	if !ok || g.Message != "" {
		return err
	}
	const most = 300
	said := googleapi.CheckResponseWithBody(&http.Response{StatusCode: g.Code, Header: g.Header}, []byte(g.Body))
	if g, ok := errors.AsType[*googleapi.Error](said); ok && g.Message == "" {
		g.Message = g.Body[:min(len(g.Body), most)]
	}
	return said
}

// generation is that of an object that the actor has put, or an impossible one.
func (a *actor) generation(p core.Probe) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g := a.made[p.Bucket+"/"+p.Key]; g != 0 && p.Where != core.Elsewhere {
		return g
	}
	return impossible
}

// abortFor bounds an upload that is begun and given up. A cancel must not come
// between the two: only whoever began it knows its session, and nobody can list them.
const abortFor = 30 * time.Second

// abort begins a resumable upload and gives it up, which the client library
// cannot: it keeps the session to itself. The answer to giving up is 499, which
// no other call gives.
// https://cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload
func (a *actor) abort(ctx context.Context, p core.Probe) error {
	const givenUp = 499
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortFor)
	defer cancel()
	query := url.Values{"uploadType": {"resumable"}, "name": {p.Key}}
	if p.Where == core.Elsewhere {
		query.Set("ifGenerationMatch", strconv.Itoa(impossible))
	}
	got, err := a.cloud.send(ctx, request{method: http.MethodPost, path: "/upload" + bucketPath(p.Bucket) + "/o", query: query})
	if err != nil {
		return err
	}
	session := got.header.Get("Location")
	if !strings.HasPrefix(session, a.cloud.at.storage+"/") && !strings.HasPrefix(session, "https://www."+a.cloud.at.universe+"/") {
		return errors.New("the upload's session is not at Cloud Storage")
	}
	_, err = a.cloud.sendTo(ctx, http.MethodDelete, session, nil)
	if hasCode(err, givenUp) {
		return nil
	}
	return unaddressed(err)
}

// unaddressed is err without the address of the request: whoever knows the
// address of an upload's session may write to it, without any key.
// https://cloud.google.com/storage/docs/resumable-uploads#session-uris
func unaddressed(err error) error {
	u, ok := errors.AsType[*url.Error](err)
	if !ok {
		return err
	}
	why := u.Err.Error()
	if strings.Contains(why, "://") {
		why = "no usable answer" // where else to ask, perhaps
	}
	return &reworded{"giving the upload up: " + why, u.Err}
}

// neverMatches is a well-formed etag of a policy's version that no policy reaches.
const neverMatches = "CP///////////wE="

// administer sends a policy that cannot be written, because it builds on one
// that does not exist; only who may write policies is told so. The client
// library writes only policies that it has read, with their own etag.
func (a *actor) administer(ctx context.Context, p core.Probe) error {
	policy := struct {
		Version  int               `json:"version"`
		Etag     string            `json:"etag"`
		Bindings []bindingDocument `json:"bindings"`
	}{3, neverMatches, []bindingDocument{}}
	_, err := a.cloud.send(ctx, request{method: http.MethodPut, path: bucketPath(p.Bucket) + "/iam", body: body(policy)})
	return err
}

// identify lists the service accounts of the bucket's owner.
func (a *actor) identify(ctx context.Context) error {
	service, err := a.cloud.iam()
	if err != nil {
		return err
	}
	_, err = service.Projects.ServiceAccounts.List("projects/" + a.project).PageSize(1).Context(ctx).Do()
	return err
}
