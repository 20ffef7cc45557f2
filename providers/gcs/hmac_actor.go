// HMAC actor: trying things by the protocol of Amazon S3, each once.
package gcs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
)

// pairActor is the grantee that holds an HMAC key.
type pairActor struct {
	pair *pair

	mu   sync.Mutex
	made map[string]string // generations of the objects that it has put, by bucket and key
}

// Tries is all that the protocol has words for: it knows neither allow policies nor service accounts.
func (*pairActor) Tries() []core.Ability {
	return []core.Ability{core.Create, core.Abort, core.Overwrite, core.Read, core.List, core.Delete, core.Erase, core.Resume, core.Locate, core.Uploads}
}

// Try makes one attempt.
func (a *pairActor) Try(ctx context.Context, p core.Probe) (core.Outcome, error) {
	err := a.attempt(ctx, p)
	switch {
	case err == nil:
		return core.Allowed, nil
	case refused(err):
		return core.Denied, nil
	case hasCode(err, pairAuthorized(p)) && !noBucket(err):
		return core.Allowed, nil
	}
	return core.Unclear, unclear(err)
}

// pairAuthorized is [authorized] by this protocol.
func pairAuthorized(p core.Probe) int {
	if p.Ability == core.Abort && p.Where == core.Elsewhere {
		return http.StatusNotFound // no such upload
	}
	return authorized(p)
}

// attempt sends what p asks for, once.
func (a *pairActor) attempt(ctx context.Context, p core.Probe) error {
	q := xmlRequest{method: http.MethodGet, bucket: p.Bucket, key: p.Key}
	aside := p.Where == core.Elsewhere // nothing may be written, even if it is allowed
	if aside {
		q.generation = generation(impossible)
	}
	switch p.Ability {
	case core.Create, core.Overwrite:
		q.method, q.body = http.MethodPut, []byte(proof)
		if p.Ability == core.Create && !aside {
			q.generation = generation(0) // only if there is none
		}
		got, err := a.pair.send(ctx, q)
		if err == nil {
			a.note(p, got.header.Get("X-Goog-Generation"))
		}
		return err
	case core.Abort:
		if aside {
			return a.part(ctx, p.Bucket, p.Key)
		}
		return a.multipart(ctx, p.Bucket, p.Key)
	case core.Read:
		q.generation = nil
	case core.List:
		q.key, q.generation, q.query = "", nil, url.Values{"prefix": {p.Key}, "max-keys": {"1"}}
	case core.Delete:
		q.method = http.MethodDelete
	case core.Erase:
		q.method = http.MethodDelete
		q.query = url.Values{"generation": {a.generation(p)}}
	case core.Resume:
		q.generation, q.query = nil, url.Values{"uploadId": {nobodys}}
	case core.Locate:
		q.key, q.generation, q.query = "", nil, url.Values{"location": {""}}
	case core.Uploads:
		q.key, q.generation, q.query = "", nil, url.Values{"uploads": {""}, "max-uploads": {"1"}}
	default:
		return fmt.Errorf("%s is nothing that can be tried by the protocol of Amazon S3", p.Ability)
	}
	_, err := a.pair.send(ctx, q)
	return err
}

func generation(n int) *string {
	s := strconv.Itoa(n)
	return &s
}

func (a *pairActor) note(p core.Probe, generation string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.made[p.Bucket+"/"+p.Key] = generation
}

// generation is that of an object that the actor has put, or an impossible one.
func (a *pairActor) generation(p core.Probe) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g := a.made[p.Bucket+"/"+p.Key]; g != "" && p.Where != core.Elsewhere {
		return g
	}
	return strconv.Itoa(impossible)
}
