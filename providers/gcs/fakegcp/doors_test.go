// Doors: whose tokens a random grant's provider takes, before the same three judges.
package fakegcp_test

import (
	"maps"
	"strings"

	"pgregory.net/rapid"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

// enter asks all three about everybody who might come.
func enter(t *rapid.T, g core.Grant, condition string) {
	for _, claims := range tokens(g) {
		first, err := fakegcp.Claims(condition, claims)
		fake := err == nil && first == true
		out, ok := celEval(celClaims, condition, map[string]any{"assertion": claims})
		second, words := ok && out == true, welcome(g, claims)
		if fake != second || fake != words {
			t.Fatalf("three judges disagree at the door\ngrant     %s\ncondition %s\nclaims    %v\nfake %v (%v), second %v (%v), words %v", text(g), condition, claims, fake, err, second, out, words)
		}
	}
}

// tokens are those of trusted runs and sessions, and of others like them.
func tokens(g core.Grant) (list []map[string]any) {
	set := g.Settings
	if g.Who == gcs.WhoAWSRole {
		own := "arn:aws:sts::" + set["vendor-aws-account"] + ":assumed-role/" + set["vendor-aws-role"] + "/" + set["session"]
		for _, arn := range []string{own, own + "x", strings.Replace(own, "422074288268", "999900001111", 1), strings.ToUpper(own), strings.Replace(own, "/", "/x", 1), "", "arn:aws:iam::422074288268:user/x"} {
			list = append(list, map[string]any{"arn": arn, "account": set["vendor-aws-account"], "userid": "AROA:x"})
		}
		return append(list, map[string]any{"account": set["vendor-aws-account"]})
	}
	add := func(change map[string]any) {
		claims := map[string]any{"repository": "acme/shop", "repository_id": "456789", "repository_owner_id": "123456", "event_name": "push", "ref": "refs/heads/main", "sub": "repo:acme/shop:x", "run_id": "1"}
		maps.Copy(claims, change)
		list = append(list, claims)
	}
	for _, ref := range []string{
		"refs/heads/main", "refs/heads/mainx", "refs/heads/release/1", "refs/heads/release", "refs/heads/a.b", "refs/heads/axb", "refs/heads/a.b1", "refs/heads/axb1", "refs/heads/v1", "refs/heads/v12", "refs/heads/x+(y)", "refs/heads/xx(y)",
		"refs/tags/main", "refs/tags/release/a/b", "refs/tags/v1", "refs/tags/a.b", "refs/tags/axb1", "refs/tags/a/b", "refs/tags/x+(y)", "refs/pull/1/merge", "x/refs/heads/main", "refs/heads/main\nx", "",
	} {
		for _, event := range []string{"push", "pull_request", "pull_request_target"} {
			add(map[string]any{"ref": ref, "event_name": event})
		}
		add(map[string]any{"ref": ref, "repository_id": "456780"})
		add(map[string]any{"ref": ref, "repository_owner_id": "1"})
	}
	for _, environment := range []string{"main", "mainx", "release/1", "v1", "v", "a.b", "axb", "a.b2", "axb2", "a/b", "x+(y)", ""} {
		for _, event := range []string{"push", "pull_request", "pull_request_target"} {
			add(map[string]any{"environment": environment, "event_name": event})
		}
		add(map[string]any{"environment": environment, "repository_id": "45678"})
	}
	return list
}

// welcome says in words whether the grant lets whoever shows claims in.
func welcome(g core.Grant, claims map[string]any) bool {
	set := g.Settings
	if g.Who == gcs.WhoAWSRole {
		return claims["arn"] == "arn:aws:sts::"+set["vendor-aws-account"]+":assumed-role/"+set["vendor-aws-role"]+"/"+set["session"]
	}
	if claims["repository_id"] != set["repository-id"] || claims["repository_owner_id"] != set["repository-owner-id"] {
		return false
	}
	event, _ := claims["event_name"].(string)
	pulls := set["allow-pull-request"] == "true"
	if pulls && event == "pull_request" {
		return true
	}
	if !pulls && strings.HasPrefix(event, "pull_request") {
		return false
	}
	ref, _ := claims["ref"].(string)
	for setting, lead := range map[string]string{"branch": "refs/heads/", "tag": "refs/tags/"} {
		if name, ok := strings.CutPrefix(ref, lead); ok && set[setting] != "" {
			return like(set[setting], name)
		}
	}
	environment, named := claims["environment"].(string)
	return named && set["environment"] != "" && like(set["environment"], environment)
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
