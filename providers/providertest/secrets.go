// The hunt for secrets in everything that anybody could read.
package providertest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
)

// window is how many bytes of a secret in a row are a leak.
const window = 12

// hunt fails the trial if any secret that was ever made shows up in what was said.
func (t *trial) hunt() {
	t.Helper()
	traces := map[string]string{} // a window of a secret → how it was encoded
	for _, c := range t.born {
		trace(traces, c)
	}
	if m, ok := t.World.(Minter); ok {
		for _, secret := range m.Minted() {
			trace(traces, core.Credential{Form: core.PairForm, Secret: core.NewSecret(secret)})
		}
	}
	if len(traces) == 0 {
		return
	}
	if at, how := find(traces, t.readable()); at != "" {
		t.Errorf("a secret is nowhere but at its holder: got it (%s) in …%s…, want no trace", how, at)
	}
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
				if len(secret) >= window {
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

// tokens are the parts of a secret document that are long enough to be random
// and not public: addresses, the holder and the key's ID stand beside them.
func tokens(document []byte, public string) [][]byte {
	var v any
	if json.Unmarshal(document, &v) != nil {
		return [][]byte{document}
	}
	var list [][]byte
	var dig func(any)
	dig = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, one := range v {
				dig(one)
			}
		case []any:
			for _, one := range v {
				dig(one)
			}
		case string:
			for part := range strings.FieldsSeq(v) {
				if len(part) >= 2*window && !strings.HasPrefix(part, "https://") && !strings.Contains(public, part) {
					list = append(list, []byte(part))
				}
			}
		}
	}
	dig(v)
	return list
}

// trace adds every window of c's secret, in each encoding in which it could leak.
func trace(traces map[string]string, c core.Credential) {
	parts := [][]byte{c.Secret.Reveal()}
	if c.Form == core.DocumentForm {
		parts = tokens(c.Secret.Reveal(), c.ID+" "+c.Holder)
	}
	add := func(how string, b string) {
		for i := 0; i+window <= len(b); i++ {
			traces[b[i:i+window]] = how
		}
	}
	for _, p := range parts {
		add("raw", string(p))
		add("hex", hex.EncodeToString(p))
	}
	for off := range 3 {
		for _, p := range parts {
			if len(p) > window+off {
				add("base64", base64.RawStdEncoding.EncodeToString(p[off:]))
				add("base64url", base64.RawURLEncoding.EncodeToString(p[off:]))
			}
		}
	}
}

// find returns the surroundings of the first trace in text, without the trace itself.
func find(traces map[string]string, text []byte) (where, how string) {
	var begin [256][256]bool // of a trace, which most of the text does not
	for t := range traces {
		begin[t[0]][t[1]] = true
	}
	for i := 0; i+window <= len(text); i++ {
		if !begin[text[i]][text[i+1]] {
			continue
		}
		if how, ok := traces[string(text[i:i+window])]; ok {
			return string(text[max(0, i-60):i]), how
		}
	}
	return "", ""
}
