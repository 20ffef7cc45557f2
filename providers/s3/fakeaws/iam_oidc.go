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
	}
}

func (k *iamCall) oidcARN(address string) string {
	_, host, _ := strings.Cut(address, "://")
	return "arn:" + k.state.Partition + ":iam::" + k.acct.ID + ":oidc-provider/" + strings.TrimSuffix(host, "/")
}

func (k *iamCall) oidc() (*oidcProvider, error) {
	arn := k.form.Get("OpenIDConnectProviderArn")
	p := k.acct.OIDC[arn]
	if p == nil {
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
	if len(clients) > 100 {
		return nil, limit("ClientIdsPerOpenIdConnectProvider", "100")
	}
	k.acct.OIDC[arn] = &oidcProvider{
		ARN: arn, URL: strings.TrimPrefix(address, "https://"), Clients: clients,
		Thumbprints: formList(k.form, "ThumbprintList"), Created: time.Now().UTC().Truncate(time.Second), Tags: tags,
	}
	return struct {
		OpenIDConnectProviderArn string
		Tags                     members[tag]
	}{arn, listOf(tags)}, nil
}

func getOIDC(k *iamCall) (any, error) {
	p, err := k.oidc()
	if err != nil {
		return nil, err
	}
	return struct {
		URL            string `xml:"Url"`
		ClientIDList   members[string]
		ThumbprintList members[string]
		CreateDate     string
		Tags           members[tag]
	}{p.URL, listOf(p.Clients), listOf(p.Thumbprints), stamp(p.Created), listOf(p.Tags)}, nil
}

func listOIDC(k *iamCall) (any, error) {
	type ref struct{ Arn string }
	var list []ref
	for _, p := range sorted(k.acct.OIDC) {
		list = append(list, ref{p.ARN})
	}
	return struct{ OpenIDConnectProviderList members[ref] }{listOf(list)}, nil
}

func addClientID(k *iamCall) (any, error) {
	p, err := k.oidc()
	if err != nil {
		return nil, err
	}
	if id := k.form.Get("ClientID"); !slices.Contains(p.Clients, id) {
		p.Clients = append(slices.Clone(p.Clients), id)
	}
	return nil, nil
}

func removeClientID(k *iamCall) (any, error) {
	p, err := k.oidc()
	if err != nil {
		return nil, err
	}
	p.Clients = slices.DeleteFunc(slices.Clone(p.Clients), func(id string) bool { return id == k.form.Get("ClientID") })
	return nil, nil
}

func deleteOIDC(k *iamCall) (any, error) {
	p, err := k.oidc()
	if err != nil {
		return nil, err
	}
	delete(k.acct.OIDC, p.ARN)
	return nil, nil
}
