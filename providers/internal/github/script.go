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

// YAML is s as a value in a workflow's file: quoted, and nothing in it is an
// expression that GitHub would evaluate.
func YAML(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic("github: a string that is no JSON: " + err.Error())
	}
	return strings.ReplaceAll(string(raw), "${{", "${{ '${{' }}")
}
