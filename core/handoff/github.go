// github: a script that gives a repository's workflows the credential.
//
// A value goes to the standard input of gh, from a here-document: what stands in
// a command line can be seen by every user of the machine.
// https://cli.github.com/manual/gh_secret_set
package handoff

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bucketgrant/bucketgrant/core"
)

const (
	scriptHead = `#!/bin/sh
# Sets secrets and variables of GitHub Actions. Run it in the repository, or with
# the options of gh that say where: --repo OWNER/NAME, --env production.
set -eu
`
	scriptEnd = "BUCKETGRANT_END"

	// mostGitHub is the longest secret that is taken.
	// https://docs.github.com/en/actions/reference/security/secrets#limits-for-secrets
	mostGitHub = 48 << 10
)

func encodeGitHub(c core.Credential, r core.Receipt) ([]byte, error) {
	list, err := gitHubVariables(c, r)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{[]byte(scriptHead)}
	for _, v := range list {
		kind := "variable"
		if v.secret {
			kind = "secret"
		}
		parts = append(parts, []byte("gh "+kind+" set "+v.name+" \"$@\" <<'"+scriptEnd+"'\n"), v.value, []byte("\n"+scriptEnd+"\n"))
	}
	return lines(parts...), nil
}

// gitHubVariables are the secrets and variables, without ends of lines at their end.
func gitHubVariables(c core.Credential, r core.Receipt) ([]variable, error) {
	list, err := variablesOf("github", c, r, "")
	if err != nil {
		return nil, err
	}
	for i, v := range list {
		list[i].value = bytes.TrimRight(v.value, "\n") // gh does the same
		if len(v.value) > mostGitHub {
			return nil, fmt.Errorf("format github: the value of %s is longer than 48 KB", v.name)
		}
		for line := range bytes.Lines(v.value) {
			if string(bytes.TrimSpace(line)) == scriptEnd {
				return nil, fmt.Errorf("format github: the value of %s has a line that ends the script's own text", v.name)
			}
		}
	}
	return list, nil
}

func decodeGitHub(data []byte) (core.Credential, error) {
	values := map[string][]byte{}
	name := ""
	for line := range bytes.Lines(withoutMark(data)) {
		text := bytes.TrimRight(line, "\r\n")
		words := bytes.Fields(text)
		switch {
		case name != "" && string(text) == scriptEnd:
			values[name] = bytes.TrimRight(values[name], "\n")
			name = ""
		case name != "":
			values[name] = append(append(values[name], text...), '\n')
		case len(words) > 3 && string(words[0]) == "gh" && string(words[2]) == "set":
			name = string(words[3])
			if _, twice := values[name]; twice {
				return core.Credential{}, errors.New("format github: the script sets a value twice")
			}
			values[name] = []byte{}
		}
	}
	if name != "" {
		return core.Credential{}, errors.New("format github: the script is truncated")
	}
	return credentialOf(values)
}
