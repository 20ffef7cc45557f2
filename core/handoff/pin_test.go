// Pins and the owner's own key.

package handoff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPinnedKeyThatWasSwappedIsRefusedWithBothFingerprints(t *testing.T) {
	pairs, others := keyPairs(t), keyPairs(t)
	file := filepath.Join(room(t), "vendor.pub")
	for i, pair := range pairs {
		good, other := mustParse(t, pair.public)[0], mustParse(t, others[i].public)[0]
		must(t, os.WriteFile(file, []byte("# the vendor's\n"+pair.public+"\n"), 0o600))
		for _, to := range []string{good.Fingerprint + " " + pair.public, good.Fingerprint + " @" + file, good.Fingerprint + "   @" + file} {
			if got, err := ParseRecipients([]string{to}); err != nil || len(got) != 1 || !got[0].is(good) {
				t.Errorf("%s: got %v and %v, want it taken", good.Kind, got, err)
			}
		}
		must(t, os.WriteFile(file, []byte(others[i].public+"\n"), 0o600))
		for name, to := range map[string]string{"key": good.Fingerprint + " " + others[i].public, "file": good.Fingerprint + " @" + file} {
			_, err := ParseRecipients([]string{to})
			if err == nil || !strings.Contains(err.Error(), good.Fingerprint) || !strings.Contains(err.Error(), other.Fingerprint) {
				t.Errorf("%s, swapped %s: got %v, want both fingerprints", good.Kind, name, err)
			}
		}
		// One more key than was pinned is a swap as well.
		must(t, os.WriteFile(file, []byte(pair.public+"\n"+others[i].public+"\n"), 0o600))
		if _, err := ParseRecipients([]string{good.Fingerprint + " @" + file}); err == nil {
			t.Errorf("%s: a file with one key more than was pinned was taken", good.Kind)
		}
		if got, err := ParseRecipients([]string{good.Fingerprint + "," + other.Fingerprint + " @" + file}); err != nil || len(got) != 2 {
			t.Errorf("%s: two pins: got %v and %v", good.Kind, got, err)
		}
	}
}

func TestTheOwnersOwnKeyOpensAsWellAndIsSaidToBeThat(t *testing.T) {
	pairs := keyPairs(t)
	holder, own := pairs[0], keyPairs(t)[0]
	to, err := ParseRecovery([]string{holder.public}, own.public)
	must(t, err)
	if len(to) != 2 || to[0].Recovery || !to[1].Recovery {
		t.Fatalf("got %v, want the holder and the owner", to)
	}
	sealed, err := seal([]byte("x"), to, false)
	must(t, err)
	for _, private := range []string{holder.private, own.private} {
		if got, err := OpenSealed(sealed, mustIdentity(t, private)); err != nil || string(got) != "x" {
			t.Errorf("got %q and %v, want it opened", got, err)
		}
	}
	c := pairOf(exampleID, newSecret())
	h := Handoff{Dir: filepath.Join(room(t), "out"), Name: "acme-events", Format: mustFind(t, "native", c.Form), Recipients: to}
	d, err := h.Deliver(c, receiptFor(c))
	must(t, err)
	r := receiptFor(c)
	r.Delivery = &d
	if text := Text(r); !strings.Contains(text, "recover      x25519 "+to[1].Fingerprint) || strings.Contains(text, "sealed to    x25519 "+to[1].Fingerprint) {
		t.Errorf("got\n%s\nwant the owner's key apart", text)
	}
}

func TestARecoveryKeyAloneOrTwiceIsRefused(t *testing.T) {
	pairs := keyPairs(t)
	for name, c := range map[string]struct {
		to       []string
		recovery string
		want     string
	}{
		"alone":       {nil, pairs[0].public, "nobody but you"},
		"the same":    {[]string{pairs[0].public}, pairs[0].public, "is the key of a recipient already"},
		"no key":      {[]string{pairs[0].public}, "hunter2", "neither an age recipient nor an SSH public key"},
		"private key": {[]string{pairs[0].public}, pairs[0].private, "private key"},
	} {
		got, err := ParseRecovery(c.to, c.recovery)
		if err == nil || !strings.Contains(err.Error(), "recovery") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v and %v, want %q", name, got, err, c.want)
		}
	}
	strong := ""
	for _, p := range pairs {
		if strings.HasPrefix(p.public, "age1pq1") {
			strong = p.public
		}
	}
	if _, err := ParseRecovery([]string{strong}, pairs[0].public); err == nil || !strings.Contains(err.Error(), "cannot share one file") {
		t.Errorf("mixed: got %v, want the clear fault", err)
	}
}
