// Inside: where the grantee runs, the credentials of that place are the grantee's.
package gcs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
	err = is(id.credentials.JSON(), id.principal)
	if said, ok := errors.AsType[*core.Error](err); ok {
		return nil, said
	}
	if err != nil {
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

// isFor wants the credentials file that was handed over for the grant: its
// provider in its project, and Google's own addresses. Where the machine's keys
// come from is the machine's business.
func isFor(f federation, as string, at endpoint) func([]byte, string) error {
	return func(file []byte, _ string) error {
		number, err := givenNumber(f, "export "+providerOutput+"=…, what was handed over as provider")
		if err != nil {
			return err
		}
		want := externalAccountFor(f, number, awsType)
		want.TokenURL = "https://sts." + at.universe + "/v1/token"
		if as != "" {
			want.Impersonation = impersonationURL(at, as)
		}
		var have externalAccount
		if err := json.Unmarshal(file, &have); err != nil {
			return errors.New("is no credentials file")
		}
		have.Source = credentialSource{}
		have.Universe = cmp.Or(have.Universe, want.Universe)
		if have != want {
			return errors.New("is not the credentials file that was handed over for this grant")
		}
		return nil
	}
}
