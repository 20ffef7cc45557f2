// Certificate keys: what is uploaded to the service account, and the life of it.
package gcs

import (
	"context"
	"encoding/base64"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// uploads are the keys of the account as they were listed.
type uploads struct {
	keys  []*iam.ServiceAccountKey
	named *iam.ServiceAccountKey // of the grant's certificate, rather one that is not switched off; nil if there is none
}

// id is the ID of the key of the grant's certificate; "" if there is none.
func (u uploads) id() string {
	if u.named == nil {
		return ""
	}
	return path.Base(u.named.Name)
}

// uploaded lists the account's keys. Only those that end when the grant's
// certificate does are looked into.
func (a *certified) uploaded(ctx context.Context) (found uploads, err error) {
	service, err := a.cloud.iam()
	if err != nil {
		return found, err
	}
	list, err := repeat(ctx, func() (*iam.ListServiceAccountKeysResponse, error) {
		return service.Projects.ServiceAccounts.Keys.List(a.accountName).KeyTypes(userManaged).Context(ctx).Do()
	})
	if isMissing(err) {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	for _, k := range list.Keys {
		if k.KeyType != "" && k.KeyType != userManaged {
			continue
		}
		found.keys = append(found.keys, k)
		if ends, err := time.Parse(time.RFC3339, k.ValidBeforeTime); found.named != nil && (k.Disabled || !found.named.Disabled) || err != nil || !ends.Equal(a.certificate.parsed.NotAfter.Truncate(time.Second)) {
			continue
		}
		one, err := repeat(ctx, func() (*iam.ServiceAccountKey, error) {
			return service.Projects.ServiceAccounts.Keys.Get(k.Name).PublicKeyType("TYPE_X509_PEM_FILE").Context(ctx).Do()
		})
		if isMissing(err) {
			continue
		}
		if err != nil {
			return uploads{}, err
		}
		if public, err := base64.StdEncoding.DecodeString(one.PublicKeyData); err == nil && a.certificate.same(public) {
			found.named = k
		}
	}
	return found, nil
}

// upload sends the certificate once: a second key of the same certificate is no harm, but no use either.
func (a *certified) upload(ctx context.Context) error {
	service, err := a.cloud.iam()
	if err != nil {
		return err
	}
	account, err := a.usableAccount(ctx)
	if err != nil {
		return explain(a.accountAddr(), err)
	}
	request := &iam.UploadServiceAccountKeyRequest{PublicKeyData: base64.StdEncoding.EncodeToString(a.certificate.pem)}
	unseen := func(err error) bool { return isMissing(err) && a.made.any(&a.made.grantee) }
	err = until(ctx, unseen, func() error {
		_, err := service.Projects.ServiceAccounts.Keys.Upload(a.only(account), request).Context(ctx).Do()
		return err
	})
	switch p := problemOf(err); {
	case err != nil && unseen(err):
		return &core.Error{Kind: core.ErrNotConverged, What: a.accountAddr(), Err: quietly(err), Hint: "run the same command again"}
	case isMissing(err):
		return moved(a.accountAddr(), isGone)
	case p != nil && p.code == http.StatusBadRequest && p.constraint == "" && strings.HasPrefix(p.message, "Precondition check failed"):
		return &core.Error{What: a.certificateAddr(), Err: &reworded{tooManyKeys, p}, Hint: a.listKeys()}
	}
	return err
}

const tooManyKeys = "a service account holds at most 10 keys"

// listKeys is the command that shows the keys of the account.
func (n names) listKeys() string {
	return "gcloud iam service-accounts keys list --iam-account " + n.email + " --project " + n.project
}

// enableKey is the command that switches a key on.
func (n names) enableKey(id string) string {
	return "gcloud iam service-accounts keys enable " + id + " --iam-account " + n.email + " --project " + n.project
}

// certificateRing is the keys of a grant by certificate. None of them is made here.
type certificateRing struct {
	keySwitch
	of *certified
}

func (a *certified) keyring() core.Keyring { return certificateRing{keySwitch{a.run}, a} }

// Addr is the address of a key.
func (r certificateRing) Addr(id string) string { return r.keyAddr(id) }

// List returns the keys of our service account, oldest first; the grant names
// the one of its certificate. An account of somebody else's has none that concern us.
func (r certificateRing) List(ctx context.Context) ([]core.Key, error) {
	var mine bool
	var found uploads
	err := core.Together(ctx,
		func(ctx context.Context) (err error) {
			mine, err = r.accountIsOurs(ctx)
			return explain(r.accountAddr(), err)
		},
		func(ctx context.Context) (err error) {
			found, err = r.of.uploaded(ctx)
			return explain(r.of.certificateAddr(), err)
		},
	)
	if err != nil || !mine {
		return nil, err
	}
	var keys []core.Key
	for _, k := range found.keys {
		id, err := r.keyID(k)
		if err != nil {
			return nil, err
		}
		key := coreKey(id, k)
		key.Named = found.id() == id
		keys = append(keys, key)
	}
	slices.SortStableFunc(keys, func(a, b core.Key) int { return a.Created.Compare(b.Created) })
	return keys, nil
}
