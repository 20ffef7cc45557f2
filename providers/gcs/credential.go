// Credential: the last step. The only place where a secret is born.
package gcs

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// issuer is the credential step.
type issuer struct {
	*run
	keySwitch
}

const (
	userManaged = "USER_MANAGED" // keys that Google keeps and rotates itself are none of ours
	jsonFile    = "TYPE_GOOGLE_CREDENTIALS_FILE"
)

// Addr is the address of a key.
func (i *issuer) Addr(id string) string { return i.keyAddr(id) }

// Needs is everything: a key comes last.
func (i *issuer) Needs() []string {
	return []string{i.bucketAddr(), i.roleAddr(), i.accountAddr(), i.bindingAddr()}
}

// List returns the keys of our service account, oldest first. An account of
// somebody else's has no keys that concern us.
func (i *issuer) List(ctx context.Context) ([]core.Key, error) {
	service, err := i.cloud.iam()
	if err != nil {
		return nil, err
	}
	var mine bool
	var list *iam.ListServiceAccountKeysResponse
	err = core.Together(ctx,
		func(ctx context.Context) (err error) {
			mine, err = i.accountIsOurs(ctx)
			return explain(i.accountAddr(), err)
		},
		func(ctx context.Context) (err error) {
			list, err = repeat(ctx, func() (*iam.ListServiceAccountKeysResponse, error) {
				return service.Projects.ServiceAccounts.Keys.List(i.accountName).KeyTypes(userManaged).Context(ctx).Do()
			})
			if isMissing(err) {
				list, err = &iam.ListServiceAccountKeysResponse{}, nil
			}
			return explain(i.keyAddr(""), err)
		},
	)
	if err != nil || !mine {
		return nil, err
	}
	var keys []core.Key
	for _, k := range list.Keys {
		if k.KeyType != "" && k.KeyType != userManaged {
			continue
		}
		id, err := i.keyID(k)
		if err != nil {
			return nil, err
		}
		keys = append(keys, coreKey(id, k))
	}
	slices.SortFunc(keys, func(a, b core.Key) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

// keyIDs are what Google's are: hexadecimal digits. An ID becomes part of
// addresses, file names and of a line that people paste into a shell.
var keyIDs = regexp.MustCompile(`^[0-9a-f]{16,64}$`)

// keyID is the ID of a key as the cloud names it, once it is safe to use.
func (n names) keyID(k *iam.ServiceAccountKey) (string, error) {
	id := path.Base(k.Name)
	if !keyIDs.MatchString(id) {
		return "", &core.Error{Kind: core.ErrUnknown, What: n.keyAddr(""), Err: errors.New("the cloud names a key by what is no ID of a key"),
			Hint: n.listKeys()}
	}
	return id, nil
}

func createdAt(k *iam.ServiceAccountKey) time.Time {
	t, err := time.Parse(time.RFC3339, k.ValidAfterTime)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Issue makes a key for the very account of the plan. The request is sent once; only a clear "no such account"
// about an account of this run, which is not known everywhere yet, is asked again.
func (i *issuer) Issue(ctx context.Context) (core.Credential, error) {
	service, err := i.cloud.iam()
	if err != nil {
		return core.Credential{}, err
	}
	account, err := i.usableAccount(ctx)
	if err != nil {
		return core.Credential{}, explain(i.accountAddr(), err)
	}
	var key *iam.ServiceAccountKey
	unseen := func(err error) bool { return isMissing(err) && i.made.any(&i.made.grantee) }
	err = until(ctx, unseen, func() (err error) {
		key, err = service.Projects.ServiceAccounts.Keys.Create(i.only(account), &iam.CreateServiceAccountKeyRequest{PrivateKeyType: jsonFile}).Context(ctx).Do()
		return err
	})
	if err != nil && unseen(err) {
		return core.Credential{}, &core.Error{Kind: core.ErrNotConverged, What: i.accountAddr(), Err: quietly(err), Hint: "run the same command again"}
	}
	if isMissing(err) {
		return core.Credential{}, moved(i.accountAddr(), isGone)
	}
	if err != nil {
		return core.Credential{}, i.notIssued(err)
	}
	secret, err := base64.StdEncoding.DecodeString(key.PrivateKeyData)
	key.PrivateKeyData = ""
	if err != nil || len(secret) == 0 {
		return core.Credential{}, &core.Error{Kind: core.ErrUnknown, What: i.keyAddr(""), Err: errors.New("the answer holds no key file"), Hint: "run the same command again"}
	}
	id, err := i.keyID(key)
	if err != nil {
		clear(secret)
		return core.Credential{}, err
	}
	return core.Credential{
		ID:      id,
		Form:    core.DocumentForm,
		Holder:  i.email,
		Secret:  core.NewSecret(secret),
		Created: createdAt(key),
		Revoke:  "gcloud iam service-accounts keys delete " + id + " --iam-account " + i.email + " --project " + i.project + " --quiet",
	}, nil
}

// notIssued tells a clear refusal from an outcome that nobody knows.
func (i *issuer) notIssued(err error) error {
	p := problemOf(err)
	sure := p != nil && p.code >= 400 && p.code < 500 && p.code != http.StatusRequestTimeout
	if _, unsigned := errors.AsType[*tokenError](err); unsigned {
		sure = true // nothing was sent
	}
	if !sure {
		return &core.Error{Kind: core.ErrUnknown, What: i.keyAddr(""), Err: quietly(err), Hint: "run the same command again"}
	}
	full := p != nil && p.constraint == "" && (p.code == http.StatusTooManyRequests && strings.Contains(p.message, "key") ||
		p.code == http.StatusBadRequest && strings.HasPrefix(p.message, "Precondition check failed"))
	if full {
		return &core.Error{What: i.keyAddr(""), Err: &reworded{tooManyKeys, p}, Hint: i.listKeys()}
	}
	return explain(i.keyAddr(""), err)
}
