// Certificate: a service account of ours with a key pair of the grantee's, of which only the certificate comes here.
package gcs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// certificateGrantee signs for itself as a service account.
type certificateGrantee struct{}

const otherKey = "other-key"

func (certificateGrantee) identity() core.Identity {
	return core.Identity{Who: core.WhoCertificate, Title: "a key pair of the grantee's own, of which only the certificate is uploaded",
		Why:       "for whoever can keep a private key and is on no cloud: nothing secret is ever made or sent here, and the access ends with the certificate",
		Forgeries: []core.Forgery{{Name: otherKey, Why: "somebody who knows the account and the certificate, but has another private key"}}}
}

func (certificateGrantee) settings() []core.Setting {
	return []core.Setting{{Name: certificateSetting, Usage: "certificate of the grantee's key pair, in PEM", Example: "certificate.pem", Required: true, File: true}}
}

// certificateAddr is the address of the uploaded key.
func (n names) certificateAddr() string { return "iam:key/" + n.email + "/certificate" }

func (certificateGrantee) parts(d design) parts {
	p := accountParts(d)
	c, faults := readCertificate(d)
	p.faults = faults
	what := "the grantee's certificate"
	if faults == nil {
		what = certificateText(c)
		p.notes = append(p.notes, "the certificate ends on "+c.parsed.NotAfter.UTC().Format(time.DateOnly)+", and the access with it: upload its successor before",
			"anybody who knows the service account's address can read the certificate, its subject ("+c.parsed.Subject.String()+") included")
		if e := d.grant.Limits.Expires; !e.IsZero() {
			p.notes = append(p.notes, "the access ends on "+accessEnds(d.grant, c).Format(time.RFC3339)+", the earlier of the certificate's end and the grant's ("+e.Format(time.RFC3339)+")")
		}
	}
	p.resources = append(p.resources, core.Resource{Step: core.RoleStep, Addr: d.certificateAddr(), What: what})
	key := func(action, why string, verbs ...string) core.Permission {
		return core.Permission{Action: "iam.serviceAccountKeys." + action, Resource: "projects/" + d.project, Step: core.RoleStep, Verbs: verbs, Why: why}
	}
	p.operator = append(p.operator,
		key("list", "", core.ForPlan, core.ForApply, core.ForDestroy),
		key("get", "compares certificates that are there with the grant's", core.ForPlan),
		key("create", "uploads the certificate", core.ForApply),
		key("delete", "removes keys of the account that are not the grant's", core.ForDestroy))
	return p
}

// accessEnds is when the access ends: with the certificate, or with the grant if that is earlier.
func accessEnds(g core.Grant, c certificate) time.Time {
	ends := c.parsed.NotAfter.UTC()
	if e := g.Limits.Expires; !e.IsZero() && e.Before(ends) {
		return e
	}
	return ends
}

func certificateText(c certificate) string {
	return "the grantee's certificate " + c.fingerprint() + ", valid until " + c.parsed.NotAfter.UTC().Format(time.DateOnly)
}

func (certificateGrantee) open(r *run) holder {
	c, _ := readCertificate(r.design) // a blueprint with faults is never opened
	a := &certified{certificate: c}
	a.ownAccount = ownAccount{run: r, tell: a.told}
	return a
}

// certified is the service account and the certificate that opens it.
type certified struct {
	ownAccount
	certificate certificate
}

// diff refuses a certificate that is out of date as it does any other input that cannot be used; what it
// has opened can still be taken back.
func (a *certified) diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	if why := a.certificate.outOfDate(time.Now()); why != "" && want.Present {
		return nil, core.Faults{{Field: certificateSetting, Rule: why, Accepts: certificateAccepts}}
	}
	var account []core.Change
	var keys []*iam.ServiceAccountKey
	var found string
	err := core.Together(ctx,
		func(ctx context.Context) (err error) { account, err = a.ownAccount.diff(ctx, want); return },
		func(ctx context.Context) (err error) {
			keys, found, err = a.uploaded(ctx)
			return explain(a.certificateAddr(), err)
		},
	)
	if err != nil {
		return nil, err
	}
	if !want.Present {
		return a.ending(account, found), nil
	}
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: a.certificateAddr(), Why: certificateText(a.certificate)}
	if slices.ContainsFunc(account, func(c core.Change) bool { return c.Action == core.Make }) {
		found, keys = "", nil // what is listed is a deleted account's
	}
	if found == "" {
		c.Action, c.Needs = core.Make, []string{a.accountAddr()}
	}
	changes := append(account, c)
	if account[0].Action == core.Refuse {
		return changes, nil // its keys are not ours either
	}
	for _, k := range keys {
		if id := path.Base(k.Name); id != found && keyIDs.MatchString(id) {
			changes = append(changes, core.Change{Step: core.RoleStep, Action: core.Drop, Addr: a.keyAddr(id), Needs: []string{a.certificateAddr()},
				Why: "another key of the service account, which the grant does not name"})
		}
	}
	return changes, nil
}

