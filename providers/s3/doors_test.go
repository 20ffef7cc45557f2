// Doors: who may take on the role of a random grant, before the same three judges.
package s3_test

import (
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// visitor is somebody at the door, and what they show.
type visitor struct {
	who    fakeaws.Principal
	action string
	shows  map[string]string
	when   time.Time
}

const (
	issuer   = "token.actions.githubusercontent.com"
	audience = "sts.amazonaws.com"
)

// entered asks all three about everybody who might come.
func (h *holder) entered(t court) {
	if h.trust == "" {
		return
	}
	everything := []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	role := "arn:" + h.place.partition + ":iam::" + ownAccount + ":role/taken"
	fake := fakeaws.Request{Resource: role, ResourceAccount: ownAccount, Demand: true, Attached: &fakeaws.Policy{Name: "trust", Document: parsed(t, []byte(h.trust))}}
	second := plea{Resource: role, ResourceAccount: ownAccount, Demand: true, Attached: &titled{"trust", read(t, []byte(h.trust))}}
	for _, v := range h.visitors() {
		context := map[string][]string{"aws:CurrentTime": {v.when.Format(time.RFC3339)}}
		for k, value := range v.shows {
			context[k] = []string{value}
		}
		fake.Principal, fake.Action, fake.Context, fake.Identity = v.who, v.action, context, nil
		second.Principal, second.Action, second.Context, second.Identity = struct{ ARN, Role, ID, Service, Federated string }(v.who), v.action, context, nil
		if v.who.ARN != "" { // whose own account lets them do everything
			fake.Identity = []fakeaws.Policy{{Name: "own", Document: parsed(t, everything)}}
			second.Identity = []titled{{"own", read(t, everything)}}
		}
		first, then, words := fakeaws.Evaluate(fake), second.judge(), h.welcome(v)
		if first.Allowed != then.allowed || first.Allowed != words {
			t.Fatalf("three judges disagree at the door\ngrant  %s\nwho    %+v %s\nwith   %v\nfake   %+v\nsecond %+v\nwords  %v", text(h.grant), v.who, v.action, context, first, then, words)
		}
	}
}

// visitors are whoever might pass for the grantee, each at several moments.
func (h *holder) visitors() (list []visitor) {
	partition := h.place.partition
	moments := []time.Time{today}
	if e := h.grant.Limits.Expires; !e.IsZero() {
		moments = append(moments, e.Add(-time.Second), e, e.Add(time.Hour))
	}
	session := func(account, role string) fakeaws.Principal {
		return fakeaws.Principal{ARN: "arn:" + partition + ":sts::" + account + ":assumed-role/" + role + "/s", Role: "arn:" + partition + ":iam::" + account + ":role/" + role, ID: "AROAEXAMPLE:s"}
	}
	user := func(account string) fakeaws.Principal {
		return fakeaws.Principal{ARN: "arn:" + partition + ":iam::" + account + ":user/mallory", ID: "AIDAEXAMPLE"}
	}
	provider := func(name string) fakeaws.Principal {
		return fakeaws.Principal{Federated: "arn:" + partition + ":iam::" + ownAccount + ":oidc-provider/" + name}
	}
	external := h.grant.Settings["external-id"]
	for _, when := range moments {
		for _, who := range []fakeaws.Principal{
			session(vendorAccount, "sync"), session(vendorAccount, "synchronise"), session("999900001111", "sync"), session(ownAccount, "sync"), user(vendorAccount), user(ownAccount),
			{Service: "backup.amazonaws.com"}, {Service: "ec2.amazonaws.com"}, {},
		} {
			for _, shown := range []map[string]string{{"sts:ExternalId": external}, {"sts:ExternalId": external + "x"}, {"sts:ExternalId": strings.ToUpper(external) + "-"}, {}} {
				list = append(list, visitor{who, "sts:AssumeRole", shown, when})
			}
			list = append(list, visitor{who, "sts:TagSession", map[string]string{"sts:ExternalId": external}, when})
		}
		for _, sub := range subjects(h.grant.Settings) {
			token := func(from, aud string) {
				list = append(list, visitor{provider(from), "sts:AssumeRoleWithWebIdentity", map[string]string{issuer + ":aud": aud, issuer + ":sub": sub}, when})
			}
			token(issuer, audience)
			if trusted(h.grant.Settings, sub) {
				token(issuer, "sts.example.com")
				token(issuer, "")
				token("token.example.com", audience)
			}
		}
		list = append(list, visitor{provider(issuer), "sts:AssumeRoleWithWebIdentity", map[string]string{issuer + ":aud": audience}, when})
	}
	return list
}

// repositories are the repository as its subjects name it, in both forms.
func repositories(set map[string]string) (classic, immutable string) {
	owner, name, _ := strings.Cut(set["repository"], "/")
	return "repo:" + owner + "/" + name + ":", "repo:" + owner + "@123456/" + name + "@456789:"
}

// subjects are those of trusted runs and of others like them.
func subjects(set map[string]string) (list []string) {
	classic, immutable := repositories(set)
	evil := strings.Replace(classic, "repo:", "repo:x", 1)
	for _, repo := range []string{classic, immutable, evil, strings.TrimSuffix(classic, ":") + "x:", strings.ToUpper(classic)} {
		for _, scope := range []string{
			"ref:refs/heads/main", "ref:refs/heads/mainx", "ref:refs/heads/release/1", "ref:refs/heads/release", "ref:refs/heads/prod", "ref:refs/heads/a/b", "ref:refs/heads/v1",
			"ref:refs/tags/main", "ref:refs/tags/release/1/2", "ref:refs/tags/v1", "ref:refs/tags/v12", "ref:refs/tags/prod", "ref:refs/tags/a/b",
			"environment:main", "environment:prod", "environment:release/x", "environment:v2", "environment:a/b", "pull_request", "", "*",
		} {
			list = append(list, repo+scope)
		}
	}
	return append(list, "")
}

// welcome says in words whether the grant lets v in.
func (h *holder) welcome(v visitor) bool {
	if e := h.grant.Limits.Expires; !e.IsZero() && !v.when.Before(e) {
		return false
	}
	set := h.grant.Settings
	switch h.grant.Who {
	case core.WhoService:
		return v.action == "sts:AssumeRole" && v.who.Service == "backup.amazonaws.com"
	case core.WhoAccount:
		known := field(v.who.ARN, 4) == vendorAccount && (set["vendor-role"] == "" || v.who.Role == set["vendor-role"])
		return v.action == "sts:AssumeRole" && known && v.shows["sts:ExternalId"] == set["external-id"]
	case core.WhoOIDC:
		return strings.HasSuffix(v.who.Federated, ":oidc-provider/"+issuer) && v.shows[issuer+":aud"] == audience && trusted(set, v.shows[issuer+":sub"])
	}
	return false
}

// trusted says in words whether a run with that subject is one of those that are meant.
func trusted(set map[string]string, sub string) bool {
	classic, immutable := repositories(set)
	form := set["subject-form"]
	if form == "" {
		form = "classic"
		if set["repository-id"] != "" {
			form = "both"
		}
	}
	scope, is := strings.CutPrefix(sub, classic)
	is = is && form != "immutable"
	if rest, numbered := strings.CutPrefix(sub, immutable); numbered && form != "classic" {
		scope, is = rest, true
	}
	if !is {
		return false
	}
	if scope == "pull_request" {
		return set["allow-pull-request"] == "true"
	}
	for setting, lead := range map[string]string{"branch": "ref:refs/heads/", "tag": "ref:refs/tags/", "environment": "environment:"} {
		if name, ok := strings.CutPrefix(scope, lead); ok && set[setting] != "" {
			return like(set[setting], name)
		}
	}
	return false
}

// like compares with a pattern, one character after the other.
func like(pattern, name string) bool {
	switch {
	case pattern == "":
		return name == ""
	case pattern[0] == '*':
		return like(pattern[1:], name) || name != "" && like(pattern, name[1:])
	}
	return name != "" && (pattern[0] == '?' || pattern[0] == name[0]) && like(pattern[1:], name[1:])
}
