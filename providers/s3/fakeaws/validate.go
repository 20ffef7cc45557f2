// What IAM refuses in a policy document. It checks syntax and never asks
// whether an action exists.
package fakeaws

import (
	"regexp"
	"strings"
	"unicode"
)

// maxDocument is what the API takes in at all.
const maxDocument = 131072

// checkIdentityDocument checks a policy that is attached to an identity.
func checkIdentityDocument(text string, longest int) error {
	d, err := checkDocument(text)
	if err != nil {
		return err
	}
	if countedSize(text) > longest {
		return &apiError{Code: "LimitExceeded", Status: 409, Message: "Cannot exceed quota for PolicySize: " + itoa(longest)}
	}
	for _, s := range d.Statement {
		switch {
		case s.Principal != nil || s.NotPrincipal != nil:
			return malformed("Policy document should not specify a principal.")
		case s.Resource == nil && s.NotResource == nil:
			return malformed("Policy statement must contain resources.")
		}
		for _, r := range append(append(Strings{}, s.Resource...), s.NotResource...) {
			if r != "*" && !strings.HasPrefix(r, "arn:") && !strings.HasPrefix(r, "arn*") {
				return malformed("Resource " + r + ` must be in ARN format or "*".`)
			}
			if strings.HasPrefix(r, "arn:") && strings.Count(r, ":") < 5 && !strings.HasSuffix(r, "*") {
				return malformed("The policy failed legacy parsing")
			}
		}
	}
	return nil
}

// checkDocument checks what all kinds of policies have in common.
func checkDocument(text string) (Document, error) {
	for _, r := range text {
		// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
		if r != '\t' && r != '\n' && r != '\r' && (r < ' ' || r > '\u00ff') {
			return Document{}, invalid("policyDocument", "...", `Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`)
		}
	}
	d, err := ParseDocument(text)
	if err != nil {
		return d, malformed("Syntax errors in policy.")
	}
	if d.Version != "" && d.Version != "2012-10-17" && d.Version != "2008-10-17" {
		return d, malformed("Version must be 2012-10-17 or 2008-10-17.")
	}
	seen := map[string]bool{}
	for _, s := range d.Statement {
		if err := checkStatement(s); err != nil {
			return d, err
		}
		if s.Sid != "" && seen[s.Sid] {
			return d, malformed("Statement IDs (SID) in a single policy must be unique.")
		}
		seen[s.Sid] = true
	}
	return d, nil
}

var (
	sidText    = regexp.MustCompile(`^[A-Za-z0-9]*$`)
	actionText = regexp.MustCompile(`^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?_-]+)$`)
)

func checkStatement(s Statement) error {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return malformed("Invalid effect: " + s.Effect)
	case !sidText.MatchString(s.Sid):
		return malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
	case (s.Action == nil) == (s.NotAction == nil):
		return malformed("Policy statement must contain actions.")
	case s.Resource != nil && s.NotResource != nil, s.Principal != nil && s.NotPrincipal != nil:
		return malformed("Syntax errors in policy.")
	}
	for _, a := range append(append(Strings{}, s.Action...), s.NotAction...) {
		if !actionText.MatchString(a) {
			return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		}
	}
	for name, keys := range s.Condition {
		if _, known := parseOperator(name); !known {
			return malformed("Invalid Condition type : " + name + ".")
		}
		for key := range keys {
			if !strings.Contains(key, ":") {
				return malformed("Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
		}
	}
	return nil
}

func malformed(message string) error {
	return &apiError{Code: "MalformedPolicyDocument", Status: 400, Message: message}
}

// countedSize is the length that counts against a quota.
func countedSize(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
