// Promises about names, subjects and scripts.
package github

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestNamesThatGitHubAllowsAreAccepted(t *testing.T) {
	for _, s := range []string{"acme/shop", "a/b", "Acme-Inc/.github", "octo_acme/shop_2.0", "a1-b2/-x"} {
		if rule, _ := CheckRepository(s); rule != "" {
			t.Errorf("repository %q: got %q, want no fault", s, rule)
		}
	}
	for _, s := range []string{"main", "release/1.x", "a@b", "x.y", "ünïcode", "dependabot/npm_and_yarn/a-1.2"} {
		if rule, _ := CheckBranch(s, false); rule != "" {
			t.Errorf("branch %q: got %q, want no fault", s, rule)
		}
	}
	for _, s := range []string{"production", "prod: eu", "backup (nightly)", "HEAD"} {
		if rule, _ := CheckEnvironment(s, false); rule != "" {
			t.Errorf("environment %q: got %q, want no fault", s, rule)
		}
	}
}

func TestNamesThatCannotBeASubjectAreRefused(t *testing.T) {
	long := strings.Repeat("x", 300)
	wants := func(what string, check func(string) (string, string), bad ...string) {
		for _, s := range bad {
			if rule, accepts := check(s); rule == "" || accepts == "" {
				t.Errorf("%s %q: got rule %q, accepts %q; want both", what, s, rule, accepts)
			}
		}
	}
	wants("repository", CheckRepository, "", "acme", "/shop", "acme/", "acme/shop/x", "acme--inc/shop", "-acme/shop", "acme/shop.git", "acme/x.WIKI",
		"acme/..", "acme/*", "ac*/shop", "https://github.com/acme/shop", "git@github.com:acme/shop", "github.com/acme/shop", "acme/shop:x", "acme/sh op", "acme@1/shop@2",
		strings.Repeat("a", 40)+"/x", "a/"+long, "acme/shöp", "acme/shop\n")
	wants("ID", CheckID, "", "0", "012", "-1", "1e3", " 7", "acme", strings.Repeat("9", 20))
	branch := func(s string) (string, string) { return CheckBranch(s, false) }
	wants("branch", branch, "", "refs/heads/main", "HEAD", "a b", "a..b", "a:b", "a^", "~a", "a\\b", ".a", "a/.b", "a.lock", "a.lock/b", "a//b", "/a", "a/", "a.", "@", "a@{1}",
		"-a", "*", "rel?", "[a]", "a\x7f", "a\x00", "a\u202eb", long, "\xff")
	wants("tag", func(s string) (string, string) { return CheckTag(s, false) }, "", "refs/tags/v1", "v *", "v*")
	wants("environment", func(s string) (string, string) { return CheckEnvironment(s, false) }, "", " prod", "prod\n", "a'b", `a"b`, "a`b", "a,b", "a;b", `a\b`, "prod*", long)
}

