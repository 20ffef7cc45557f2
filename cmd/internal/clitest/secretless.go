// Secretless: what nothing but the credential's own file may hold.
package clitest

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"
)

// fragment is a piece of a credential that looks random: longer than any name.
var fragment = regexp.MustCompile(`[A-Za-z0-9+/_-]{32,}`)

// public is what looks random and is none: key IDs, hashes and the names of grants, which have no capital letters.
var public = regexp.MustCompile(`^[0-9a-z-]+$`)

// secretless wants no other file, and nothing printed last, to hold a piece of
// the credential: secretless CREDENTIAL EXCEPT...
func secretless(ts *testscript.TestScript, _ bool, args []string) {
	credential := ts.ReadFile(args[0])
	var pieces [][]byte
	for _, f := range fragment.FindAllString(credential, -1) {
		if public.MatchString(f) {
			continue
		}
		middle := f[8:28]
		pieces = append(pieces, []byte(middle))
		for offset := range 3 { // wherever an encoder begins, four letters of it are three bytes of ours
			whole := base64.StdEncoding.EncodeToString([]byte(middle[offset:]))
			pieces = append(pieces, []byte(whole[:20]))
		}
	}
	if len(pieces) == 0 {
		ts.Fatalf("%s: got nothing that looks like a secret", args[0])
	}
	look := func(name string, data []byte) {
		for _, p := range pieces {
			if bytes.Contains(data, p) {
				ts.Fatalf("%s holds a piece of the secret", name)
			}
		}
	}
	look("stdout", []byte(ts.ReadFile("stdout")))
	look("stderr", []byte(ts.ReadFile("stderr")))
	var except []string
	for _, a := range args {
		except = append(except, ts.MkAbs(a))
	}
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || slices.Contains(except, path) {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // in the story's own directory
		look(path, data)
		return err
	}))
}
