// What sealing promises: only the recipients read it, and only if nobody has
// touched it.

package handoff

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
)

func sealedFor(t *testing.T, plain string, armored bool) ([]byte, []age.Identity) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	sealed, err := seal([]byte(plain), mustParse(t, id.Recipient().String()), armored)
	must(t, err)
	return sealed, []age.Identity{id}
}

func TestEveryRecipientOpensAndNobodyElse(t *testing.T) {
	keys := keyPairs(t)
	classic := slices.DeleteFunc(slices.Clone(keys), func(k keyPair) bool { return k.kind == "post-quantum" })
	var lines []string
	for _, k := range classic {
		lines = append(lines, k.public)
	}
	sealed, err := seal([]byte("plain"), mustParse(t, lines...), false)
	must(t, err)
	if bytes.Contains(sealed, []byte("plain")) {
		t.Error("the sealed file holds the text")
	}
	for _, k := range classic {
		if got, err := OpenSealed(sealed, mustIdentity(t, k.private)); err != nil || string(got) != "plain" {
			t.Errorf("%s: got %q and %v", k.kind, got, err)
		}
	}
	_, strangers := sealedFor(t, "x", false)
	if _, err := OpenSealed(sealed, strangers); err == nil || !strings.Contains(err.Error(), "sealed to somebody else") || !strings.Contains(err.Error(), "X25519, ssh-ed25519, ssh-rsa") {
		t.Errorf("a stranger: got error %v, want one that says to whom it is sealed", err)
	}
}

func TestATruncatedOrChangedFileNeverOpens(t *testing.T) {
	for _, armored := range []bool{false, true} {
		sealed, ids := sealedFor(t, "plain", armored)
		for cut := range len(bytes.TrimSpace(sealed)) {
			if got, err := OpenSealed(sealed[:cut], ids); err == nil {
				t.Fatalf("armored %v, cut at %d of %d: opened as %q", armored, cut, len(sealed), got)
			}
		}
		if armored {
			continue // letters beside the text may change without harm
		}
		for i := range sealed {
			changed := slices.Clone(sealed)
			changed[i] ^= 1
			if got, err := OpenSealed(changed, ids); err == nil {
				t.Fatalf("byte %d changed: opened as %q", i, got)
			}
		}
	}
}

func TestWhatIsWrongWithAFileIsSaid(t *testing.T) {
	sealed, ids := sealedFor(t, strings.Repeat("plain", 100), false)
	long, longIDs := sealedFor(t, strings.Repeat("x", mostOpened+1), false)
	for what, c := range map[string]struct {
		data []byte
		ids  []age.Identity
		want string
	}{
		"no key":          {sealed, nil, "no private key"},
		"not sealed":      {[]byte("hello"), ids, "not a sealed file"},
		"nothing":         {nil, ids, "not a sealed file"},
		"a cut header":    {sealed[:40], ids, "truncated or damaged"},
		"a cut payload":   {sealed[:len(sealed)-1], ids, "truncated, or was changed"},
		"a longer file":   {append(slices.Clone(sealed), 'x'), ids, "truncated, or was changed"},
		"far too much":    {long, longIDs, "no credential"},
		"half an armor":   {[]byte("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl"), ids, "truncated or damaged"},
		"an empty sealed": {[]byte("age-encryption.org/v1\n"), ids, "truncated or damaged"},
	} {
		if _, err := OpenSealed(c.data, c.ids); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q in it", what, err, c.want)
		}
	}
}

func TestSealedTextSurvivesMail(t *testing.T) {
	sealed, ids := sealedFor(t, "plain", true)
	for what, mailed := range map[string][]byte{
		"CRLF":             bytes.ReplaceAll(sealed, []byte("\n"), []byte("\r\n")),
		"a mark":           append([]byte("\xef\xbb\xbf"), sealed...),
		"space around it":  slices.Concat([]byte("\n \n"), sealed, []byte("\n\n")),
		"no last line end": bytes.TrimSpace(sealed),
	} {
		if got, err := OpenSealed(mailed, ids); err != nil || string(got) != "plain" {
			t.Errorf("%s: got %q and %v", what, got, err)
		}
	}
}

func TestStrengthsAreNotMixedEvenIfParsedApart(t *testing.T) {
	keys := keyPairs(t)
	mixed := slices.Concat(mustParse(t, keys[0].public), mustParse(t, keys[1].public))
	if _, err := seal([]byte("x"), mixed, false); err == nil || !strings.Contains(err.Error(), "incompatible recipients") {
		t.Errorf("got error %v, want a refusal", err)
	}
	if _, err := seal([]byte("x"), []Recipient{{}}, false); err == nil {
		t.Error("sealed to nobody")
	}
	if _, err := seal([]byte("x"), nil, false); err == nil {
		t.Error("sealed to no one")
	}
}
