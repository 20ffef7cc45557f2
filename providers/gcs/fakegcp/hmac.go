// HMAC keys, which sign requests to the XML API: made, listed, switched off, deleted.
package fakegcp

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"
)

func hmacRoutes() []route {
	const h = "/storage/v1/projects/{project}/hmacKeys"
	return []route{
		storageRoute("POST", h, "projects.hmacKeys.create", true, (*request).createHMAC),
		storageRoute("GET", h, "projects.hmacKeys.list", false, (*request).listHMAC),
		storageRoute("GET", h+"/{access}", "projects.hmacKeys.get", false, (*request).getHMAC),
		storageRoute("PUT", h+"/{access}", "projects.hmacKeys.update", true, (*request).updateHMAC),
		storageRoute("DELETE", h+"/{access}", "projects.hmacKeys.delete", true, (*request).deleteHMAC),
	}
}

const maxHMACKeys = 10 // https://cloud.google.com/storage/quotas

// hmacDelay is how long a change of a key's state takes at most.
// https://cloud.google.com/storage/docs/consistency
const hmacDelay = 3 * time.Minute

type hmacMetadata struct {
	Kind     string    `json:"kind"`
	ID       string    `json:"id"`
	AccessID string    `json:"accessId"`
	Project  string    `json:"projectId"`
	Email    string    `json:"serviceAccountEmail"`
	State    string    `json:"state"`
	Created  time.Time `json:"timeCreated"`
	Updated  time.Time `json:"updated"`
	Etag     string    `json:"etag"`
}

type hmacCreated struct {
	Kind     string       `json:"kind"`
	Metadata hmacMetadata `json:"metadata"`
	Secret   string       `json:"secret"`
}

type hmacList struct {
	Kind  string         `json:"kind"`
	Items []hmacMetadata `json:"items,omitempty"`
	Next  string         `json:"nextPageToken,omitempty"`
}

func (c *Cloud) hmacMetadata(k *hmacKey) hmacMetadata {
	return hmacMetadata{
		Kind: "storage#hmacKeyMetadata", ID: k.Project + "/" + k.AccessID, AccessID: k.AccessID, Project: k.Project, Email: c.state.Accounts[k.Account].Email,
		State: k.State, Created: k.Created, Updated: k.Updated, Etag: etag(k.Revision),
	}
}

// needHMACProject returns the project in the path if the caller holds the permission.
func (q *request) needHMACProject(permission string) (*project, error) {
	p := q.projectNamed(q.params["project"])
	if p == nil || !q.mayOnProject(permission, p) {
		return nil, q.denied(permission, "project")
	}
	return p, nil
}

func (q *request) createHMAC() (any, error) {
	p, err := q.needHMACProject("storage.hmacKeys.create")
	if err != nil {
		return nil, err
	}
	email := q.query.Get("serviceAccountEmail")
	if email == "" {
		return nil, required("serviceAccountEmail")
	}
	a := q.accountByEmail(email)
	if a == nil || a.Project != p.ID {
		return nil, failed(404, "Service Account '%s' not found.", email)
	}
	for _, c := range []string{"constraints/iam.managed.disableServiceAccountKeyCreation", "constraints/storage.restrictAuthTypes"} {
		if q.enforced(c) {
			return nil, failed(412, "Request violates constraint '%s'", c)
		}
	}
	count := 0
	for _, k := range q.state.HMACKeys {
		if k.Account == a.UniqueID && k.State != "DELETED" {
			count++
		}
	}
	if count >= maxHMACKeys {
		f := failed(429, "Service account HMAC key limit reached.")
		f.Reason = "quotaExceeded"
		return nil, f
	}
	now := moment()
	k := &hmacKey{AccessID: "GOOG1E" + (rand.Text() + rand.Text() + rand.Text())[:55], Secret: hmacSecret(), Account: a.UniqueID, Project: p.ID, State: "ACTIVE", Created: now, Updated: now, Revision: 1}
	k.Usable.Set(true, q.lagWithin(hmacDelay))
	q.state.HMACKeys[k.AccessID] = k
	return hmacCreated{"storage#hmacKey", q.hmacMetadata(k), k.Secret}, nil
}

// hmacSecret is 40 characters of base64.
func hmacSecret() string {
	b := make([]byte, 30)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

func (q *request) needHMAC(permission string) (*hmacKey, error) {
	p, err := q.needHMACProject(permission)
	if err != nil {
		return nil, err
	}
	k := q.state.HMACKeys[q.params["access"]]
	if k == nil || k.Project != p.ID || k.State == "DELETED" {
		return nil, failed(404, "Access ID not found in project")
	}
	return k, nil
}

func (q *request) listHMAC() (any, error) {
	p, err := q.needHMACProject("storage.hmacKeys.list")
	if err != nil {
		return nil, err
	}
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(q.state.HMACKeys)), func(id string) bool {
		k := q.state.HMACKeys[id]
		email := q.query.Get("serviceAccountEmail")
		return k.Project != p.ID || email != "" && !strings.EqualFold(email, q.state.Accounts[k.Account].Email) ||
			k.State == "DELETED" && q.query.Get("showDeletedKeys") != "true"
	})
	ids, next, err := page(q, ids, "maxResults", 250)
	if err != nil {
		return nil, err
	}
	out := hmacList{Kind: "storage#hmacKeysMetadata", Next: next}
	for _, id := range ids {
		out.Items = append(out.Items, q.hmacMetadata(q.state.HMACKeys[id]))
	}
	return out, nil
}

func (q *request) getHMAC() (any, error) {
	k, err := q.needHMAC("storage.hmacKeys.get")
	if err != nil {
		return nil, err
	}
	return q.hmacMetadata(k), nil
}

func (q *request) updateHMAC() (any, error) {
	k, err := q.needHMAC("storage.hmacKeys.update")
	if err != nil {
		return nil, err
	}
	var in hmacMetadata
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if in.Etag != "" && in.Etag != etag(k.Revision) {
		return nil, notMet("If-Match")
	}
	if in.State != "ACTIVE" && in.State != "INACTIVE" {
		return nil, failed(400, "Invalid value for state: %q", in.State)
	}
	k.State, k.Updated = in.State, moment()
	k.Usable.Set(in.State == "ACTIVE", q.lagWithin(hmacDelay))
	k.Revision++
	return q.hmacMetadata(k), nil
}

func (q *request) deleteHMAC() (any, error) {
	k, err := q.needHMAC("storage.hmacKeys.delete")
	if err != nil {
		return nil, err
	}
	if k.State != "INACTIVE" {
		return nil, failed(400, "Cannot delete keys in '%s' state.", k.State)
	}
	k.State, k.Updated = "DELETED", moment()
	return noContent, nil
}
