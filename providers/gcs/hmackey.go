// HMAC key: a service account of ours, and a key for programs that speak the protocol of Amazon S3.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/bucketgrant/bucketgrant/core"
)

// hmacGrantee holds an HMAC key of a service account.
type hmacGrantee struct{}

func (hmacGrantee) identity() core.Identity {
	return core.Identity{Who: core.WhoHMAC, Title: "an HMAC key of a service account, for programs that speak the protocol of Amazon S3", Form: core.PairForm,
		Why:      "only for programs that know S3 and not Cloud Storage, such as a ClickHouse disk: it works for whoever holds it until it is deleted",
		MostKeys: mostKeys}
}

func (hmacGrantee) settings() []core.Setting { return nil }

func (hmacGrantee) parts(d design) parts {
	p := accountParts(d)
	p.resources = append(p.resources, core.Resource{Step: core.CredentialStep, Addr: d.hmacAddr(""), What: "HMAC key of the service account, an access ID and a secret"})
	project, bucket := "projects/"+d.project, "projects/_/buckets/"+d.bucket
	p.operator = append(p.operator,
		core.Permission{Action: "storage.hmacKeys.list", Resource: project, Step: core.CredentialStep, Verbs: []string{core.ForPlan, core.ForApply, core.ForDestroy, core.ForRotate, core.ForRevoke}},
		core.Permission{Action: "storage.hmacKeys.get", Resource: project, Step: core.CredentialStep, Verbs: []string{core.ForApply, core.ForDestroy, core.ForRotate, core.ForRevoke},
			Why: "tells whose a key is before it is switched off or deleted"},
		core.Permission{Action: "storage.hmacKeys.create", Resource: project, Step: core.CredentialStep, Verbs: []string{core.ForApply, core.ForRotate}},
		core.Permission{Action: "storage.hmacKeys.update", Resource: project, Step: core.CredentialStep, Verbs: []string{core.ForApply, core.ForDestroy, core.ForRotate, core.ForRevoke},
			Why: "switches a key off, which it must be before it can be deleted, and on again"},
		core.Permission{Action: "storage.hmacKeys.delete", Resource: project, Step: core.CredentialStep, Verbs: []string{core.ForApply, core.ForDestroy, core.ForRotate},
			Why: "a key that cannot be proven or delivered is deleted, and one that was replaced"},
		core.Permission{Action: "storage.multipartUploads.list", Resource: bucket, Step: core.CredentialStep, Verbs: []string{core.ForProve},
			Why: "finds the uploads in parts that the proof began and could not give up"},
		core.Permission{Action: "storage.multipartUploads.abort", Resource: bucket, Step: core.CredentialStep, Verbs: []string{core.ForRepair},
			Why: "gives those up"})
	return p
}

func (hmacGrantee) open(r *run) holder {
	return ownAccount{run: r, keys: &hmacIssuer{run: r, ghosts: map[string]bool{}}, tell: r.s3Outputs}
}

func (hmacGrantee) become(_ context.Context, p *Provider, b core.Blueprint, c core.Credential) (core.Actor, error) {
	return p.actPair(b, c)
}

// hmacAddr is the address of an HMAC key; "" is the one to be issued.
func (n names) hmacAddr(id string) string {
	addr := "gcs:hmac/" + n.email
	if id != "" {
		addr += "/" + id
	}
	return addr
}

// hmacIssuer is the credential step.
type hmacIssuer struct {
	*run
	mu     sync.Mutex
	ghosts map[string]bool // access IDs that were there before our account was: of a deleted one of its name
}

// The states of a key that is not deleted.
const (
	active   = "ACTIVE"
	inactive = "INACTIVE"
)

// hmacMetadata is a key as the API shows it, without its secret.
// https://cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys
type hmacMetadata struct {
	AccessID string    `json:"accessId"`
	State    string    `json:"state"`
	Email    string    `json:"serviceAccountEmail"`
	Etag     string    `json:"etag"`
	Created  time.Time `json:"timeCreated"`
}

// Addr is the address of a key.
func (i *hmacIssuer) Addr(id string) string { return i.hmacAddr(id) }

// Needs is everything: a key comes last.
func (i *hmacIssuer) Needs() []string {
	return []string{i.bucketAddr(), i.roleAddr(), i.accountAddr(), i.bindingAddr()}
}

