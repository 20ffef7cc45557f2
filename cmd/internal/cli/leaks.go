// Leaks: what looks like a secret in a text, named by its line and never shown.
package cli

import (
	"fmt"
	"regexp"
	"strings"
)

var secretShapes = []struct {
	name  string
	shape *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`PRIVATE KEY|AGE-SECRET-KEY-`)},
	{"a secret key", regexp.MustCompile(`(?i)secret[a-z_ ]*(key)?["']?\s*[:=,]\s*["']?[A-Za-z0-9/+=]{32,}`)},
	{"a token", regexp.MustCompile(`(?i)ya29\.|bearer [a-z0-9._-]{16,}|security[-_]token["']?\s*[:=]|session[-_]token["']?\s*[:=]|x-(amz|goog)-signature=`)},
	{"a password", regexp.MustCompile(`(?i)passw(or)?d["']?\s*[:=]\s*\S`)},
}

// leaksIn names the lines in which something looks like a secret.
func leaksIn(data []byte) []string {
	var found []string
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		for _, s := range secretShapes {
			if s.shape.MatchString(line) {
				found = append(found, fmt.Sprintf("%s on line %d", s.name, n))
				break
			}
		}
	}
	return found
}
