// Keyring: the keys of a service account after their issue: when they end, and switching them off and on.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// mostKeys is how many keys a service account holds, those that were uploaded
// and those that are switched off included; of HMAC keys it holds as many again.
// https://cloud.google.com/iam/quotas
// https://cloud.google.com/storage/quotas
const mostKeys = 10

// tokenLife is how long an access token lives that was got with a key: neither
// switching the key off nor deleting it ends the token.
// https://cloud.google.com/iam/docs/keys-create-delete#deleting
const tokenLife = time.Hour

// ring is what a grantee with keys has: where they are born, and their life after it.
type ring interface {
	core.Issuer
	core.Keyring
}

// coreKey is a key as core has it.
func coreKey(id string, k *iam.ServiceAccountKey) core.Key {
	return core.Key{ID: id, Created: createdAt(k), Active: !k.Disabled, Expires: endOf(k), Off: offReason(k)}
}

// endOf is when a key ends by itself; zero for one that Google says ends in the year 9999.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys
func endOf(k *iam.ServiceAccountKey) time.Time {
	const never = 9999
	t, err := time.Parse(time.RFC3339, k.ValidBeforeTime)
	if err != nil || t.Year() >= never {
		return time.Time{}
	}
	return t
}

// Why Google itself switches a key off.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys#ServiceAccountKeyDisableReason
const (
	exposed     = "EXPOSED"
	compromised = "COMPROMISE_DETECTED"
)

// offReason is why a key is switched off; "" if it is not, or if a person did it.
// That a key was found in public stays with it for ever, whoever switches it off.
func offReason(k *iam.ServiceAccountKey) string {
	if !k.Disabled {
		return ""
	}
	said := k.DisableReason
	for _, s := range k.ExtendedStatus {
		said += " " + s.Key
	}
	switch {
	case strings.Contains(said, compromised):
		return compromised
	case strings.Contains(said, exposed):
		return exposed
	}
	return ""
}

// keySwitch switches keys of our service account; issued and uploaded ones are alike.
type keySwitch struct{ *run }

// Switch enables or disables a key. The name of the account in the request is
// its unique ID, so that no later account of its address is meant.
func (s keySwitch) Switch(ctx context.Context, id string, on bool) error {
	account, name, err := s.named(ctx, id)
	switch {
	case err != nil:
		return err
	case account == nil:
		return moved(s.keyAddr(id), isGone)
	}
	service, err := s.cloud.iam()
	if err != nil {
		return err
	}
	keys := service.Projects.ServiceAccounts.Keys
	if on {
		if err := s.mayOpen(ctx, id, name); err != nil {
			return err
		}
	}
	_, err = repeat(ctx, func() (*iam.Empty, error) {
		if on {
			return keys.Enable(name, &iam.EnableServiceAccountKeyRequest{}).Context(ctx).Do()
		}
		return keys.Disable(name, &iam.DisableServiceAccountKeyRequest{}).Context(ctx).Do()
	})
	if isMissing(err) {
		return moved(s.keyAddr(id), isGone)
	}
	return explainWrite(s.keyAddr(id), err)
}

// mayOpen refuses a key that Google has switched off: whoever found it may use it.
func (s keySwitch) mayOpen(ctx context.Context, id, name string) error {
	k, err := s.find(ctx, id, name)
	switch {
	case err != nil:
		return err
	case k == nil:
		return moved(s.keyAddr(id), isGone)
	}
	if why := offReason(k); why != "" {
		return &core.Error{What: s.keyAddr(id), Err: errors.New("Google switched it off (" + why + "): somebody else may have it"),
			Hint: "gcloud iam service-accounts keys delete " + id + " --iam-account " + s.email + " --project " + s.project}
	}
	return nil
}

// find is the key as lists show it, nil if none does.
func (s keySwitch) find(ctx context.Context, id, name string) (*iam.ServiceAccountKey, error) {
	service, err := s.cloud.iam()
	if err != nil {
		return nil, err
	}
	list, err := repeat(ctx, func() (*iam.ListServiceAccountKeysResponse, error) {
		return service.Projects.ServiceAccounts.Keys.List(strings.TrimSuffix(name, "/keys/"+id)).KeyTypes(userManaged).Context(ctx).Do()
	})
	switch {
	case isMissing(err):
		return nil, nil
	case err != nil:
		return nil, explain(s.keyAddr(id), err)
	}
	for _, k := range list.Keys {
		if strings.HasSuffix(k.Name, "/keys/"+id) {
			return k, nil
		}
	}
	return nil, nil
}

// Retire deletes a key of our account. That Google does not know one which it lists
// only means that it was made a moment ago.
func (s keySwitch) Retire(ctx context.Context, id string) error {
	account, name, err := s.named(ctx, id)
	if err != nil || account == nil {
		return err
	}
	service, err := s.cloud.iam()
	if err != nil {
		return err
	}
	unseen := notSeen(s.keyAddr(id), errors.New("is listed, and cannot be deleted yet"))
	return until(ctx, func(err error) bool { return errors.Is(err, unseen) }, func() error {
		_, err := repeat(ctx, func() (*iam.Empty, error) {
			return service.Projects.ServiceAccounts.Keys.Delete(name).Context(ctx).Do()
		})
		if !isMissing(err) {
			return explainWrite(s.keyAddr(id), err)
		}
		k, err := s.find(ctx, id, name)
		if err == nil && k != nil {
			err = unseen
		}
		return err
	})
}

// named is our service account as it is right now, nil if it is gone, and the
// resource name of that key of it.
func (s keySwitch) named(ctx context.Context, id string) (*iam.ServiceAccount, string, error) {
	if !keyIDs.MatchString(id) {
		return nil, "", fmt.Errorf("key %q: is no ID of a key", id)
	}
	account, err := s.sameAccount(ctx)
	if err != nil || account == nil {
		return nil, "", explain(s.accountAddr(), err)
	}
	return account, s.only(account) + "/keys/" + id, nil
}

// switchOperator is what switching keys off and on takes.
func switchOperator(d design) []core.Permission {
	key := func(action, why string) core.Permission {
		return core.Permission{Action: "iam.serviceAccountKeys." + action, Resource: "projects/" + d.project, Step: core.CredentialStep,
			Verbs: []string{core.ForRotate, core.ForRevoke}, Why: why}
	}
	return []core.Permission{key("disable", "switches a key off"), key("enable", "switches a key on again")}
}
