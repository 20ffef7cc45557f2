// OIDC: workflows on GitHub that take a role on with a token that GitHub signs for each of their runs.
package s3

import (
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

const (
	// audience is what a token must be for.
	// https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
	audience = "sts.amazonaws.com"

	// issuerHost is the issuer as IAM names it.
	issuerHost = "token.actions.githubusercontent.com"

	setSubjectForm = "subject-form"
	setDBRegion    = "db-region"

	formClassic   = "classic"
	formImmutable = "immutable"
	formBoth      = "both"
)

func workflowSettings() []core.Setting {
	only := []core.Who{core.WhoOIDC}
	return []core.Setting{
		{Name: github.RepositorySetting, Usage: "OWNER/REPOSITORY on github.com whose workflow takes the role on", Example: "acme/shop", Required: true, Only: only},
		{Name: github.BranchSetting, Usage: "the one branch whose runs are trusted; or a tag or an environment instead", Example: "main", Required: true, Only: only},
		{Name: github.TagSetting, Usage: "the one tag whose runs are trusted", Example: "v1", Only: only},
		{Name: github.EnvironmentSetting, Usage: "the one environment whose jobs are trusted: GitHub can ask people before such a job starts", Example: "backup", Only: only},
		{Name: github.RepositoryID, Usage: "the repository's number: gh api repos/OWNER/REPOSITORY --jq .id", Example: "456789", Only: only},
		{Name: github.OwnerID, Usage: "its owner's number: gh api repos/OWNER/REPOSITORY --jq .owner.id", Example: "123456", Only: only},
		{Name: setSubjectForm, Usage: "which subjects are trusted: classic (names), immutable (names with numbers) or both; both if the numbers are given, else classic", Example: formBoth, Only: only},
		{Name: github.AllowWildcard, Usage: "the branch, tag or environment may hold * and ?", Example: "true", Flag: true, Only: only},
		{Name: github.AllowPullRequest, Usage: "runs for pull requests are trusted too: whoever may open one can then use the role", Example: "true", Flag: true, Only: only},
		{Name: setDBRegion, Usage: "the region of the database, to say so if the bucket is in another one", Example: "eu-west-1", Only: only},
	}
}

// workflow is the grantee: the runs of one repository that are trusted.
type workflow struct {
	github.Workflow
	form     string
	dbRegion string
}

// workflow reads which runs are trusted.
func (d design) workflow() (workflow, core.Faults) {
	set := d.grant.Settings
	read, faults := github.Read(set, set[setSubjectForm] == formImmutable || set[setSubjectForm] == formBoth)
	w := workflow{Workflow: read, form: set[setSubjectForm], dbRegion: set[setDBRegion]}
	var f core.Faults
	for _, one := range faults {
		f = append(f, core.Fault(one))
	}
	switch {
	case w.form == "" && w.ID != "":
		w.form = formBoth
	case w.form == "":
		w.form = formClassic
	case !slices.Contains([]string{formClassic, formImmutable, formBoth}, w.form):
		f = append(f, core.Fault{Field: setSubjectForm, Value: w.form, Rule: "is not a form of subjects", Accepts: `"classic", "immutable" or "both"`})
	}
	for _, field := range []string{github.BranchSetting, github.TagSetting, github.EnvironmentSetting} {
		if rule := unsayable(set[field]); rule != "" {
			f = append(f, core.Fault{Field: field, Value: set[field], Rule: rule, Accepts: `a name of letters, digits and the like, e.g. "main"`})
		}
	}
	if w.dbRegion != "" && !regionName.MatchString(w.dbRegion) {
		f = append(f, core.Fault{Field: setDBRegion, Value: w.dbRegion, Rule: "is not the name of a region", Accepts: `e.g. "eu-west-1"`})
	}
	return w, f
}

// unsayable returns why a policy cannot name s, or "".
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func unsayable(s string) string {
	switch {
	case strings.Contains(s, "${"):
		return `has "${", which a policy takes for a variable`
	case strings.ContainsFunc(s, func(r rune) bool { return r > 0xFF }):
		return "has a character beyond U+00FF, which a policy document cannot hold"
	}
	return ""
}

// subjects are the subjects that are trusted, word for word.
func (w workflow) subjects() []string {
	switch w.form {
	case formImmutable:
		return w.Immutable()
	case formBoth:
		return slices.Concat(w.Classic(), w.Immutable())
	}
	return w.Classic()
}

// notes say what a reader of the plan must know of the subjects.
func (w workflow) notes(region string) []string {
	var list []string
	switch w.form {
	case formClassic:
		list = append(list, "subject-form classic: only names are trusted. Repositories that were made, renamed or moved after 2026-07-15 have their numbers in the subject and are refused: give repository-id and repository-owner-id for them. If the owner or the repository gives its name up, whoever takes it is trusted")
	case formImmutable:
		list = append(list, "subject-form immutable: names with their numbers are trusted. Repositories made before 2026-07-15 and never renamed or moved since send names only, unless they have chosen otherwise, and are refused")
	case formBoth:
		list = append(list, "subject-form both: names alone are trusted, and names with their numbers. When the repository sends its numbers (from 2026-07-15 on for new, renamed and moved ones), choose immutable: then nobody is trusted who takes the names over")
	}
	if w.PullRequest {
		list = append(list, "allow-pull-request: whoever may open a pull request from a branch of the repository can have its code run as the grantee")
	}
	if w.HasWildcard() {
		list = append(list, "allow-wildcard-subject: whoever may make a branch, tag or environment that matches is trusted")
	}
	if w.Environment != "" {
		list = append(list, "the environment's protection rules in GitHub decide which branches may use it; without rules any branch may")
	}
	if w.dbRegion != "" && w.dbRegion != region {
		list = append(list, "the database is in "+w.dbRegion+", the bucket in "+region+": dumps cross regions, which takes longer and costs transfer")
	}
	return list
}

// wrongAudience is what a token is for that another cloud would take.
const wrongAudience = "sts.example.com"

// claims are those of a forged token, or of a genuine one if forgery is "".
func (w workflow) claims(forgery string) map[string]any {
	run := w.Workflow
	if w.form == formClassic {
		run.ID, run.OwnerID = "", ""
	}
	claims := run.Claims()
	if forgery != "" {
		claims = run.Forged(forgery)
	}
	claims["aud"] = audience
	switch forgery {
	case github.WrongAudience:
		claims["aud"] = wrongAudience
	case github.ExpiredToken:
		now := time.Now()
		claims["iat"], claims["nbf"], claims["exp"] = now.Add(-2*time.Hour).Unix(), now.Add(-2*time.Hour).Unix(), now.Add(-time.Hour).Unix()
	}
	return claims
}
