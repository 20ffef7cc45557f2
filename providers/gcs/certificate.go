// Certificate: a service account of ours with a key pair of the grantee's, of which only the certificate comes here.
package gcs

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// certificateGrantee signs for itself as a service account.
type certificateGrantee struct{}

const otherKey = "other-key"

func (certificateGrantee) identity() core.Identity {
	return core.Identity{Who: core.WhoCertificate, Title: "a key pair of the grantee's own, of which only the certificate is uploaded",
		Why:      "for whoever can keep a private key and is on no cloud: nothing secret is ever made or sent here, and the access ends with the certificate",
		MostKeys: mostKeys, Outlives: tokenLife,
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
		key("list", "", core.ForPlan, core.ForApply, core.ForDestroy, core.ForRotate, core.ForRevoke),
		key("get", "compares certificates that are there with the grant's", core.ForPlan, core.ForRotate, core.ForRevoke),
		key("create", "uploads the certificate", core.ForApply, core.ForRotate),
		key("delete", "removes keys of the account that are not the grant's", core.ForDestroy, core.ForRotate))
	p.operator = append(p.operator, switchOperator(d)...)
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
	var found uploads
	err := core.Together(ctx,
		func(ctx context.Context) (err error) { account, err = a.ownAccount.diff(ctx, want); return },
		func(ctx context.Context) (err error) {
			found, err = a.uploaded(ctx)
			return explain(a.certificateAddr(), err)
		},
	)
	if err != nil {
		return nil, err
	}
	if !want.Present {
		return a.ending(account, found.id()), nil
	}
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: a.certificateAddr(), Why: certificateText(a.certificate)}
	if slices.ContainsFunc(account, func(c core.Change) bool { return c.Action == core.Make }) {
		found = uploads{} // what is listed is a deleted account's
	}
	switch {
	case found.named == nil && len(found.keys) >= mostKeys && want.Keys.Fresh:
		c.Action, c.Why, c.Hint = core.Refuse, tooManyKeys+", and they are all there", a.listKeys()
	case found.named == nil:
		c.Action, c.Needs = core.Make, []string{a.accountAddr()}
	case found.named.Disabled:
		c.Action, c.Why, c.Hint = core.Refuse, "is switched off, and whoever did it had a reason", a.enableKey(found.id())
		if why := offReason(found.named); why != "" {
			c.Why, c.Hint = "was switched off by Google ("+why+"): somebody else may have its private key", "--"+certificateSetting+" NEW"
		}
	}
	changes := append(account, c)
	if account[0].Action == core.Refuse || want.Keys.Fresh {
		return changes, nil // its keys are not ours either, or all of them stay
	}
	for _, k := range found.keys {
		if id := path.Base(k.Name); id != found.id() && keyIDs.MatchString(id) {
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
		found, err := a.uploaded(ctx)
		if err != nil || found.named == nil {
			return err
		}
		return keySwitch{a.run}.Retire(ctx, found.id())
	case strings.HasPrefix(c.Addr, a.keyAddr("")+"/") && c.Action == core.Drop:
		return keySwitch{a.run}.Retire(ctx, path.Base(c.Addr))
	}
	return a.ownAccount.do(ctx, c)
}

func (a *certified) needs() []string { return []string{a.accountAddr(), a.certificateAddr()} }

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
	found, err := a.uploaded(ctx)
	if err != nil {
		return nil, explain(a.certificateAddr(), err)
	}
	id := found.id()
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
