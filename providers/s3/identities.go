// Identities: how a grantee can prove who it is on AWS.
package s3

import (
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// mostKeys is how many access keys a user may have, those switched off included.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const mostKeys = 2

// The longest lives of temporary credentials. A user makes its own from its key,
// without any permission and whatever is denied to it, and they go on after the
// key was switched off. Roles give shorter ones.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html
const (
	userSession = 36 * time.Hour
	roleSession = 12 * time.Hour
)

// identities are the ways that AWS has, those without a secret first.
func identities() []core.Identity {
	return []core.Identity{
		{
			Who: core.WhoAccount, Title: "a role that the grantee's own account takes on",
			Why: "nothing is handed over that could leak: choose it whenever the grantee has an account on AWS and gives you an external ID",
			Forgeries: []core.Forgery{
				{Name: missingExternalID, Why: "whoever the grantee lets choose a role's name, without saying for whom"},
				{Name: wrongExternalID, Why: "another customer of the grantee who names this role as his own"},
				{Name: strangersAccount, Why: "somebody with an account on AWS who has read the receipt"},
			},
		},
		{
			Who: core.WhoOIDC, Title: "a role that a workflow on GitHub takes on",
			Why:       "GitHub signs a token for each run, which AWS checks: choose it for everything that runs in GitHub Actions",
			Forgeries: forgeries(),
		},
		{
			Who: core.WhoService, Title: "roles that a service of AWS takes on",
			Why: "the service acts inside of your account, and nobody else can",
		},
		{
			Who: core.WhoKey, Title: "an access key of a user", Form: core.PairForm,
			Why:      "works everywhere, and for whoever holds it until it is retired: choose it only where the grantee cannot do without a secret",
			MostKeys: mostKeys, ShowsUse: true, Outlives: userSession, StaysOut: true,
		},
	}
}

// forgeries are the ways to pass for a workflow.
func forgeries() []core.Forgery {
	return []core.Forgery{
		{Name: github.OtherRepository, Why: "a workflow of another repository of the same owner"},
		{Name: github.OtherBranch, Why: "whoever may push another branch or tag, or use another environment"},
		{Name: github.Fork, Why: "a workflow of a repository with the same name at another owner"},
		{Name: github.PullRequest, Why: "whoever may open a pull request"},
		{Name: github.WrongAudience, Why: "somebody who was shown a token that is meant for another service"},
		{Name: github.WrongIssuer, Why: "whoever runs an issuer of tokens that say the same"},
		{Name: github.ExpiredToken, Why: "whoever finds a token in an old log"},
		{Name: github.UnsignedToken, Why: "anybody, if signatures were a choice"},
		{Name: github.ForgedSignature, Why: "anybody, if signatures were not checked"},
	}
}

func forgeryNames() []string {
	var names []string
	for _, f := range forgeries() {
		names = append(names, f.Name)
	}
	return names
}
