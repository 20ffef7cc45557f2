// Package leak hunts for secrets in everything that anybody could read. It is for tests.
package leak

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
)

// Window is how many bytes of a secret in a row are a leak.
const Window = 12

// Hunt knows secrets in every shape in which they could leak. The zero Hunt knows none.
type Hunt struct {
	traces map[string]string // a window of a secret → how it was encoded
	begins [256][256]bool    // of a trace, which most of a text does not
}

// Empty reports whether the hunt knows no secret.
func (h *Hunt) Empty() bool { return len(h.traces) == 0 }

// Secret adds a secret all of whose bytes are secret.
func (h *Hunt) Secret(secret []byte) { h.add([][]byte{secret}) }

// Document adds a document of JSON whose values are secret where they are long
// enough to be random and are not part of what is public.
func (h *Hunt) Document(document []byte, public string) { h.add(tokens(document, public)) }

func (h *Hunt) add(parts [][]byte) {
	for _, p := range parts {
		h.windows("raw", string(p))
		h.windows("hex", hex.EncodeToString(p))
		h.windows("upper hex", strings.ToUpper(hex.EncodeToString(p)))
		h.windows("URL", url.QueryEscape(string(p)))
		if text, err := json.Marshal(string(p)); err == nil {
			h.windows("JSON", strings.Trim(string(text), `"`))
		}
	}
	for off := range 3 {
		for _, p := range parts {
			if len(p) > Window+off {
				h.windows("base64", base64.RawStdEncoding.EncodeToString(p[off:]))
				h.windows("base64url", base64.RawURLEncoding.EncodeToString(p[off:]))
			}
		}
	}
}

// windows adds every window of a text that is not known yet.
func (h *Hunt) windows(how, text string) {
	if h.traces == nil {
		h.traces = map[string]string{}
	}
	for i := 0; i+Window <= len(text); i++ {
		trace := text[i : i+Window]
		if _, known := h.traces[trace]; !known {
			h.traces[trace] = how
			h.begins[trace[0]][trace[1]] = true
		}
	}
}

// Find returns the surroundings of the first trace in a text, without the trace
// itself, and how it was encoded; "" if there is none.
func (h *Hunt) Find(text []byte) (where, how string) {
	for i := 0; i+Window <= len(text); i++ {
		if !h.begins[text[i]][text[i+1]] {
			continue
		}
		if how, ok := h.traces[string(text[i:i+Window])]; ok {
			return string(text[max(0, i-60):i]), how
		}
	}
	return "", ""
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
				if len(part) >= 2*Window && !strings.HasPrefix(part, "https://") && !strings.Contains(public, part) {
					list = append(list, []byte(part))
				}
			}
		}
	}
	dig(v)
	return list
}
