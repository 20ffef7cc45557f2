// GitHub: workflows of one repository, let in by the numbers that stay when names change.
package gcs

import (
	"context"
	"strconv"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// workflowGrantee is runs of a workflow in one repository on GitHub.
type workflowGrantee struct{}

const githubProvider = "github-actions"

func (workflowGrantee) identity() core.Identity {
	return core.Identity{Who: core.WhoOIDC, Title: "workflows of one GitHub repository, by the token that GitHub signs for each run",
		Why: "nothing is handed over that could be lost, and each token is good for minutes: choose it for whatever runs in GitHub Actions",
		Forgeries: []core.Forgery{
			{Name: github.OtherRepository, Why: "another repository of the same owner"},
			{Name: github.OtherBranch, Why: "the same repository from another branch, tag or environment"},
			{Name: github.Fork, Why: "somebody's copy of the repository"},
			{Name: github.PullRequest, Why: "a pull request, which anybody may open"},
			{Name: github.WrongAudience, Why: "a token that was issued for another service"},
			{Name: github.WrongIssuer, Why: "another issuer that says the same"},
			{Name: github.ExpiredToken, Why: "a token that was found in yesterday's log"},
			{Name: github.UnsignedToken, Why: "a token without a signature"},
			{Name: github.ForgedSignature, Why: "a token that was altered after GitHub had signed it"},
		}}
}

func (workflowGrantee) settings() []core.Setting {
	return []core.Setting{
		{Name: github.RepositorySetting, Usage: "repository on GitHub whose workflows get access, as OWNER/REPOSITORY", Example: "acme/shop", Required: true},
		{Name: github.RepositoryID, Usage: "number of the repository, which nobody can take over: gh api repos/OWNER/REPOSITORY --jq .id", Example: "456789012", Required: true},
		{Name: github.OwnerID, Usage: "number of its owner: gh api repos/OWNER/REPOSITORY --jq .owner.id", Example: "1234567", Required: true},
		{Name: github.BranchSetting, Usage: "branch that runs must be for; one of branch, tag and environment is needed", Example: "main", Required: true},
		{Name: github.TagSetting, Usage: "tag that runs must be for", Example: "v1"},
		{Name: github.EnvironmentSetting, Usage: "environment that jobs must name, as the workflow spells it; its protection rules then guard the access", Example: "backup"},
		{Name: github.AllowPullRequest, Usage: "also trust runs for pull requests", Example: "false", Flag: true},
		{Name: github.AllowWildcard, Usage: `let branch, tag or environment hold "*"`, Example: "false", Flag: true},
	}
}

func (workflowGrantee) parts(d design) parts {
	w, f, faults := workflowOf(d)
	p := parts{
		members:   []string{workflowMember(f, projectNumberText, w)},
		resources: f.resources(),
		documents: f.documents(),
		operator:  f.operator(),
		notes:     []string{"workflows of " + w.Name() + " are known by the numbers of the repository and its owner: renaming changes nothing, and whoever takes the old name over gets nothing"},
		faults:    faults,
	}
	if w.Environment == "" {
		p.notes = append(p.notes, "whoever can push to "+w.Ref()+" can use this access: protect it, or name an environment whose rules you set")
	}
	if w.PullRequest {
		p.notes = append(p.notes, "runs for pull requests are trusted: whoever may open one from a branch of the repository can use this access")
	}
	if w.HasWildcard() {
		p.notes = append(p.notes, "a pattern is trusted: whoever can make a branch, tag or environment that it matches can use this access")
	}
	return p
}

func (workflowGrantee) open(r *run) holder {
	w, f, _ := workflowOf(r.design)
	g := newGuest(r, f)
	g.member = func(number string) string { return workflowMember(f, number, w) }
	g.tell = func(number string) []core.Output { return workflowOutputs(f, w, number) }
	return g
}

// workflowMember is all that the provider lets in. Its condition says who that
// is; digits are all that the member has to spell.
func workflowMember(f federation, number string, w github.Workflow) string {
	return f.having(number, "repository_id", w.ID)
}

// workflowOf reads the workflow of d and what lets it in.
func workflowOf(d design) (github.Workflow, federation, core.Faults) {
	w, wrong := github.Read(d.grant.Settings, true)
	var faults core.Faults
	for _, f := range wrong {
		faults = append(faults, core.Fault{Field: f.Field, Value: f.Value, Rule: f.Rule, Accepts: f.Accepts})
	}
	f := federationOf(d, githubProvider, providerDocument{
		Mapping:   workflowMapping(w),
		Condition: workflowCondition(w),
		OIDC:      &oidcDocument{github.Issuer},
	})
	if len(faults) == 0 {
		field, value := workflowScope(w)
		faults = f.limits(field, workflowSubject(w, value))
	}
	return w, f, faults
}

// workflowScope is the claim that the workflow is narrowed by, and its value.
func workflowScope(w github.Workflow) (field, value string) {
	switch {
	case w.Environment != "":
		return github.EnvironmentSetting, w.Environment
	case w.Tag != "":
		return github.TagSetting, w.Ref()
	}
	return github.BranchSetting, w.Ref()
}

// vague reports whether what a trusted run says of itself is not known beforehand.
func vague(w github.Workflow) bool { return w.PullRequest || w.HasWildcard() }

// workflowSubject is what a trusted run is called in logs. GitHub's own subject
// may be longer than Google takes; where the branch is not known beforehand, the
// run's number is short whatever it is.
func workflowSubject(w github.Workflow, scope string) string {
	if vague(w) {
		return w.ID + ":run:" + strings.Repeat("0", 20)
	}
	if w.Environment != "" {
		scope = "environment:" + scope
	}
	return w.ID + ":" + scope
}

// workflowMapping makes the subject that [workflowSubject] foresees.
func workflowMapping(w github.Workflow) map[string]string {
	const id = "assertion.repository_id"
	m := map[string]string{"attribute.repository_id": id, "attribute.ref": "assertion.ref"}
	switch {
	case vague(w):
		m[subjectMapping] = id + ` + ":run:" + assertion.run_id`
	case w.Environment != "":
		m[subjectMapping] = id + ` + ":environment:" + assertion.environment`
		m["attribute.environment"] = "assertion.environment"
	default:
		m[subjectMapping] = id + ` + ":" + assertion.ref`
	}
	return m
}

// workflowCondition is true for trusted runs only. The numbers come first: names
// can be given up and taken by somebody else. A run for a pull request may say
// the branch that it is for.
// https://docs.github.com/en/actions/reference/security/oidc
func workflowCondition(w github.Workflow) string {
	repository := "assertion.repository_owner_id == " + strconv.Quote(w.OwnerID) + " && assertion.repository_id == " + strconv.Quote(w.ID)
	claim, value := "assertion.ref", w.Ref()
	if w.Environment != "" {
		claim, value = "assertion.environment", w.Environment
	}
	scope := claim + " == " + strconv.Quote(value)
	if strings.ContainsAny(value, "*?") {
		scope = claim + ".matches(" + strconv.Quote(pattern(value)) + ")"
	}
	if w.PullRequest {
		return repository + ` && (assertion.event_name == "pull_request" || ` + scope + ")"
	}
	return repository + " && " + scope + ` && !assertion.event_name.startsWith("pull_request")`
}

// pattern is a regular expression for what "*" and "?" stand for, whole strings only.
func pattern(glob string) string {
	var b strings.Builder
	b.WriteByte('^')
	for _, r := range glob {
		switch {
		case r == '*':
			b.WriteString(".*")
		case r == '?':
			b.WriteByte('.')
		case strings.ContainsRune(`.+()|[]{}^$\`, r):
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('$')
	return b.String()
}

func (workflowGrantee) become(_ context.Context, p *Provider, b core.Blueprint, _ core.Credential) (core.Actor, error) {
	s, faults := readSettings(b.Grant)
	w, f, wrong := workflowOf(designOf(b.Grant, s))
	if err := append(faults, wrong...).Err(); err != nil {
		return nil, err
	}
	return p.asWorkflow(f, w)
}
