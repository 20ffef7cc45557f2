// What Safe and the receipts promise: remote text reaches a terminal as text.

package handoff

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestTextFromElsewhereIsShownAsText(t *testing.T) {
	for given, want := range map[string]string{
		"plain, with ünï çødé and 漢字":   "plain, with ünï çødé and 漢字",
		"":                              "",
		"\x1b[31mred":                   `\u001b[31mred`,
		"\x1b]52;c;aGk=\x07":            `\u001b]52;c;aGk=\u0007`, // would write to the clipboard
		"\x1b]8;;https://x\x1b\\y":      `\u001b]8;;https://x\u001b\y`,
		"a\rb\nc\td":                    `a\u000db\u000ac\u0009d`,
		"\u009b31m":                     `\u009b31m`, // one control character instead of two
		"\x9b31m":                       `\x9b31m`,
		"\u202egnp.exe":                 `\u202egnp.exe`,
		"\u2066x\u2069":                 `\u2066x\u2069`,
		"zero\u200bwidth\u200d\ufeff":   `zero\u200bwidth\u200d\ufeff`,
		"\u2028\u2029":                  `\u2028\u2029`,
		"a\u00a0b":                      `a\u00a0b`,
		"soft\u00adhyphen":              `soft\u00adhyphen`,
		"\U000e0041tag":                 `\U000e0041tag`,
		"\u3164\u115f":                  `\u3164\u115f`, // letters that nobody sees
		"\ufe0f\U000e0100":              `\ufe0f\U000e0100`,
		"\x00\x7f":                      `\u0000\u007f`,
		"\xff\xc0\x80\xed\xa0\x80":      `\xff\xc0\x80\xed\xa0\x80`,
		"\ufffd":                        "\ufffd", // written so by its author
		"\U0001f600":                    "\U0001f600",
		"private \ue000 and \U0010ffff": `private \ue000 and \U0010ffff`,
	} {
		if got := Safe(given); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}

// harmless reports whether a terminal shows s as it is: no control characters
// but line ends, nothing invisible, valid UTF-8.
func harmless(s string) bool {
	for _, r := range s {
		if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector)) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func TestNoReceiptIsHarmfulWhateverTheCloudSaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evil := func(name string) string {
			return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(append(hostile, "\x1b]52;c;x\x07", "\u009b2J", "\u2066", "\ufeff")), rapid.String()), 0, 4).Draw(t, name), "")
		}
		r := core.Receipt{
			SchemaVersion: 1, Cloud: evil("cloud"), Grant: evil("grant"), Account: evil("account"), Bucket: evil("bucket"), Region: evil("region"), Prefix: evil("prefix"),
			Allowed: []string{evil("may")}, Refused: []string{evil("may not")}, Overwrites: evil("overwrites"), Changes: []core.Change{{Action: core.Make, Addr: evil("addr")}},
			Key:      &core.KeyInfo{ID: evil("id"), Holder: evil("holder"), Revoke: evil("revoke")},
			Proof:    core.Proof{How: core.Tried, Left: []string{evil("left")}, Rows: []core.Row{{Probe: core.Probe{Key: evil("key")}, Got: core.Outcome(evil("got"))}}},
			Delivery: &core.Delivery{Format: evil("format"), Files: []core.File{{Path: evil("path"), SHA256: evil("sum")}}, Recipients: []core.Recipient{{Kind: evil("kind"), Fingerprint: evil("print")}}},
		}
		if s := Text(r); !harmless(s) {
			t.Fatalf("the receipt for people: %q", s)
		}
		data, err := EncodeManifest(r)
		if err != nil || !harmless(string(data)) {
			t.Fatalf("the manifest: %q and %v", data, err)
		}
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got, want core.Receipt
		if json.Unmarshal(data, &got) != nil || json.Unmarshal(raw, &want) != nil {
			t.Fatalf("making the manifest harmless made it something else: %s", data)
		}
		if diff := cmp.Diff(compact(t, want), compact(t, got)); diff != "" {
			t.Fatalf("making the manifest harmless changed it: %s", diff)
		}
	})
}

// compact is everything that a receipt tells.
func compact(t interface{ Fatal(...any) }, r core.Receipt) string {
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
