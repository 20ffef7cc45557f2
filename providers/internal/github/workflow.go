// Workflow: which runs of which repository are trusted, read from settings that are the same for every cloud.
package github

import (
	"strings"
)

// The names of the settings that say which workflow is trusted.
const (
	RepositorySetting  = "repository"
	RepositoryID       = "repository-id"
	OwnerID            = "repository-owner-id"
	BranchSetting      = "branch"
	TagSetting         = "tag"
	EnvironmentSetting = "environment"
	AllowPullRequest   = "allow-pull-request"
	AllowWildcard      = "allow-wildcard-subject"
)

// Workflow is which runs are trusted: those of one repository, for one branch,
// tag or environment.
type Workflow struct {
	Owner, Repository string // without the owner
	OwnerID, ID       string // numbers that stay when names change; "" if they are not known
	Branch            string // one of these three
	Tag               string
	Environment       string
	PullRequest       bool // runs for pull requests are trusted beside them
	Wildcard          bool // the branch, tag or environment may hold "*" and "?"
}

// Fault is one thing that is wrong with a setting.
type Fault struct{ Field, Value, Rule, Accepts string }

// Read reads a workflow from settings and names everything that cannot be one.
// With needIDs, the numbers are not a choice.
func Read(settings map[string]string, needIDs bool) (Workflow, []Fault) {
	owner, name, _ := strings.Cut(settings[RepositorySetting], "/")
	w := Workflow{
		Owner: owner, Repository: name,
		OwnerID: settings[OwnerID], ID: settings[RepositoryID],
		Branch: settings[BranchSetting], Tag: settings[TagSetting], Environment: settings[EnvironmentSetting],
		PullRequest: settings[AllowPullRequest] == "true", Wildcard: settings[AllowWildcard] == "true",
	}
	var faults []Fault
	check := func(field string, f func(string) (string, string)) {
		if rule, accepts := f(settings[field]); rule != "" {
			faults = append(faults, Fault{field, settings[field], rule, accepts})
		}
	}
	check(RepositorySetting, CheckRepository)
	if needIDs || w.OwnerID != "" || w.ID != "" {
		check(RepositoryID, CheckID)
		check(OwnerID, CheckID)
	}
	var scopes []string
	for _, s := range []struct {
		field string
		check func(string, bool) (string, string)
	}{{BranchSetting, CheckBranch}, {TagSetting, CheckTag}, {EnvironmentSetting, CheckEnvironment}} {
		if settings[s.field] == "" {
			continue
		}
		scopes = append(scopes, s.field)
		check(s.field, func(v string) (string, string) {
			rule, accepts := s.check(v, w.Wildcard)
			if strings.ContainsAny(v, "*?") && !w.Wildcard {
				accepts += ", or " + AllowWildcard + ": true"
			}
			return rule, accepts
		})
	}
	const one = `exactly one of branch, tag or environment, e.g. branch: "main"`
	switch len(scopes) {
	case 0:
		faults = append(faults, Fault{BranchSetting, "", "is missing: every branch of the repository would be trusted, and whoever can push one", one})
	case 1:
	default:
		faults = append(faults, Fault{scopes[1], settings[scopes[1]], "contradicts " + scopes[0] + ": a run says one of them", one})
	}
	return w, faults
}

// Name is "OWNER/REPOSITORY".
func (w Workflow) Name() string { return w.Owner + "/" + w.Repository }

// Ref is the claim "ref" of trusted runs; "" if an environment is what counts.
func (w Workflow) Ref() string {
	switch {
	case w.Branch != "":
		return "refs/heads/" + w.Branch
	case w.Tag != "":
		return "refs/tags/" + w.Tag
	}
	return ""
}

// scope is what the subject says behind the repository. A job that names an
// environment has that in its subject, whatever its branch.
// https://docs.github.com/en/actions/reference/security/oidc
func (w Workflow) scope() string {
	if w.Environment != "" {
		return "environment:" + strings.ReplaceAll(w.Environment, ":", "%3A")
	}
	return "ref:" + w.Ref()
}

const pullRequest = "pull_request"

// Classic are the subjects of trusted runs as repositories have them that were
// made before 2026-07-15 and never renamed since.
func (w Workflow) Classic() []string { return w.subjects("repo:" + w.Name()) }

// Immutable are the subjects with the numbers in them, as repositories have them
// that were made, renamed or moved since. Both numbers must be known.
// https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens
func (w Workflow) Immutable() []string {
	return w.subjects("repo:" + w.Owner + "@" + w.OwnerID + "/" + w.Repository + "@" + w.ID)
}

func (w Workflow) subjects(repository string) []string {
	list := []string{repository + ":" + w.scope()}
	if w.PullRequest {
		list = append(list, repository+":"+pullRequest)
	}
	return list
}

// HasWildcard reports whether a subject holds what only a pattern can match.
func (w Workflow) HasWildcard() bool {
	return strings.ContainsAny(w.Branch+w.Tag+w.Environment, "*?")
}
