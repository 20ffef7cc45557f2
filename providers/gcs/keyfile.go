// Key file: a service account of ours, whose key is handed over.
package gcs

import (
	"context"

	"github.com/bucketgrant/bucketgrant/core"
)

// keyGrantee holds the JSON key file of a service account.
type keyGrantee struct{}

func (keyGrantee) identity() core.Identity {
	return core.Identity{Who: core.WhoKey, Title: "a key file of a service account", Form: core.DocumentForm,
		Why:      "works everywhere, and for whoever holds it until it is deleted: choose it only where the grantee cannot do without a secret",
		MostKeys: mostKeys, Outlives: tokenLife}
}

func (keyGrantee) settings() []core.Setting { return nil }

func (keyGrantee) parts(d design) parts {
	p := accountParts(d)
	p.resources = append(p.resources, core.Resource{Step: core.CredentialStep, Addr: d.keyAddr(""), What: "key of the service account, as the JSON file that Google makes"})
	project := "projects/" + d.project
	p.operator = append(p.operator,
		core.Permission{Action: "iam.serviceAccountKeys.list", Resource: project, Step: core.CredentialStep, Verbs: []string{core.ForPlan, core.ForApply, core.ForDestroy, core.ForRotate, core.ForRevoke}},
		core.Permission{Action: "iam.serviceAccountKeys.create", Resource: project, Step: core.CredentialStep, Verbs: []string{core.ForApply, core.ForRotate}},
		core.Permission{Action: "iam.serviceAccountKeys.delete", Resource: project, Step: core.CredentialStep, Verbs: []string{core.ForApply, core.ForDestroy, core.ForRotate},
			Why: "a key that cannot be proven or delivered is deleted, and one that was replaced"})
	p.operator = append(p.operator, switchOperator(d)...)
	return p
}

func (keyGrantee) open(r *run) holder {
	return ownAccount{run: r, keys: &issuer{r, keySwitch{r}}, tell: r.keyOutputs}
}

func (keyGrantee) become(_ context.Context, p *Provider, b core.Blueprint, c core.Credential) (core.Actor, error) {
	return p.actKey(b, c)
}
