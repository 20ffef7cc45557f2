// Provider: Google Cloud as core sees it.

// Package gcs grants access to Cloud Storage buckets: a custom role, a service
// account, a binding on the one bucket, and a key.
package gcs

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// Provider is Google Cloud.
type Provider struct {
	config Config
	desks  *desks

	// operatorOf overrides the credentials for a project; a sandbox has one operator in each.
	operatorOf func(project string) ([]byte, error)
}

var _ core.Provider = (*Provider)(nil)

// New returns a provider. It makes no call and reads no credentials yet.
func New(c Config) *Provider { return &Provider{config: c, desks: newDesks()} }

// Info describes Google Cloud Storage.
func (p *Provider) Info() core.Info {
	return core.Info{
		Name:       "gcs",
		Title:      "Google Cloud Storage",
		Nouns:      core.Nouns{Account: "project", Region: "location", Principal: "service account"},
		Settings:   settingList(),
		Abilities:  probed(),
		Identities: identities(),
		Settle:     10 * time.Minute, // https://cloud.google.com/iam/docs/access-change-propagation
		Reasons:    reasons(),
		Vocabulary: vocabulary(),
	}
}

// Open prepares the steps of b with the operator's credentials. It makes no call.
func (p *Provider) Open(_ context.Context, b core.Blueprint) (*core.Steps, error) {
	s, faults := readSettings(b.Grant)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	c, whoami, err := p.enter(s.project)
	if err != nil {
		return nil, err
	}
	if err := p.meet(designOf(b.Grant, s)); err != nil {
		return nil, err
	}
	r := newRun(b.Grant, s, c, p.desks)
	return &core.Steps{
		Whoami:     func(context.Context) (core.Operator, error) { return whoami, nil },
		Bucket:     &bucket{r},
		Role:       &role{r},
		Credential: r.whom.issuer(),
		Keyring:    r.whom.keyring(),
		Gate:       r.whom.gate(),
		Claimer:    &claimer{role: &role{r}},
		Caretaker:  &caretaker{r},
		Simulator:  &simulator{r},
		Inspector:  &inspector{r},
		Preflight:  &preflight{r},
		Outputs:    r.whom.outputs(),
	}, nil
}

// enter connects the operator to a project. It makes no call.
func (p *Provider) enter(project string) (*cloud, core.Operator, error) {
	at, hosts, err := p.gate()
	if err != nil {
		return nil, core.Operator{}, err
	}
	key := p.config.Credentials
	if p.operatorOf != nil {
		if key, err = p.operatorOf(project); err != nil {
			return nil, core.Operator{}, err
		}
	}
	id, err := operatorIdentity(key, p.config.Transport)
	if err != nil {
		return nil, core.Operator{}, err
	}
	return newCloud(id.credentials, p.config.Transport, at), core.Operator{Account: project, Principal: id.principal, Source: id.source, Endpoints: hosts}, nil
}

// gate says where the cloud is, and which hosts are not Google's own; it
// refuses those that nobody consented to.
func (p *Provider) gate() (endpoint, []string, error) {
	if p.operatorOf != nil {
		return google(), nil, nil // a sandbox never leaves the process
	}
	hosts, faults := endpoints()
	if p.config.AllowEndpoint {
		return endpointNamed(), hosts, nil
	}
	return google(), nil, faults.Err()
}

// run is what the steps of one blueprint share.
type run struct {
	design
	cloud    *cloud
	desks    *desks // shared by all runs of a provider
	whom     holder
	where    place
	stale    atomic.Bool // the bucket's policy held a binding of ours that belongs on a managed folder
	account  accountMemo
	roleMemo roleMemo
	claiming atomic.Pointer[core.Claiming] // of this run; nil: none
	made     made
}

func newRun(g core.Grant, s settings, c *cloud, d *desks) *run {
	r := &run{design: designOf(g, s), cloud: c, desks: d, account: accountMemo{turn: newTurn()}, roleMemo: roleMemo{turn: newTurn()}}
	r.whom = granteeOf(g).open(r)
	r.where = placeOf(r)
	return r
}
