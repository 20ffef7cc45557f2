// Script: commands that put a workflow's variables where it reads them.
package github

import (
	"encoding/json"
	"strings"
)

// Variable is one value that a workflow reads.
type Variable struct{ Name, Value string }

// VariableScript is a shell script that sets the repository's variables;
// SecretScript sets them as secrets, as some workflows expect even of what is
// none. No value can become anything but one argument.
func VariableScript(repository string, list []Variable) string {
	return script("variable", repository, list)
}

// SecretScript is [VariableScript] for secrets.
func SecretScript(repository string, list []Variable) string {
	return script("secret", repository, list)
}

func script(kind, repository string, list []Variable) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\nset -eu\n")
	for _, v := range list {
		b.WriteString("gh " + kind + " set " + Quote(v.Name) + " --repo " + Quote(repository) + " --body " + Quote(v.Value) + "\n")
	}
	return b.String()
}

// Quote is s as one word of a POSIX shell.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Filter is the name of a branch or tag as a pattern in a workflow's triggers that
// matches it and nothing else. With wildcards, "*" and "?" stay what they mean
// to a cloud: GitHub's own "*" ends at a slash, and its "?" is a quantifier. A
// trigger may be wider than what is trusted; it gives nothing.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
func Filter(s string, wildcards bool) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case wildcards && (r == '*' || r == '?'):
			b.WriteString("**")
		case strings.ContainsRune(`*?+[]!\`, r):
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// YAML is s as a value in a workflow's file: quoted, and nothing in it is an
// expression that GitHub would evaluate.
func YAML(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic("github: a string that is no JSON: " + err.Error())
	}
	return strings.ReplaceAll(string(raw), "${{", "${{ '${{' }}")
}
