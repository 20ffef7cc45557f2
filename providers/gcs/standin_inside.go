// Inside: where the grantee runs, the credentials of that place are the grantee's.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// inside is the grantee by the credentials that are found here. is says what is
// wrong with whom they are for. Nobody else can be tried from here.
func (p *Provider) inside(d design, is func(file []byte, principal string) error) (core.Actor, error) {
	at, _, err := p.gate()
	if err != nil {
		return nil, err
	}
	if !p.config.Inside {
		return nil, core.ErrNotHere
	}
	id, err := operatorIdentity(nil, p.config.Transport)
	if err != nil {
		return nil, err
	}
	if err := is(id.credentials.JSON(), id.principal); err != nil {
		return nil, &core.Error{Kind: core.ErrInvalid, What: id.source, Err: err, Hint: "export " + adcEnv + "=" + externalAccountFile}
	}
	its := newActor(id.credentials, p.config.Transport, at, d.project)
	return &visitor{actor: its, enter: func(ctx context.Context, _ string) error { return its.knock(ctx, d.grant) }}, nil
}

// isAccount wants credentials of the account itself. A machine's own do not say whose they are.
func isAccount(email string) func([]byte, string) error {
	return func(file []byte, principal string) error {
		if len(file) > 0 && principal != email {
			return fmt.Errorf("is for %s, not for %s", principal, email)
		}
		return nil
	}
}

// isFor wants a credentials file for the grant's provider.
func isFor(f federation) func([]byte, string) error {
	return func(file []byte, _ string) error {
		var e externalAccount
		_ = json.Unmarshal(file, &e)
		number := numberIn(strings.TrimPrefix(e.Audience, "//iam."+universe+"/"))
		if number == "" || e.Audience != f.audience(number) {
			return errors.New("is not the credentials file that was handed over for this grant")
		}
		return nil
	}
}