func (i *hmacIssuer) path() string {
	return "/storage/v1/projects/" + url.PathEscape(i.project) + "/hmacKeys"
}

// List returns the keys of our service account, oldest first. An account of
// somebody else's has no keys that concern us.
func (i *hmacIssuer) List(ctx context.Context) ([]core.Key, error) {
	var mine bool
	var items []hmacMetadata
	err := core.Together(ctx,
		func(ctx context.Context) (err error) {
			mine, err = i.accountIsOurs(ctx)
			return explain(i.accountAddr(), err)
		},
		func(ctx context.Context) (err error) {
			items, err = i.all(ctx)
			return explain(i.hmacAddr(""), err)
		},
	)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	var keys []core.Key
	for _, k := range items {
		if !mine {
			i.ghosts[k.AccessID] = true
		}
		if i.ghosts[k.AccessID] {
			continue
		}
		if !accessIDs.MatchString(k.AccessID) {
			return nil, i.strange()
		}
		keys = append(keys, core.Key{ID: k.AccessID, Created: k.Created, Active: k.State == active})
	}
	slices.SortFunc(keys, func(a, b core.Key) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

// all reads every page of the account's keys.
func (i *hmacIssuer) all(ctx context.Context) ([]hmacMetadata, error) {
	var items []hmacMetadata
	query := url.Values{"serviceAccountEmail": {i.email}}
	for {
		got, err := repeat(ctx, func() (answer, error) {
			return i.cloud.send(ctx, request{method: http.MethodGet, path: i.path(), query: query})
		})
		if isMissing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var page struct {
			Items []hmacMetadata `json:"items"`
			Next  string         `json:"nextPageToken"`
		}
		if err := json.Unmarshal(got.body, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items, nil
		}
		query.Set("pageToken", page.Next)
	}
}

// accessIDs are what Google's are. One becomes part of addresses, file names and
// of a line that people paste into a shell.
var accessIDs = regexp.MustCompile(`^GOOG[0-9A-Z]{8,80}$`)

func (i *hmacIssuer) strange() error {
	return &core.Error{Kind: core.ErrUnknown, What: i.hmacAddr(""), Err: errors.New("the cloud names a key by what is no access ID"),
		Hint: "gcloud storage hmac list --service-account " + i.email + " --project " + i.project}
}

// Issue makes a key. The request is sent once; only a clear "no such account"
// about an account of this run, which is not known everywhere yet, is asked again.
func (i *hmacIssuer) Issue(ctx context.Context) (core.Credential, error) {
	if _, err := i.usableAccount(ctx); err != nil {
		return core.Credential{}, explain(i.accountAddr(), err)
	}
	var got answer
	unseen := func(err error) bool { return isMissing(err) && i.made.any(&i.made.grantee) }
	err := until(ctx, unseen, func() (err error) {
		got, err = i.cloud.send(ctx, request{method: http.MethodPost, path: i.path(), query: url.Values{"serviceAccountEmail": {i.email}}})
		return err
	})
	defer clear(got.body)
	switch {
	case err != nil && unseen(err):
		return core.Credential{}, &core.Error{Kind: core.ErrNotConverged, What: i.accountAddr(), Err: quietly(err), Hint: "run the same command again"}
	case isMissing(err):
		return core.Credential{}, moved(i.accountAddr(), isGone)
	case err != nil:
		return core.Credential{}, i.notIssued(err)
	}
	var key struct {
		Metadata hmacMetadata `json:"metadata"`
		Secret   plainText    `json:"secret"`
	}
	if json.Unmarshal(got.body, &key) != nil || len(key.Secret) == 0 {
		return core.Credential{}, &core.Error{Kind: core.ErrUnknown, What: i.hmacAddr(""), Err: errors.New("the answer holds no secret"), Hint: "run the same command again"}
	}
	if !accessIDs.MatchString(key.Metadata.AccessID) {
		clear(key.Secret)
		return core.Credential{}, i.strange()
	}
	return core.Credential{
		ID:      key.Metadata.AccessID,
		Form:    core.PairForm,
		Holder:  i.email,
		Secret:  core.NewSecret(key.Secret),
		Created: key.Metadata.Created,
		Revoke: "gcloud storage hmac update " + key.Metadata.AccessID + " --deactivate --project " + i.project +
			" && gcloud storage hmac delete " + key.Metadata.AccessID + " --project " + i.project,
	}, nil
}

// plainText is a JSON string of plain letters as bytes, which can be overwritten.
type plainText []byte

// UnmarshalJSON takes what is between the quotes. A secret is base64, in which nothing is escaped.
func (p *plainText) UnmarshalJSON(raw []byte) error {
	if len(raw) < 2 || raw[0] != '"' || slices.Contains(raw, '\\') {
		return errors.New("not a plain string")
	}
	*p = slices.Clone(raw[1 : len(raw)-1])
	return nil
}

// notIssued tells a clear refusal from an outcome that nobody knows.
func (i *hmacIssuer) notIssued(err error) error {
	p := problemOf(err)
	_, unsigned := errors.AsType[*tokenError](err)
	if sure := p != nil && p.code >= 400 && p.code < 500 && p.code != http.StatusRequestTimeout; !sure && !unsigned {
		return &core.Error{Kind: core.ErrUnknown, What: i.hmacAddr(""), Err: quietly(err), Hint: "run the same command again"}
	}
	if p != nil && p.constraint == "" && strings.Contains(p.message, "key limit") {
		return &core.Error{What: i.hmacAddr(""), Err: &reworded{"a service account holds no more HMAC keys", p},
			Hint: "gcloud storage hmac list --service-account " + i.email + " --project " + i.project}
	}
	return explain(i.hmacAddr(""), err)
}

// Switch makes a key active or inactive, which takes up to three minutes to be known everywhere.
// https://cloud.google.com/storage/docs/authentication/managing-hmackeys#update
func (i *hmacIssuer) Switch(ctx context.Context, id string, on bool) error {
	state := inactive
	if on {
		state = active
	}
	err := i.set(ctx, id, state)
	if isMissing(err) {
		return moved(i.hmacAddr(id), isGone)
	}
	return explainWrite(i.hmacAddr(id), err)
}

// set puts a key of our account into a state. Keys are named without their
// account, so whose it is, is looked at right before; it changes only if it is as it was then.
func (i *hmacIssuer) set(ctx context.Context, id, state string) error {
	if !accessIDs.MatchString(id) {
		return errors.New("key " + id + ": is no access ID of a key")
	}
	path := i.path() + "/" + id
	return until(ctx, isConflict, func() error {
		var have hmacMetadata
		gone := false
		err := core.Together(ctx,
			func(ctx context.Context) error {
				account, err := i.sameAccount(ctx)
				gone = account == nil
				return explain(i.accountAddr(), err)
			},
			func(ctx context.Context) error {
				got, err := repeat(ctx, func() (answer, error) {
					return i.cloud.send(ctx, request{method: http.MethodGet, path: path})
				})
				if err == nil {
					err = json.Unmarshal(got.body, &have)
				}
				return err
			},
		)
		switch {
		case err != nil:
			return err
		case gone:
			return &googleapi.Error{Code: http.StatusNotFound, Message: "the service account of the key is gone"}
		case have.Email != i.email:
			return moved(i.hmacAddr(id), "is a key of another service account")
		case have.State == state:
			return nil
		}
		_, err = repeat(ctx, func() (answer, error) {
			return i.cloud.send(ctx, request{method: http.MethodPut, path: path, body: body(struct {
				State string `json:"state"`
				Etag  string `json:"etag,omitempty"`
			}{state, have.Etag})})
		})
		return err
	})
}

// Retire makes a key inactive and deletes it, which it can only be then.
// https://cloud.google.com/storage/docs/authentication/managing-hmackeys#delete
func (i *hmacIssuer) Retire(ctx context.Context, id string) error {
	err := i.set(ctx, id, inactive)
	if err == nil {
		active := func(err error) bool { return hasCode(err, http.StatusBadRequest) } // not seen everywhere yet
		err = until(ctx, active, func() error {
			_, err := repeat(ctx, func() (answer, error) {
				return i.cloud.send(ctx, request{method: http.MethodDelete, path: i.path() + "/" + id})
			})
			return err
		})
	}
	if isMissing(err) {
		return nil
	}
	return explainWrite(i.hmacAddr(id), err)
}
