// Causes: each is found in the messages that AWS documents for it, and named first.
package s3

import (
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// message is what AWS says, and what it is said about.
type message struct {
	Cause    string         `json:"cause"`
	URL      string         `json:"url"` // the page that documents it
	Who      string         `json:"who"` // of the grant that it is about
	Symptoms []core.Symptom `json:"symptoms"`
}

func readMessages(t *testing.T) []message {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/vectors/aws/causes/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []message
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// complained are the grants that messages are about.
func complained() map[string]core.Grant {
	ended, networks := eventDump(), eventDump()
	ended.Limits.Expires = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	networks.Limits.From = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	return map[string]core.Grant{"key": eventDump(), "account": vendorGrant(), "oidc": workflowGrant(), "ended": ended, "networks": networks}
}

// score is the sum of the weights of a cause's signs.
func score(c core.Cause, list []core.Symptom) int {
	sum := 0
	for _, sign := range c.Signs {
		for _, s := range list {
			if (sign.Source == "" || sign.Source == s.Source) && sign.Match.MatchString(s.Text) {
				sum += sign.Weight
				break
			}
		}
	}
	return sum
}

func TestEveryCauseIsNamedFirstForItsDocumentedMessages(t *testing.T) {
	shown := map[string]bool{}
	for _, m := range readMessages(t) {
		g, ok := complained()[m.Who]
		if !ok || !strings.HasPrefix(m.URL, "https://") {
			t.Fatalf("%s: got who %q, url %q", m.Cause, m.Who, m.URL)
		}
		best, first, own := 0, "", 0
		for _, c := range New(Config{}).Causes(mustCompile(t, g)) {
			n := score(c, m.Symptoms)
			if c.Name == m.Cause {
				own = n
			} else if n > best {
				best, first = n, c.Name
			}
		}
		shown[m.Cause] = true
		if own <= best {
			t.Errorf("%s: got %s first (%d, not %d) for %+v", m.Cause, first, best, own, m.Symptoms)
		}
	}
	for _, r := range readCauses() {
		if !shown[r.Name] {
			t.Errorf("%s: got no documented message, want one", r.Name)
		}
	}
}

func TestEveryCauseSaysHowToBeSureAndWhatToDo(t *testing.T) {
	names := map[string]bool{}
	for who, g := range complained() {
		for _, c := range New(Config{}).Causes(mustCompile(t, g)) {
			names[c.Name] = true
			for _, text := range []string{c.Name, c.Layer, c.Means, c.Confirm, c.Fix} {
				if text == "" || strings.ContainsAny(text, "{}\n") {
					t.Errorf("%s of %s: got %q, want words without a blank", c.Name, who, text)
				}
			}
			if len(c.Signs) == 0 {
				t.Errorf("%s: got no sign", c.Name)
			}
			for _, s := range c.Signs {
				if s.Weight == 0 {
					t.Errorf("%s: got a sign without weight", c.Name)
				}
			}
		}
	}
	for _, r := range readCauses() {
		if !names[r.Name] {
			t.Errorf("%s: got no grant that it belongs to", r.Name)
		}
	}
}

// The causes take no more than what a manifest tells.
func TestCausesNeedNoMoreThanAManifest(t *testing.T) {
	for who, g := range complained() {
		b := core.Blueprint{Cloud: cloudName, Grant: core.Grant{Name: g.Name, Profile: g.Profile, Who: g.Who, Target: g.Target, Can: g.Can}}
		if list := New(Config{}).Causes(b); len(list) < 20 {
			t.Errorf("%s: got %d causes, want them all", who, len(list))
		}
		if lines := New(Config{}).Exposed(b, ""); len(lines) == 0 {
			t.Errorf("%s: got nothing to say of a key in public", who)
		}
	}
}

func TestWhatWorksInsideThePrefixIsNotTakenForOutside(t *testing.T) {
	for _, c := range New(Config{}).Causes(mustCompile(t, eventDump())) {
		if c.Name != "prefix" && c.Name != "other-bucket" {
			continue
		}
		for text, want := range map[string]string{
			`on resource: "arn:aws:s3:::acme-events/events/a.json"`:   "",
			`on resource: "arn:aws:s3:::acme-events/event/a.json"`:    "prefix",
			`on resource: "arn:aws:s3:::acme-events/a.json"`:          "prefix",
			`on resource: "arn:aws:s3:::acme-events-2/events/a.json"`: "other-bucket",
		} {
			if got := c.Signs[0].Match.MatchString(text); got != (want == c.Name) {
				t.Errorf("%s: %s: got %v", c.Name, text, got)
			}
		}
	}
}

func TestExposedKeyIsExplained(t *testing.T) {
	text := strings.Join(New(Config{}).Exposed(mustCompile(t, eventDump()), "AKIAIOSFODNN7EXAMPLE"), "\n")
	for _, want := range []string{
		"AWSCompromisedKeyQuarantineV2", "support case", "does not deny s3:PutObject", "aws iam delete-access-key --user-name acme-events --access-key-id AKIAIOSFODNN7EXAMPLE",
		"AttributeKey=AccessKeyId,AttributeValue=AKIAIOSFODNN7EXAMPLE", "GetSessionToken", "data events", "server access logs", "list-object-versions --bucket acme-events --prefix events/",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in\n%s", want, text)
		}
	}
}