// ending drops the certificate before the account, so that what one run has uploaded can be taken back alone.
func (a *certified) ending(account []core.Change, found string) []core.Change {
	if found == "" || len(account) == 0 || account[0].Action != core.Drop {
		return account
	}
	account[0].Needs = append(account[0].Needs, a.certificateAddr())
	return append([]core.Change{{Step: core.RoleStep, Action: core.Drop, Addr: a.certificateAddr(), Needs: []string{a.bindingAddr()}, Why: certificateText(a.certificate)}}, account...)
}

func (a *certified) do(ctx context.Context, c core.Change) error {
	switch {
	case c.Addr == a.certificateAddr() && c.Action == core.Make:
		return a.upload(ctx)
	case c.Addr == a.certificateAddr() && c.Action == core.Drop:
		_, id, err := a.uploaded(ctx)
		if err != nil || id == "" {
			return err
		}
		return a.remove(ctx, id)
	case strings.HasPrefix(c.Addr, a.keyAddr("")+"/") && c.Action == core.Drop:
		return a.remove(ctx, path.Base(c.Addr))
	}
	return a.ownAccount.do(ctx, c)
}

func (a *certified) needs() []string { return []string{a.accountAddr(), a.certificateAddr()} }

// uploaded lists the account's keys, and which of them is the grant's
// certificate; "" if none is. Only keys that end when it does are looked into.
func (a *certified) uploaded(ctx context.Context) (keys []*iam.ServiceAccountKey, id string, err error) {
	service, err := a.cloud.iam()
	if err != nil {
		return nil, "", err
	}
	list, err := repeat(ctx, func() (*iam.ListServiceAccountKeysResponse, error) {
		return service.Projects.ServiceAccounts.Keys.List(a.accountName).KeyTypes(userManaged).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, k := range list.Keys {
		if k.KeyType != "" && k.KeyType != userManaged {
			continue
		}
		keys = append(keys, k)
		if ends, err := time.Parse(time.RFC3339, k.ValidBeforeTime); id != "" || k.Disabled || err != nil || !ends.Equal(a.certificate.parsed.NotAfter.Truncate(time.Second)) {
			continue
		}
		one, err := repeat(ctx, func() (*iam.ServiceAccountKey, error) {
			return service.Projects.ServiceAccounts.Keys.Get(k.Name).PublicKeyType("TYPE_X509_PEM_FILE").Context(ctx).Do()
		})
		if isMissing(err) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		if public, err := base64.StdEncoding.DecodeString(one.PublicKeyData); err == nil && a.certificate.same(public) {
			id = path.Base(k.Name)
		}
	}
	return keys, id, nil
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
		return &core.Error{What: a.certificateAddr(), Err: &reworded{"a service account holds at most 10 keys", p},
			Hint: "gcloud iam service-accounts keys list --iam-account " + a.email + " --project " + a.project}
	}
	return err
}

// remove deletes a key of our account.
func (a *certified) remove(ctx context.Context, id string) error {
	if !keyIDs.MatchString(id) {
		return fmt.Errorf("key %q: is no ID of a key", id)
	}
	service, err := a.cloud.iam()
	if err != nil {
		return err
	}
	account, err := a.sameAccount(ctx)
	if err != nil || account == nil {
		return err
	}
	_, err = repeat(ctx, func() (*iam.Empty, error) {
		return service.Projects.ServiceAccounts.Keys.Delete(a.only(account) + "/keys/" + id).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil
	}
	return err
}

// keyFile is what a client library reads, without the private key that only the grantee has.
type keyFile struct {
	Type       string `json:"type"`
	Project    string `json:"project_id"`
	KeyID      string `json:"private_key_id"`
	PrivateKey string `json:"private_key,omitempty"`
	Email      string `json:"client_email"`
	TokenURI   string `json:"token_uri"`
	Universe   string `json:"universe_domain"`
}

func (n names) keyFile(id string) keyFile {
	return keyFile{Type: "service_account", Project: n.project, KeyID: id, Email: n.email, TokenURI: tokenURL, Universe: universe}
}

// told is what the grantee completes its key file with.
func (a *certified) told(ctx context.Context) ([]core.Output, error) {
	_, id, err := a.uploaded(ctx)
	if err != nil {
		return nil, explain(a.certificateAddr(), err)
	}
	if id == "" {
		return nil, &core.Error{Kind: core.ErrNotConverged, What: a.certificateAddr(), Err: errors.New("is not listed yet"), Hint: "run the same command again"}
	}
	return append([]core.Output{
		{Name: "client_email", Value: a.email, Why: "iss and sub of the tokens that the grantee signs"},
		{Name: "private_key_id", Value: id, Why: "kid of those tokens"},
		{Name: "token_uri", Value: tokenURL, Why: "aud of those tokens, and where they are exchanged"},
		{Name: "access_ends", Value: accessEnds(a.grant, a.certificate).Format(time.RFC3339), Why: "when the access ends by itself, with the certificate at the latest: hand in its successor before"},
		{Name: "key_file", File: "service-account.json", Value: string(indented(a.keyFile(id))), Why: "the key file of client libraries, but for the private_key, which the grantee adds itself"},
	}, a.bucketOutputs()...), nil
}
