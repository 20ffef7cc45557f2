// Identity providers that speak OpenID Connect.
package fakeaws

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

func oidcOps() map[string]iamOp {
	return map[string]iamOp{
		"CreateOpenIDConnectProvider":             {"oidc", true, createOIDC},
		"GetOpenIDConnectProvider":                {"oidc", false, getOIDC},
		"ListOpenIDConnectProviders":              {"", false, listOIDC},
		"AddClientIDToOpenIDConnectProvider":      {"oidc", true, addClientID},
		"RemoveClientIDFromOpenIDConnectProvider": {"oidc", true, removeClientID},
		"DeleteOpenIDConnectProvider":             {"oidc", true, deleteOIDC},
		"UpdateOpenIDConnectProviderThumbprint":   {"oidc", true, updateThumbprints},
		"TagOpenIDConnectProvider":                {"oidc", true, tagOIDC},
		"UntagOpenIDConnectProvider":              {"oidc", true, untagOIDC},
		"ListOpenIDConnectProviderTags":           {"oidc", false, listOIDCTags},
	}
}

func (k *iamCall) oidcARN(address string) string {
	_, host, _ := strings.Cut(address, "://")
	return "arn:" + k.state.Partition + ":iam::" + k.acct.ID + ":oidc-provider/" + strings.TrimSuffix(host, "/")
}

func (k *iamCall) oidc(reading bool) (*oidcProvider, error) {
	arn := k.form.Get("OpenIDConnectProviderArn")
	p := k.acct.OIDC[arn]
	if p == nil || reading && !p.Exists.Seen() {
		return nil, &apiError{Code: "NoSuchEntity", Status: 404, Message: "OpenIDConnect Provider not found for arn " + arn}
	}
	return p, nil
}

func createOIDC(k *iamCall) (any, error) {
	address := k.form.Get("Url")
	u, bad := url.Parse(address)
	if bad != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || len(address) > 255 {
		return nil, &apiError{Code: "ValidationError", Status: 400, Message: "Invalid Open ID Connect Provider URL"}
	}
	tags, err := k.tags()
	if err != nil {
		return nil, err
	}
	arn := k.oidcARN(address)
	if len(tags) > 0 {
		if err := k.may("iam:TagOpenIDConnectProvider", arn); err != nil {
			return nil, err
		}
	}
	if k.acct.OIDC[arn] != nil {
		return nil, &apiError{Code: "EntityAlreadyExists", Status: 409, Message: "Provider with url " + address + " already exists."}
	}
	clients := formList(k.form, "ClientIDList")
	if err := checkClients(clients); err != nil {
		return nil, err
	}
	if len(k.acct.OIDC) >= maxProviders {
		return nil, limit("OpenIdConnectProvidersPerAccount", itoa(maxProviders))
	}
	p := &oidcProvider{
		ARN: arn, URL: strings.TrimPrefix(address, "https://"),
		Thumbprints: formList(k.form, "ThumbprintList"), Created: time.Now().UTC().Truncate(time.Second), Tags: tags,
	}
	p.Exists.Set(true, k.lag())
	p.Clients.Set(clients, nil)
	k.acct.OIDC[arn] = p
	return struct {
		OpenIDConnectProviderArn string
		Tags                     members[tag]
	}{arn, listOf(tags)}, nil
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxProviders = 100 // of one account
	maxClients   = 100 // of one provider
)

func checkClients(ids []string) error {
	if len(ids) > maxClients {
		return limit("ClientIdsPerOpenIdConnectProvider", itoa(maxClients))
	}
	for _, id := range ids {
		if id == "" || len(id) > 255 {
			return invalid("clientID", id, "Member must have length between 1 and 255")
		}
	}
	return nil
}

func getOIDC(k *iamCall) (any, error) {
	p, err := k.oidc(true)
	if err != nil {
		return nil, err
	}
	return struct {
		URL            string `xml:"Url"`
		ClientIDList   members[string]
		ThumbprintList members[string]
		CreateDate     string
		Tags           members[tag]
	}{p.URL, listOf(p.Clients.Seen()), listOf(p.Thumbprints), stamp(p.Created), listOf(p.Tags)}, nil
}

func listOIDC(k *iamCall) (any, error) {
	type ref struct{ Arn string }
	var list []ref
	for _, p := range sorted(k.acct.OIDC) {
		if p.Exists.Seen() {
			list = append(list, ref{p.ARN})
		}
	}
	return struct{ OpenIDConnectProviderList members[ref] }{listOf(list)}, nil
}

func addClientID(k *iamCall) (any, error) {
	p, err := k.oidc(false)
	if err != nil {
		return nil, err
	}
	id := k.form.Get("ClientID")
	if slices.Contains(p.Clients.Now, id) {
		return nil, nil
	}
	list := append(slices.Clone(p.Clients.Now), id)
	if err := checkClients(list); err != nil {
		return nil, err
	}
	p.Clients.Set(list, k.lag())
	return nil, nil
}

func removeClientID(k *iamCall) (any, error) {
	p, err := k.oidc(false)
	if err != nil {
		return nil, err
	}
	p.Clients.Set(slices.DeleteFunc(slices.Clone(p.Clients.Now), func(id string) bool { return id == k.form.Get("ClientID") }), k.lag())
	return nil, nil
}

// deleteOIDC asks no role whether it trusts the provider, and does not mind one that is gone.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html
func deleteOIDC(k *iamCall) (any, error) {
	delete(k.acct.OIDC, k.form.Get("OpenIDConnectProviderArn"))
	return nil, nil
}

func updateThumbprints(k *iamCall) (any, error) {
	p, err := k.oidc(false)
	if err != nil {
		return nil, err
	}
	p.Thumbprints = formList(k.form, "ThumbprintList")
	return nil, nil
}

func tagOIDC(k *iamCall) (any, error) {
	p, err := k.oidc(false)
	if err != nil {
		return nil, err
	}
	tags, err := k.tags()
	if err != nil {
		return nil, err
	}
	merged := mergeTags(p.Tags, tags)
	if err := checkTags(merged); err != nil {
		return nil, err
	}
	p.Tags = merged
	return nil, nil
}

func untagOIDC(k *iamCall) (any, error) {
	p, err := k.oidc(false)
	if err != nil {
		return nil, err
	}
	gone := formList(k.form, "TagKeys")
	p.Tags = slices.DeleteFunc(slices.Clone(p.Tags), func(t tag) bool { return slices.Contains(gone, t.Key) })
	return nil, nil
}

func listOIDCTags(k *iamCall) (any, error) {
	p, err := k.oidc(true)
	if err != nil {
		return nil, err
	}
	return k.tagPage(p.Tags)
}
