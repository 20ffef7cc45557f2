// Tell: AWS's own words, and nothing secret among them.
package s3

import (
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestTriesTellWhatWasAnswered(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		b := mustCompile(t.T, eventDump())
		c := t.hands.got[0]
		for _, try := range []struct {
			ability core.Ability
			key     string
			want    core.Outcome
			status  int
			code    string
			message string
			secret  string
		}{
			{core.Create, "events/.bucketgrant-probe/one", core.Allowed, 200, "", "", ""},
			{core.Create, "elsewhere/one", core.Denied, 403, "AccessDenied", "because no identity-based policy allows the s3:PutObject action", ""},
			{core.Create, "events/.bucketgrant-probe/two", core.Unclear, 403, "SignatureDoesNotMatch", "does not match", "another"},
		} {
			holder := c
			if try.secret != "" {
				holder.Secret = core.NewSecret([]byte(try.secret))
			}
			actor, err := t.engine.Provider.Act(t.Context(), b, holder)
			if err != nil {
				t.Fatal(err)
			}
			calls := len(t.w.transport.Calls())
			got, a, _ := actor.(core.Teller).Tell(t.Context(), core.Probe{Ability: try.ability, Where: core.Inside, Bucket: ours, Key: try.key, Want: core.Allowed})
			if got != try.want || a.Status != try.status || a.Code != try.code || !strings.Contains(a.Message, try.message) || a.Date.IsZero() {
				t.Errorf("%s: got %s and %+v, want %s and %d %s", try.key, got, a, try.want, try.status, try.code)
			}
			if strings.Contains(a.Message, string(c.Secret.Reveal())) {
				t.Errorf("%s: the answer holds the secret", try.key)
			}
			if n := len(t.w.transport.Calls()) - calls; n != 1 {
				t.Errorf("%s: got %d calls, want one attempt", try.key, n)
			}
		}
	})
}
