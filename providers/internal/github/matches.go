// Matches: patterns of names and subjects, as clouds compare them.
package github

import "strings"

// Matches reports whether text matches a pattern in which "*" stands for any
// text, "/" included, and "?" for one character. Everything else is itself.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func Matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	p, rest := []rune(parts[0]), []rune(text)
	if !begins(rest, p) {
		return false
	}
	rest = rest[len(p):]
	if len(parts) == 1 {
		return len(rest) == 0
	}
	last := []rune(parts[len(parts)-1])
	for _, part := range parts[1 : len(parts)-1] {
		p := []rune(part)
		for !begins(rest, p) {
			if len(rest) == 0 {
				return false
			}
			rest = rest[1:]
		}
		rest = rest[len(p):]
	}
	return len(rest) >= len(last) && begins(rest[len(rest)-len(last):], last)
}

// begins reports whether text begins with p, in which "?" is any character.
func begins(text, p []rune) bool {
	if len(text) < len(p) {
		return false
	}
	for i, r := range p {
		if r != '?' && r != text[i] {
			return false
		}
	}
	return true
}
