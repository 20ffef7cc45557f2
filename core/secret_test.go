// What a secret promises: no printer reaches it.
package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

const dummy = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" // AWS's documented example

func TestNoPrinterReachesASecret(t *testing.T) {
	c := Credential{ID: "id", Form: PairForm, Holder: "holder", Secret: NewSecret([]byte(dummy)), Created: time.Unix(0, 0)}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%T", "%p", "%08.3f", "%U", "%c", "%t", "%w"} {
		for _, v := range []any{c.Secret, &c.Secret, c, &c, []Secret{c.Secret}, map[string]Credential{"k": c}, struct{ s Secret }{c.Secret}, struct{ p *Secret }{&c.Secret}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range []any{c.Secret, c, &c, []Credential{c}, map[string]Secret{"k": c.Secret}} {
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("said", "secret", c.Secret, "credential", c, "pointer", &c)
	}
	fmt.Fprintln(&out, fmt.Errorf("with %w and %v", errors.New("cause"), c))
	text := out.String()
	for _, form := range []string{dummy, dummy[:12], fmt.Sprintf("%x", dummy[:12]), fmt.Sprintf("%v", []byte(dummy[:6]))[1:20]} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			t.Errorf("no printer reaches a secret: got %q in the output", form)
		}
	}
	if !strings.Contains(text, redacted) {
		t.Errorf("a secret is marked as one: got no %q", redacted)
	}
}

func TestClearReachesEveryCopy(t *testing.T) {
	raw := []byte(dummy)
	s := NewSecret(raw)
	c := Credential{Secret: s}
	c.Secret.Clear()
	if !bytes.Equal(s.Reveal(), make([]byte, len(dummy))) || !bytes.Equal(raw, make([]byte, len(dummy))) {
		t.Errorf("got %q left in a copy, want zeros", s.Reveal())
	}
}

func TestZeroSecretIsEmpty(t *testing.T) {
	var s Secret
	s.Clear()
	if !s.Empty() || s.Reveal() != nil || !NewSecret(nil).Empty() || NewSecret([]byte("x")).Empty() {
		t.Errorf("got %v %v, want the zero secret and no other empty", s.Empty(), s.Reveal())
	}
}

func TestEveryPrinterSaysThatThereIsASecret(t *testing.T) {
	s := NewSecret([]byte(dummy))
	raw, _ := s.MarshalJSON()
	text, _ := s.MarshalText()
	for name, got := range map[string]string{
		"String": s.String(), "GoString": s.GoString(), "Format": fmt.Sprintf("%x", s), "MarshalJSON": string(raw), "MarshalText": string(text), "LogValue": s.LogValue().String(),
	} {
		if got != redacted && got != `"`+redacted+`"` {
			t.Errorf("%s: got %q, want %q: nobody can tell an empty secret from a hidden one", name, got, redacted)
		}
	}
}

func TestFilesOfTwoKeysHaveTwoNames(t *testing.T) {
	for id, want := range map[string]string{"AKIAIOSFODNN7EXAMPLE": "AKIAIOSFODNN7EXAMPLE", "short": "short", strings.Repeat("a", 12) + strings.Repeat("b", 28): strings.Repeat("a", 12) + strings.Repeat("b", 8)} {
		if got := (Credential{ID: id}).KeyName(); got != want {
			t.Errorf("key %q: got the name %q, want %q", id, got, want)
		}
	}
}
