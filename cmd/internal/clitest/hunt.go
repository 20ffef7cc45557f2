// Hunting: no secret in anything that the processes on a bed have written or shown.
package clitest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bucketgrant/bucketgrant/core/leak"
)

// hunt fails if any secret that the cloud knows is in what was said, or in any
// file. The operator's credential is one of them, and what a panic holds is another.
func (b *bed) hunt() {
	b.Helper()
	for _, leak := range b.leaks() {
		b.Errorf("got a secret in %s, want none", leak)
	}
}

// leaks are the places in which secrets are.
func (b *bed) leaks() (found []string) {
	b.Helper()
	h := b.secrets()
	for _, text := range b.shown() {
		if where, how := h.Find([]byte(text.what)); how != "" {
			found = append(found, fmt.Sprintf("%s (%s) after %q", text.in, how, where))
		}
	}
	return found
}

// secrets is a hunt for everything secret.
func (b *bed) secrets() *leak.Hunt {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := new(leak.Hunt)
	h.Secret([]byte(canaryOfPanics))
	known(h, b.fake.Operator)
	for _, secret := range b.heard {
		if data, err := base64.StdEncoding.DecodeString(string(secret)); err == nil && json.Valid(data) {
			secret = data
		}
		known(h, secret)
	}
	return h
}

// known adds a secret, or what is secret in a document.
func known(h *leak.Hunt, secret []byte) {
	var who struct {
		Email    string `json:"client_email"`
		Key      string `json:"private_key_id"`
		Project  string `json:"project_id"`
		Identity string `json:"client_id"`
	}
	if json.Unmarshal(secret, &who) == nil {
		h.Document(secret, strings.Join([]string{who.Email, who.Key, who.Project, who.Identity}, " "))
		return
	}
	for _, part := range strings.Fields(string(secret)) {
		if len(part) > len("AKIAIOSFODNN7EXAMPLE") { // the name of a key is public
			h.Secret([]byte(part))
		}
	}
}

// text is something that somebody could read.
type text struct{ in, what string }

// shown is all that processes have said, and every file.
func (b *bed) shown() []text {
	b.Helper()
	all := b.said
	err := filepath.WalkDir(b.home, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // the test's own
		all = append(all, text{"file " + path, string(data)})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return all
}
