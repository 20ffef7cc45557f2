// Hostile recipients: whoever is accepted can be sealed to, and a private key is never shown again.
package handoff

import (
	"bytes"
	"strings"
	"testing"

	"filippo.io/age"
)

func FuzzAcceptedRecipientsCanBeSealedTo(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(id.Recipient().String())
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0IWzZ3mvWPdUd5sy9BxXbkYnZb5Nw3bdlyG6p8ZWQ1 me@example")
	f.Add("SHA256:abc=" + id.Recipient().String())
	f.Add("age1pq1x")
	f.Add("AGE-SECRET-KEY-1" + strings.Repeat("Q", 58))
	f.Fuzz(func(t *testing.T, line string) {
		if strings.HasPrefix(strings.TrimSpace(line), "@") || strings.Contains(line, "=@") || strings.Contains(line, " @") {
			return // the name of a file
		}
		list, err := ParseRecipients([]string{line})
		if err != nil {
			if private := strings.ToUpper(line); strings.Contains(private, "AGE-SECRET-KEY-1") && len(line) > 40 && strings.Contains(strings.ToUpper(err.Error()), private) {
				t.Errorf("a private key is not shown: got %v", err)
			}
			return
		}
		for _, r := range list {
			var sealed bytes.Buffer
			w, err := age.Encrypt(&sealed, r.key)
			if err != nil {
				t.Fatalf("%q was accepted: got %v", line, err)
			}
			if _, err := w.Write([]byte("x")); err != nil || w.Close() != nil || r.Fingerprint == "" || r.Kind == "" {
				t.Errorf("%q was accepted: got %+v, error %v", line, r.Recipient, err)
			}
		}
	})
}
