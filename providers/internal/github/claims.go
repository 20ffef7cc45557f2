// Claims: what tokens say, those of trusted runs and those of others who try to pass for them.
package github

import "maps"

// Claims are what the token of a trusted run says, but for its times and audience.
// Where the workflow is a pattern, the claims are of one run that it matches.
func (w Workflow) Claims() map[string]any {
	w = w.concrete()
	claims := map[string]any{
		"iss":              Issuer,
		"sub":              w.Classic()[0],
		"repository":       w.Name(),
		"repository_owner": w.Owner,
		"event_name":       "schedule",
		"run_id":           "1000000001",
		"ref":              "refs/heads/main",
		"ref_type":         "branch",
	}
	if w.ID != "" && w.OwnerID != "" {
		claims["sub"] = w.Immutable()[0]
		claims["repository_id"], claims["repository_owner_id"] = w.ID, w.OwnerID
	}
	switch {
	case w.Environment != "":
		claims["environment"] = w.Environment
	case w.Tag != "":
		claims["ref_type"] = "tag"
		fallthrough
	default:
		claims["ref"] = w.Ref()
	}
	return claims
}

// concrete is one workflow that a pattern matches.
func (w Workflow) concrete() Workflow {
	fill := func(s string) string {
		out := []rune(s)
		for i, r := range out {
			if r == '*' || r == '?' {
				out[i] = 'x'
			}
		}
		return string(out)
	}
	w.Branch, w.Tag, w.Environment = fill(w.Branch), fill(w.Tag), fill(w.Environment)
	return w
}

// The ways in which somebody else's run may try to pass for a trusted one.
const (
	OtherRepository = "other-repository"
	OtherBranch     = "other-branch"
	Fork            = "fork"
	PullRequest     = "pull-request"
	WrongAudience   = "wrong-audience"
	WrongIssuer     = "wrong-issuer"
	ExpiredToken    = "expired-token"
	UnsignedToken   = "unsigned-token"
	ForgedSignature = "forged-signature"
)

// OtherIssuer signs tokens as [Issuer] does, and is not it.
const OtherIssuer = "https://gitlab.com"

// Forged are the claims of somebody else's run; those of a trusted run for
// forgeries that are not about claims.
func (w Workflow) Forged(name string) map[string]any {
	claims := w.Claims()
	other := w.concrete()
	switch name {
	case OtherRepository: // another one of the same owner
		other.Repository, other.ID = w.Repository+"-other", another(w.ID)
	case OtherBranch:
		other = w.other()
	case Fork: // the same name, at another owner
		other.Owner, other.OwnerID, other.ID = w.Owner+"-fork", another(w.OwnerID), another(w.ID)
	case PullRequest:
		other.Branch, other.Tag, other.Environment, other.PullRequest = "", "", "", true
	case WrongIssuer:
		claims["iss"] = OtherIssuer
		return claims
	default:
		return claims
	}
	forged := other.Claims()
	if name == PullRequest {
		subjects := other.Classic()
		if other.ID != "" {
			subjects = other.Immutable()
		}
		maps.Copy(forged, map[string]any{"sub": subjects[1], "event_name": pullRequest, "ref": "refs/pull/7/merge"})
	}
	return forged
}

// Trusts reports whether the run that a forgery is about is one of those that are
// trusted: to try it would prove nothing.
func (w Workflow) Trusts(forgery string) bool {
	switch forgery {
	case PullRequest:
		return w.PullRequest
	case OtherBranch:
		other := w.other()
		return w.Wildcard && Matches(w.Branch, other.Branch) && Matches(w.Tag, other.Tag) && Matches(w.Environment, other.Environment)
	}
	return false
}

// other is the same repository from another branch, tag or environment.
func (w Workflow) other() Workflow {
	o := w.concrete()
	switch {
	case w.Environment != "":
		o.Environment += "-other"
	case w.Tag != "":
		o.Tag = "other-" + o.Tag
	default:
		o.Branch = "other-" + o.Branch
	}
	return o
}

// another is a number that is not id.
func another(id string) string {
	if id == "" {
		return ""
	}
	return id + "1"
}
