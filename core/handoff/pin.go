// Pins: the fingerprints that recipients must have, whatever a file or a web page
// says that they were taken from.
package handoff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// pinned divides "FINGERPRINT KEY", where FINGERPRINT may be several of them with
// commas between. Nothing is pinned where a key alone stands: an age recipient is
// its own fingerprint, and an SSH key begins with its kind.
func pinned(one string) (pins []string, key string) {
	first, rest, ok := strings.Cut(one, " ")
	rest = strings.TrimSpace(rest)
	if !ok || !strings.HasPrefix(rest, "@") && !strings.HasPrefix(rest, "age1") && !strings.HasPrefix(rest, "ssh-") {
		return nil, one
	}
	pins = strings.Split(first, ",")
	for _, pin := range pins {
		if !strings.HasPrefix(pin, "SHA256:") && !strings.HasPrefix(pin, "sha256:") && !strings.HasPrefix(pin, "age1") {
			return nil, one
		}
	}
	return pins, rest
}

// held is the fault if the keys are not exactly those that were pinned. Both
// sides are named: they are what people compare.
func held(pins []string, keys []Recipient) *core.Fault {
	if len(pins) == 0 {
		return nil
	}
	var got []string
	for _, r := range keys {
		if !slices.Contains(got, r.Fingerprint) {
			got = append(got, r.Fingerprint)
		}
	}
	want := slices.Compact(slices.Sorted(slices.Values(pins)))
	if slices.Equal(slices.Sorted(slices.Values(got)), want) {
		return nil
	}
	f := fault("", fmt.Sprintf("is another key than the one that was pinned: the key is %s, the pin is %s", strings.Join(got, ", "), strings.Join(want, ", ")),
		"the pinned key; if its owner has a new one, compare the fingerprint over another channel, then change the pin")
	return &f
}
