// Promises about a grant that is given to somebody else.
package gcs

import (
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestWhoLosesTheAccessToWhomIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		was, next core.Grant
		parts     []string
	}{
		"another repository": {workflow(), workflow("repository", "acme/blog", "repository-id", "99"),
			[]string{"The repository acme/shop (number 456789012) LOSES THE ACCESS", "the repository acme/blog (number 99) gains it", "--name"}},
		"another session": {fromAWS(), fromAWS(sessionSetting, "workspace-2"),
			[]string{"assumed-role/gcs-uploader/2WbXyZ3kQpLmN8rT LOSES", "assumed-role/gcs-uploader/workspace-2 gains"}},
		"another branch": {workflow(), workflow("branch", "next"), nil},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.apply(c.was)
			p, _ := w.apply(c.next)
			f, _ := w.federated(core.Blueprint{Grant: c.next})
			change := change(t, p, f.providerAddr())
			if loud := strings.Contains(change.Why, "LOSES"); change.Action != core.Alter || loud != (c.parts != nil) {
				t.Errorf("%s: got %s %q, want it altered and a loss named %t", name, change.Action, change.Why, c.parts != nil)
			}
			for _, part := range c.parts {
				if !strings.Contains(change.Why, part) {
					t.Errorf("%s: got %q, want %q in it", name, change.Why, part)
				}
			}
			if again, _ := w.apply(c.next); len(again.Refused()) > 0 {
				t.Errorf("%s: got %s", name, refusals(again))
			}
		})
	}
}
