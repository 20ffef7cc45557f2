// Operator policy: what an operator needs, written down as the smallest policies that hold it.
package s3

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// mostDocument is how many characters a managed policy may have, white space not
// counted. What is marshalled here has none outside of its texts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const mostDocument = 6144

// OperatorPolicy writes needs down: one statement for each resource, in as many
// documents as their size takes. An account that nobody has named stays "*".
func (p *Provider) OperatorPolicy(_ core.Blueprint, needs []core.Permission) []core.Document {
	var documents [][]statement
	for _, s := range operatorStatements(needs) {
		last := len(documents) - 1
		if last < 0 || len(mustJSON(policy{policyVersion, append(slices.Clone(documents[last]), s)})) > mostDocument {
			documents, last = append(documents, nil), last+1
		}
		documents[last] = append(documents[last], s)
	}
	var list []core.Document
	for i, statements := range documents {
		d := document("operator-policy", "whoever runs this", "all that it takes, and nothing more", policy{policyVersion, statements})
		if len(documents) > 1 {
			d.Name = fmt.Sprintf("operator-policy-%d", i+1)
			d.Why += fmt.Sprintf("; part %d of %d, all of which are needed", i+1, len(documents))
		}
		list = append(list, d)
	}
	return list
}

// operatorStatements are one for each resource, in the order of their kinds and names.
func operatorStatements(needs []core.Permission) []statement {
	byResource := map[string]texts{}
	var resources []string
	for _, n := range needs {
		if heldTwice(n, needs) || slices.Contains(byResource[n.Resource], n.Action) {
			continue
		}
		if byResource[n.Resource] == nil {
			resources = append(resources, n.Resource)
		}
		byResource[n.Resource] = append(byResource[n.Resource], n.Action)
	}
	slices.SortFunc(resources, func(a, b string) int { return cmp.Or(cmp.Compare(resourceKind(a), resourceKind(b)), cmp.Compare(a, b)) })
	times := map[string]int{}
	var list []statement
	for _, r := range resources {
		actions, kind := byResource[r], resourceKind(r)
		slices.Sort(actions)
		times[kind]++
		list = append(list, statement{Sid: fmt.Sprint(kind, times[kind]), Effect: "Allow", Action: actions, Resource: texts{r}})
	}
	return list
}

// heldTwice reports whether another of needs holds n already: the same action on
// more. A "*" in n's own resource is matched by a "*" only.
func heldTwice(n core.Permission, needs []core.Permission) bool {
	return slices.ContainsFunc(needs, func(other core.Permission) bool {
		return other.Action == n.Action && other.Resource != n.Resource && globs(other.Resource, n.Resource)
	})
}

// globs reports whether a pattern of a policy, in which only "*" is special, matches text.
func globs(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	text, ok := strings.CutPrefix(text, parts[0])
	if len(parts) == 1 {
		return ok && text == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		if ok {
			_, text, ok = strings.Cut(text, part)
		}
	}
	return ok && strings.HasSuffix(text, parts[len(parts)-1])
}

// resourceKind is the kind of an ARN's resource, as a word that a Sid may hold.
func resourceKind(arn string) string {
	service, resource := arnField(arn, 2), arnField(arn, 5)
	switch {
	case service == "":
		return "Account"
	case service == "s3" && strings.Contains(resource, "/"):
		return "Objects"
	case service == "s3":
		return "Bucket"
	}
	kind, _, _ := strings.Cut(resource, "/")
	switch kind {
	case "oidc-provider":
		return "IdentityProvider"
	case "":
		return "Other"
	}
	return strings.ToUpper(kind[:1]) + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, kind[1:])
}
