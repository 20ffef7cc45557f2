// Scan: whether a text that is to be shown to others holds a secret.
package handoff

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// secretShape is one sort of secret, by what it looks like.
type secretShape struct {
	name string
	like *regexp.Regexp
}

// secretShapes are the secrets that say what they are.
// https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns
var secretShapes = []secretShape{
	{"a private key", regexp.MustCompile(`(?i)BEGIN [A-Z0-9 ]*PRIVATE KEY`)},
	{"the private key of a key document", regexp.MustCompile(`\\?"private_key\\?"\s*:\s*\\?"[^"\[]{16,}`)},
	{"an age private key", regexp.MustCompile(`(?i)AGE-(SECRET-KEY|PLUGIN)-[A-Z0-9]{2,}`)},
	{"a secret by its name", regexp.MustCompile(`(?i)(secret[_-]?access[_-]?key|aws_secret|hmac[_-]?secret|access_key|client_secret|password)[\\"']*\s*[:=>]\s*[\\"']*[A-Za-z0-9/+=_.~-]{16,}`)},
	{"the token of a session", regexp.MustCompile(`(?i)(session[_-]?token|x-amz-security-token|refresh_token|access_token|id_token)[\\"']*\s*[:=>]\s*[\\"']*[A-Za-z0-9/+=_.~%-]{16,}`)},
	{"the token of a session", regexp.MustCompile(`\b(FwoG|IQoJ)[A-Za-z0-9/+=]{60,}`)},
	{"a password of HTTP", regexp.MustCompile(`(?i)authorization["']?\s*[:=]\s*["']?basic\s+[A-Za-z0-9+/=]{8,}`)},
	{"a private key, or a certificate", regexp.MustCompile(`\bMII[A-Za-z0-9+/]{40,}`)},
	{"a bearer token", regexp.MustCompile(`(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{16,}`)},
	{"a signed web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)},
	{"a signed address", regexp.MustCompile(`(?i)X-(Amz|Goog)-Signature=[0-9a-f]{16,}`)},
	{"an access token of Google", regexp.MustCompile(`\bya29\.[A-Za-z0-9_-]{16,}`)},
	{"a key of Google's interfaces", regexp.MustCompile(`\b(AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{20,})`)},
	{"a token of GitHub", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})`)},
}

// publicShapes are what is drawn by lot as well, but made to be shown: public
// keys, and the fingerprints by which people compare them.
var publicShapes = regexp.MustCompile(`\bSHA256:[A-Za-z0-9+/]{43}|\bssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}|\bssh-rsa AAAAB3NzaC1yc2E[A-Za-z0-9+/]+`)

// Scan refuses text in which something looks like a secret: of a pair, of a key
// document, of a session, or a private key, also as base64 or percent-encoded. It
// is for what is about to be shown to others. Its error names the sort and the
// line, never what it found. Identifiers, hashes and public keys are no secrets.
func Scan(data []byte) error {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if name := scanLine(string(line), true); name != "" {
			return fmt.Errorf("line %d: holds what looks like %s", n, name)
		}
	}
	return nil
}

// keyLine is a line of a file in PEM without its head; a hash has small letters only.
var keyLine = regexp.MustCompile(`^\s*[A-Za-z0-9+/]{64}\s*$`)

// escapes are the ways in which the letters of a secret are written elsewhere.
var escapes = strings.NewReplacer("%2F", "/", "%2f", "/", "%2B", "+", "%2b", "+", "%3D", "=", "%3d", "=", `\/`, "/", `\u002f`, "/", `\u002F`, "/", `\u002b`, "+", `\u002B`, "+", "&#43;", "+", "&#x2F;", "/",
	`\n`, " ", `\t`, " ", `\r`, " ", `\u003c`, " ", `\u003e`, " ", `\u0026`, " ", `\u0022`, " ")

// scanLine names what a line seems to hold; "" if nothing. coded looks into base64 as well.
func scanLine(line string, coded bool) string {
	line = escapes.Replace(line)
	for _, s := range secretShapes {
		if s.like.MatchString(line) {
			return s.name
		}
	}
	if keyLine.MatchString(line) && strings.ContainsAny(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && strings.ContainsAny(line, "ghijklmnopqrstuvwxyz") {
		return "a line of a key"
	}
	words := strings.FieldsFunc(publicShapes.ReplaceAllString(line, " "), func(r rune) bool { return !strings.ContainsRune(codeRunes, r) })
	for _, word := range words {
		if slices.ContainsFunc(cores(word), pairSecret) {
			return "the secret of a pair"
		}
		if !coded || len(word) < base64.RawStdEncoding.EncodedLen(pairSecretLetters) {
			continue
		}
		for _, coding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if plain, err := coding.DecodeString(word); err == nil && printable(plain) {
				if name := scanLine(string(plain), false); name != "" {
					return name + ", as base64"
				}
			}
		}
	}
	return ""
}

const (
	codeRunes         = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
	pairSecretLetters = 40
	// fewestTurns is how often letters of one sort follow letters of another, at
	// least: in 40 letters drawn by lot it happens some 25 times, in a path rarely.
	fewestTurns = 12
)

// cores are the parts of a word that can be a secret to which something was
// added: a sign before it or after it, or a path.
func cores(word string) []string {
	const sign = 2 // letters that somebody may have put beside it
	if len(word) <= pairSecretLetters || len(word) > pairSecretLetters+sign && !strings.Contains(word, "/") {
		return []string{word}
	}
	parts := []string{word[:pairSecretLetters], word[len(word)-pairSecretLetters:]}
	first, last := word[pairSecretLetters], word[len(word)-pairSecretLetters-1]
	if len(word) > pairSecretLetters+sign { // only what is set off from the rest
		parts = parts[:0]
		if last == '/' {
			parts = append(parts, word[len(word)-pairSecretLetters:])
		}
		if first == '/' {
			parts = append(parts, word[:pairSecretLetters])
		}
	}
	const slashes = 4 // of 40 letters that were drawn by lot hardly ever more are one; in a path they are
	return slices.DeleteFunc(parts, func(p string) bool { return strings.Count(p, "/") > slashes })
}

// pairSecret reports whether a whole word looks like the secret of a pair: 40
// letters of base64 that were drawn by lot.
func pairSecret(word string) bool {
	if len(word) != pairSecretLetters {
		return false
	}
	sorts, turns, run, longest := map[int]bool{}, 0, 0, 0
	before := -1
	for _, r := range word {
		sort := 3
		switch {
		case r == '_' || r == '-':
			return false
		case unicode.IsUpper(r):
			sort = 0
		case unicode.IsLower(r):
			sort = 1
			run++
			longest = max(longest, run)
		case unicode.IsDigit(r):
			sort = 2
		}
		if sort != 1 {
			run = 0
		}
		if sorts[sort] = true; before >= 0 && sort != before {
			turns++
		}
		before = sort
	}
	return sorts[0] && sorts[1] && (sorts[2] || sorts[3]) && turns >= fewestTurns &&
		(longest < 6 || turns >= fewestTurns+3) // else it is made of words, such as the name of a statement
}

// printable reports whether data is text.
func printable(data []byte) bool {
	for _, b := range data {
		if b > '~' || b < ' ' && b != '\n' && b != '\t' && b != '\r' {
			return false
		}
	}
	return true
}
