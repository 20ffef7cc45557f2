// GitHub: what its names look like, and what its Actions workflows say about themselves in signed tokens.

// Package github knows the names and token claims of GitHub Actions, for every
// cloud that trusts them. It makes no call.
package github

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Issuer signs the tokens of workflows on github.com.
// https://docs.github.com/en/actions/reference/security/oidc
const Issuer = "https://token.actions.githubusercontent.com"

var (
	// An enterprise's managed users have "_" and its short code at the end of their names.
	// https://docs.github.com/en/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication
	ownerName = regexp.MustCompile(`^[A-Za-z0-9]+(-[A-Za-z0-9]+)*(_[A-Za-z0-9]+)?$`)
	// https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits#repository-name
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	numericID      = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
)

// The longest names, in bytes; refs are files as well.
const (
	maxOwner       = 39
	maxRepository  = 100
	maxRef         = 244
	maxEnvironment = 255
)

// What would be accepted.
const (
	repositoryForm  = `OWNER/REPOSITORY as in the address on github.com, e.g. "acme/shop"`
	idForm          = "digits, as GitHub's API shows them: gh api repos/OWNER/REPOSITORY --jq '.id, .owner.id'"
	branchForm      = `the name of one branch without refs/heads/, e.g. "main"`
	tagForm         = `the name of one tag without refs/tags/, e.g. "v1"`
	environmentForm = `the name of one environment, as the workflow spells it, e.g. "backup"`
)

// CheckRepository returns the rule that "OWNER/REPOSITORY" breaks and what would
// be accepted; the rule is "" if it breaks none.
func CheckRepository(s string) (rule, accepts string) {
	owner, name, ok := strings.Cut(s, "/")
	switch {
	case s == "":
		rule = "is missing"
	case strings.Contains(s, "://") || strings.HasPrefix(s, "github.com/") || strings.HasPrefix(s, "git@"):
		rule = "is an address, not a name"
	case !ok || strings.Contains(name, "/"):
		rule = "is not an owner and a repository"
	case strings.ContainsAny(s, "*?"):
		rule = "has a wildcard, which would trust repositories that do not exist yet"
	case !ownerName.MatchString(owner) || len(owner) > maxOwner:
		rule = "has an owner that GitHub does not allow: at most 39 letters, digits and single hyphens between them"
	case !repositoryName.MatchString(name) || len(name) > maxRepository || name == "." || name == "..":
		rule = `has a repository name that GitHub does not allow: at most 100 letters, digits, "-", "_" and "."`
	case strings.HasSuffix(strings.ToLower(name), ".git") || strings.HasSuffix(strings.ToLower(name), ".wiki"):
		rule = "has a repository name with an ending that GitHub reserves"
	}
	return rule, repositoryForm
}

// CheckID is [CheckRepository] for the number of a repository or its owner.
func CheckID(s string) (rule, accepts string) {
	switch {
	case s == "":
		rule = "is missing: names can be given up and taken by somebody else, numbers cannot"
	case !numericID.MatchString(s):
		rule = "is not a number of GitHub's"
	}
	return rule, idForm
}

// CheckBranch is [CheckRepository] for a branch. Only with wildcards may it hold "*" and "?".
func CheckBranch(s string, wildcards bool) (rule, accepts string) {
	rule = refRule(s, wildcards)
	switch {
	case rule != "":
	case s == "HEAD":
		rule = "is not a branch that GitHub allows"
	case strings.HasPrefix(s, "refs/"):
		rule = "is a ref, not the name of a branch"
	}
	return rule, branchForm
}

// CheckTag is [CheckRepository] for a tag. Only with wildcards may it hold "*" and "?".
func CheckTag(s string, wildcards bool) (rule, accepts string) {
	rule = refRule(s, wildcards)
	if rule == "" && strings.HasPrefix(s, "refs/") {
		rule = "is a ref, not the name of a tag"
	}
	return rule, tagForm
}

// CheckEnvironment is [CheckRepository] for an environment of deployments. The
// claim has the workflow's spelling, though GitHub finds the environment in any.
func CheckEnvironment(s string, wildcards bool) (rule, accepts string) {
	switch {
	case s == "":
		rule = "is missing"
	case len(s) > maxEnvironment || !utf8.ValidString(s):
		rule = "is longer than 255 bytes, or not valid UTF-8"
	case strings.ContainsAny(s, "'\"`,;\\") || strings.ContainsFunc(s, unprintable):
		rule = "has a character that GitHub does not allow in an environment's name"
	case strings.TrimSpace(s) != s:
		rule = "begins or ends with white space"
	case !wildcards && strings.ContainsAny(s, "*?"):
		rule = "has a wildcard, which would trust environments that do not exist yet"
	}
	return rule, environmentForm
}

// refRule returns the rule of git's that the name of a branch or tag breaks, or "".
// https://git-scm.com/docs/git-check-ref-format
func refRule(s string, wildcards bool) string {
	switch {
	case s == "":
		return "is missing"
	case len(s) > maxRef || !utf8.ValidString(s):
		return "is longer than 244 bytes, or not valid UTF-8"
	case !wildcards && strings.ContainsAny(s, "*?"):
		return "has a wildcard, which would trust branches and tags that do not exist yet"
	case strings.ContainsAny(s, " ~^:[\\") || strings.ContainsFunc(s, unprintable):
		return "has a character that git does not allow there"
	case strings.HasPrefix(s, "-"), strings.Contains(s, ".."), strings.Contains(s, "@{"), s == "@", strings.HasSuffix(s, "."):
		return "is not a name that git allows"
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return "is not a name that git allows"
		}
	}
	return ""
}

func unprintable(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
