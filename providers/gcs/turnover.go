// Turnover: who loses and who gains when a provider of ours is given to somebody else.
package gcs

import (
	"regexp"
	"strings"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

const repositoryMark = "; repository="

// providerDescription is the mark of a provider, with the repository's name as
// far as there is room: its condition has numbers only.
func providerDescription(g core.Grant) string {
	mine := description(g)
	if named := mine + repositoryMark + g.Settings[github.RepositorySetting]; g.Who == core.WhoOIDC && len(named) <= mostDescribed {
		return named
	}
	return mine
}

var (
	repositoryOf = regexp.MustCompile(`assertion\.repository_id == "([0-9]+)"`)
	sessionOf    = regexp.MustCompile(`^assertion\.arn == "([^"]+)"$`)
)

// letsIn is whom a provider lets in, for people: a repository, or a role's
// session on AWS; "" if its condition is none of ours.
func letsIn(description, condition string) string {
	if m := repositoryOf.FindStringSubmatch(condition); m != nil {
		if _, name, ok := strings.Cut(description, repositoryMark); ok {
			return "the repository " + printable(name) + " (number " + m[1] + ")"
		}
		return "the repository with the number " + m[1]
	}
	if m := sessionOf.FindStringSubmatch(condition); m != nil {
		return printable(m[1])
	}
	return ""
}

// turnover says that somebody loses the access to somebody else, as when a
// second repository is given a grant of the same name; "" if nobody does.
func (f federation) turnover(have *iam.WorkloadIdentityPoolProvider) string {
	loses, gains := letsIn(have.Description, have.AttributeCondition), letsIn(f.provider.Description, f.provider.Condition)
	if loses == "" || numbersAlone(have.AttributeCondition) == numbersAlone(f.provider.Condition) {
		return ""
	}
	return ": " + strings.ToUpper(loses[:1]) + loses[1:] + " LOSES THE ACCESS, and " + gains + " gains it; give each a grant of its own with --name, unless that is meant"
}

// numbersAlone is who a condition is about, whatever it is called today.
func numbersAlone(condition string) string { return letsIn("", condition) }
