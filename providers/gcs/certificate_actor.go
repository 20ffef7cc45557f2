// Certificate actor: being the holder of the private key, where that key is.
package gcs

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"cloud.google.com/go/auth/credentials"

	"github.com/bucketgrant/bucketgrant/core"
)

// keyHolder is a [StandIn] that holds private keys.
type keyHolder interface {
	// PrivateKey is the one of that certificate, in PEM; nil if it does not hold it.
	PrivateKey(certificate string) []byte
}

func (certificateGrantee) become(_ context.Context, p *Provider, b core.Blueprint, _ core.Credential) (core.Actor, error) {
	s, faults := readSettings(b.Grant)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	d := designOf(b.Grant, s)
	at, _, err := p.gate()
	if err != nil {
		return nil, err
	}
	holder, _ := p.config.StandIn.(keyHolder)
	switch {
	case holder != nil:
		if private := holder.PrivateKey(b.Grant.Settings[certificateSetting]); private != nil {
			return p.asHolder(d, at, private)
		}
	case p.config.Inside && p.config.StandIn == nil:
		return p.insideHolder(d, at)
	}
	return nil, core.ErrNotHere
}

// asHolder signs with the private key, or with another one to be refused.
func (p *Provider) asHolder(d design, at endpoint, private []byte) (core.Actor, error) {
	with := func(private []byte) (*actor, error) {
		file := d.keyFile("")
		file.PrivateKey = string(private)
		c, err := credentials.NewCredentialsFromJSON(credentials.ServiceAccount, body(file), detection(p.config.Transport))
		if err != nil {
			return nil, &core.Error{Kind: core.ErrInvalid, What: certificateSetting, Err: errors.New("its private key cannot be used")}
		}
		return newActor(c, p.config.Transport, at, d.project), nil
	}
	its, err := with(private)
	if err != nil {
		return nil, err
	}
	return &visitor{actor: its, forgeries: []string{otherKey}, enter: func(ctx context.Context, forgery string) error {
		who := its
		if forgery == otherKey {
			if who, err = with(strangersKey()); err != nil {
				return err
			}
		}
		return who.knock(ctx, d.grant)
	}}, nil
}

// strangersKey is a private key of somebody else.
func strangersKey() []byte {
	key, err := rsa.GenerateKey(rand.Reader, leastBits)
	if err != nil {
		panic("gcs: no key could be made: " + err.Error()) // there is no source of randomness
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// insideHolder is the grantee itself, by the key file that it has completed.
func (p *Provider) insideHolder(d design, at endpoint) (core.Actor, error) {
	id, err := operatorIdentity(p.config.Credentials, p.config.Transport)
	if err != nil {
		return nil, err
	}
	if id.principal != d.email {
		return nil, &core.Error{Kind: core.ErrInvalid, What: id.source, Err: errors.New("is of " + id.principal + ", not of " + d.email), Hint: adcEnv + "=FILE"}
	}
	its := newActor(id.credentials, p.config.Transport, at, d.project)
	return &visitor{actor: its, enter: func(ctx context.Context, _ string) error { return its.knock(ctx, d.grant) }}, nil
}
