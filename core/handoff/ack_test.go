// What a code shows, and what nobody can make one of.

package handoff

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestWhoeverOpensADeliveryCanAcknowledgeItInEveryFormat(t *testing.T) {
	for _, form := range []core.Form{core.PairForm, core.DocumentForm} {
		for _, f := range Formats() {
			if !slices.Contains(f.Forms, form) {
				continue
			}
			c := pairOf(exampleID, newSecret())
			if form == core.DocumentForm {
				c = newDocument(t)
			}
			dir := filepath.Join(room(t), "out")
			h, ids := sealedHandoff(t, dir, form)
			h.Format = mustFind(t, f.Name, form)
			r := receiptFor(c)
			if form == core.DocumentForm {
				r.Cloud = "gcs"
			}
			d, err := h.Deliver(c, r)
			must(t, err)
			sealed, err := os.ReadFile(d.Files[0].Path)
			must(t, err)
			plain, err := OpenSealed(sealed, ids)
			must(t, err)
			got, _, err := Read(plain)
			must(t, err)
			m, err := Manifest(ManifestPath(d.Files[0].Path))
			must(t, err)
			if m.Delivery.Acknowledge == nil || *m.Delivery.Acknowledge != *d.Acknowledge {
				t.Fatalf("%s: got %v in the manifest, want the delivery's %v", f.Name, m.Delivery.Acknowledge, d.Acknowledge)
			}
			for _, want := range []Purpose{Opened, Tried} {
				code := Code(want, got, sealed)
				if p, ok := CheckCode(code, *d.Acknowledge); !ok || p != want {
					t.Errorf("%s: code for %s: got %q and %v", f.Name, want, p, ok)
				}
			}
		}
	}
}

func TestACodeIsTypedAsPeopleType(t *testing.T) {
	c, sealed := pairOf(exampleID, newSecret()), []byte("sealed")
	a := acknowledgement(c, sealed)
	code := Code(Tried, c, sealed)
	if len(code) != 19 || strings.Count(code, "-") != 3 {
		t.Fatalf("got %q, want four groups of four", code)
	}
	for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(code, "-", " "), " " + code + "\n",
		strings.ReplaceAll(code, "0", "O"), strings.ReplaceAll(code, "1", "l"), strings.ReplaceAll(code, "1", "I"), strings.ReplaceAll(code, "-", "–")} {
		if p, ok := CheckCode(typed, *a); !ok || p != Tried {
			t.Errorf("%q: got %q and %v, want it understood", typed, p, ok)
		}
	}
	wrong := []byte(code)
	for _, letter := range []byte("ABCD") {
		if wrong[3] != letter {
			wrong[3] = letter
			break
		}
	}
	for _, typed := range []string{"", "-", string(wrong), code[:18], code + "0", a.Opened, a.Tried} {
		if p, ok := CheckCode(typed, *a); ok {
			t.Errorf("%q: was taken for %s", typed, p)
		}
	}
	if p, ok := CheckCode("", core.Acknowledgement{}); ok {
		t.Errorf("a delivery without codes: nothing was taken for %s", p)
	}
}

func TestNoCodeCanBeMadeWithoutTheSecretOrOfAnotherFile(t *testing.T) {
	c := pairOf(exampleID, newSecret())
	dir := filepath.Join(room(t), "out")
	h, _ := sealedHandoff(t, dir, core.PairForm)
	d, err := h.Deliver(c, receiptFor(c))
	must(t, err)
	sealed, err := os.ReadFile(d.Files[0].Path)
	must(t, err)
	manifest, err := os.ReadFile(ManifestPath(d.Files[0].Path))
	must(t, err)
	var public map[string]any
	must(t, json.Unmarshal(manifest, &public))
	for _, p := range []Purpose{Opened, Tried} {
		code := Code(p, c, sealed)
		if bytes.Contains(manifest, []byte(code)) || bytes.Contains(manifest, []byte(strings.ReplaceAll(code, "-", ""))) {
			t.Errorf("the manifest tells the code for %s", p)
		}
		// Whatever the manifest says is tried as if it were the secret.
		for _, text := range leaves(public) {
			if text == "" {
				continue
			}
			if got, ok := CheckCode(Code(p, pairOf(c.ID, text), sealed), *d.Acknowledge); ok {
				t.Errorf("the code for %s can be made of %q in the manifest", got, text)
			}
		}
		tampered := bytes.Clone(sealed)
		tampered[len(tampered)-1] ^= 1
		for name, other := range map[string]string{
			"a tampered file":  Code(p, c, tampered),
			"another secret":   Code(p, pairOf(c.ID, newSecret()), sealed),
			"another key":      Code(p, pairOf("AKIAIOSFODNN7EXAMPL2", string(c.Secret.Reveal())), sealed),
			"the secret alone": grouped(string(c.Secret.Reveal())[:16]),
		} {
			if other == code {
				t.Errorf("%s: the same code", name)
			}
			if got, ok := CheckCode(other, *d.Acknowledge); ok {
				t.Errorf("%s: was taken for %s", name, got)
			}
		}
	}
	if Code(Opened, c, sealed) == Code(Tried, c, sealed) {
		t.Error("whoever has opened it could say that it was tried")
	}
}

func TestWhatIsNotSealedAsksForNoAcknowledgement(t *testing.T) {
	c := pairOf(exampleID, newSecret())
	h := Handoff{Dir: filepath.Join(room(t), "out"), Name: "acme-events", Format: DefaultFormat(core.PairForm), Plain: true}
	d, err := h.Deliver(c, receiptFor(c))
	must(t, err)
	if d.Acknowledge != nil {
		t.Errorf("got %v: whoever finds the file could make the codes", d.Acknowledge)
	}
}

// leaves are all texts in a document.
func leaves(node any) []string {
	var all []string
	switch v := node.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			all = append(all, leaves(one)...)
		}
	case map[string]any:
		for _, one := range v {
			all = append(all, leaves(one)...)
		}
	}
	return all
}