func settings(pairs ...string) map[string]string {
	m := map[string]string{RepositorySetting: "acme/shop", RepositoryID: "456", OwnerID: "123"}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func TestExactlyOneScopeIsAsked(t *testing.T) {
	for _, c := range []struct {
		why      string
		settings map[string]string
		ids      bool
		fields   []string // of the faults
	}{
		{"one branch", settings("branch", "main"), true, nil},
		{"one environment", settings("environment", "prod"), true, nil},
		{"no IDs where they are a choice", map[string]string{RepositorySetting: "acme/shop", "tag": "v1"}, false, nil},
		{"no IDs where they are not", map[string]string{RepositorySetting: "acme/shop", "tag": "v1"}, true, []string{RepositoryID, OwnerID}},
		{"half of the IDs", map[string]string{RepositorySetting: "acme/shop", "tag": "v1", OwnerID: "1"}, false, []string{RepositoryID}},
		{"no scope", settings(), true, []string{BranchSetting}},
		{"no scope but pull requests", settings(AllowPullRequest, "true"), true, []string{BranchSetting}},
		{"two scopes", settings("branch", "main", "tag", "v1"), true, []string{TagSetting}},
		{"a wildcard that nobody allowed", settings("branch", "rel/*"), true, []string{BranchSetting}},
		{"a wildcard", settings("branch", "rel/*", AllowWildcard, "true"), true, nil},
		{"everything", map[string]string{}, true, []string{RepositorySetting, RepositoryID, OwnerID, BranchSetting}},
	} {
		_, faults := Read(c.settings, c.ids)
		var got []string
		for _, f := range faults {
			got = append(got, f.Field)
		}
		if !slices.Equal(got, c.fields) {
			t.Errorf("%s: got faults about %v, want %v", c.why, got, c.fields)
		}
	}
}

func TestSubjectsAreGitHubs(t *testing.T) {
	for _, c := range []struct {
		settings           map[string]string
		classic, immutable []string
	}{
		{settings("branch", "main"), []string{"repo:acme/shop:ref:refs/heads/main"}, []string{"repo:acme@123/shop@456:ref:refs/heads/main"}},
		{settings("tag", "v1"), []string{"repo:acme/shop:ref:refs/tags/v1"}, []string{"repo:acme@123/shop@456:ref:refs/tags/v1"}},
		{settings("environment", "prod:eu"), []string{"repo:acme/shop:environment:prod%3Aeu"}, []string{"repo:acme@123/shop@456:environment:prod%3Aeu"}},
		{settings("branch", "main", AllowPullRequest, "true"), []string{"repo:acme/shop:ref:refs/heads/main", "repo:acme/shop:pull_request"},
			[]string{"repo:acme@123/shop@456:ref:refs/heads/main", "repo:acme@123/shop@456:pull_request"}},
	} {
		w, faults := Read(c.settings, true)
		if len(faults) > 0 || !slices.Equal(w.Classic(), c.classic) || !slices.Equal(w.Immutable(), c.immutable) {
			t.Errorf("%v: got %v and %v (%v), want %v and %v", c.settings, w.Classic(), w.Immutable(), faults, c.classic, c.immutable)
		}
	}
}

func TestForgedClaimsDifferWhereTheySayAndNowhereElse(t *testing.T) {
	for _, scope := range []string{BranchSetting, TagSetting, EnvironmentSetting} {
		w, _ := Read(settings(scope, "main"), true)
		honest := w.Claims()
		for name, claims := range map[string][]string{
			OtherRepository: {"repository", "repository_id", "sub"},
			OtherBranch:     {map[string]string{BranchSetting: "ref", TagSetting: "ref", EnvironmentSetting: "environment"}[scope], "sub"},
			Fork:            {"repository", "repository_id", "repository_owner", "repository_owner_id", "sub"},
			WrongIssuer:     {"iss"},
			ExpiredToken:    nil,
		} {
			var differ []string
			for k, v := range w.Forged(name) {
				if !reflect.DeepEqual(v, honest[k]) {
					differ = append(differ, k)
				}
			}
			slices.Sort(differ)
			slices.Sort(claims)
			if !slices.Equal(differ, claims) {
				t.Errorf("%s of a %s: got other %v, want other %v", name, scope, differ, claims)
			}
		}
		pull := w.Forged(PullRequest)
		if pull["sub"] != "repo:acme@123/shop@456:pull_request" || pull["event_name"] != "pull_request" || pull["environment"] != nil {
			t.Errorf("pull request of a %s: got %v", scope, pull)
		}
	}
}

func TestNoValueBreaksOutOfTheScript(t *testing.T) {
	got := SecretScript("acme/shop", []Variable{{"IAM_ROLE", `x'; rm -rf "$HOME" #`}})
	want := "#!/bin/sh\nset -eu\ngh secret set 'IAM_ROLE' --repo 'acme/shop' --body 'x'\\''; rm -rf \"$HOME\" #'\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := VariableScript("acme/shop", []Variable{{"A", "b"}}); !strings.Contains(got, "gh variable set 'A' --repo 'acme/shop' --body 'b'\n") {
		t.Errorf("got %q, want a line that sets a variable", got)
	}
}

func TestForgeryIsTriedUnlessThePatternTrustsIt(t *testing.T) {
	for _, c := range []struct {
		scope, pattern string
		trusted        bool
	}{
		{BranchSetting, "*", true}, {BranchSetting, "*main", true}, {BranchSetting, "release/*", false}, {BranchSetting, "main", false},
		{TagSetting, "*", true}, {TagSetting, "v*", false}, {EnvironmentSetting, "prod*", true}, {EnvironmentSetting, "*-prod", false},
	} {
		w, _ := Read(settings(c.scope, c.pattern, AllowWildcard, "true"), true)
		if got := w.Trusts(OtherBranch); got != c.trusted {
			t.Errorf("%s %q: got trusted %t, want %t", c.scope, c.pattern, got, c.trusted)
		}
		if w.Trusts(PullRequest) || w.Trusts(Fork) || w.Trusts(OtherRepository) {
			t.Errorf("%s %q: got others trusted", c.scope, c.pattern)
		}
	}
	if w, _ := Read(settings(BranchSetting, "main", AllowPullRequest, "true"), true); !w.Trusts(PullRequest) {
		t.Error("got pull requests not trusted, though they are")
	}
}

func TestKeyOfTheRunGoesToGitHubsHostsOnly(t *testing.T) {
	for address, want := range map[string][2]bool{ // without and with consent
		"https://run.actions.githubusercontent.com/x?y=1":          {true, true},
		"https://pipelinesghubeus1.actions.githubusercontent.com/": {true, true},
		"http://run.actions.githubusercontent.com/x":               {false, false},
		"https://actions.githubusercontent.com.evil.example/x":     {false, true},
		"https://evil.example/.actions.githubusercontent.com":      {false, true},
		"https://run.actions.githubusercontent.com@evil.example":   {false, false},
		"https://evilactions.githubusercontent.com":                {false, true},
		"https://": {false, false},
		"":         {false, false},
	} {
		_, alone := TokenURL(address, false)
		_, agreed := TokenURL(address, true)
		if got := [2]bool{alone, agreed}; got != want {
			t.Errorf("%q: got %t, want %t", address, got, want)
		}
	}
}

func TestTriggersMatchTheVeryTag(t *testing.T) {
	for _, c := range []struct {
		tag       string
		wildcards bool
		want      string
	}{
		{"v1", false, "v1"},
		{"v1+build", false, `v1\+build`},
		{"!v1]", false, `\!v1\]`},
		{"v1+*", true, `v1\+**`},
		{"v?", true, "v**"},
		{"release/ü-1.0", false, "release/ü-1.0"},
	} {
		if got := Filter(c.tag, c.wildcards); got != c.want {
			t.Errorf("%q: got %q, want %q", c.tag, got, c.want)
		}
	}
}
