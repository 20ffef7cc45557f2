// The hunt for secrets in everything that anybody could read.
package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/leak"
)

// hunt fails the trial if any secret that was ever made shows up in what was said.
func (t *trial) hunt() {
	t.Helper()
	var h leak.Hunt
	for _, c := range t.born {
		known(&h, c)
	}
	if m, ok := t.World.(Minter); ok {
		for _, secret := range m.Minted() {
			h.Secret(secret)
		}
	}
	if h.Empty() {
		return
	}
	if at, how := h.Find(t.readable()); how != "" {
		t.Errorf("a secret is nowhere but at its holder: got it (%s) in …%s…, want no trace", how, at)
	}
}

// known tells a hunt what is secret in a credential.
func known(h *leak.Hunt, c core.Credential) {
	if c.Form == core.DocumentForm {
		h.Document(c.Secret.Reveal(), c.ID+" "+c.Holder)
		return
	}
	h.Secret(c.Secret.Reveal())
}

// readable is everything that was said, on the disk, or in the address of a call.
func (t *trial) readable() []byte {
	var b bytes.Buffer
	t.mu.Lock()
	b.WriteString(t.said.String())
	t.mu.Unlock()
	raw, err := json.Marshal(t.disk.intents)
	if err != nil {
		t.Errorf("the journal does not marshal: %v", err)
	}
	b.Write(raw)
	for _, c := range t.Transport().Calls() {
		fmt.Fprintln(&b, c.Op.Name, c.URL)
	}
	return b.Bytes()
}

// Overhear is h, whose answers are listened to: heard returns what the groups of
// pattern have matched in them, for [Minter].
func Overhear(h http.Handler, pattern *regexp.Regexp) (listened http.Handler, heard func() [][]byte) {
	var mu sync.Mutex
	var all [][]byte
	listened = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ear := &ear{ResponseWriter: w}
		h.ServeHTTP(ear, r)
		mu.Lock()
		defer mu.Unlock()
		for _, groups := range pattern.FindAllSubmatch(ear.said.Bytes(), -1) {
			for _, secret := range groups[1:] {
				if len(secret) >= leak.Window {
					all = append(all, slices.Clone(secret))
				}
			}
		}
	})
	return listened, func() [][]byte {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// ear keeps a copy of an answer.
type ear struct {
	http.ResponseWriter
	said bytes.Buffer
}

func (e *ear) Write(b []byte) (int, error) {
	e.said.Write(b)
	return e.ResponseWriter.Write(b)
}
