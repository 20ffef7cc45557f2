// Networks: a key that works from some addresses only is asked about elsewhere, and tried there.
package s3

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func limited(networks ...string) core.Grant {
	g := profiled(site(), "site-backup", "")
	for _, n := range networks {
		g.Limits.From = append(g.Limits.From, netip.MustParsePrefix(n))
	}
	return g
}

func TestEveryAllowIsLimitedToTheNetworks(t *testing.T) {
	g := limited("203.0.113.0/24", "2001:db8::/32")
	g.Settings = map[string]string{setKMSKey: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
	for _, s := range New(Config{}).grantStatements(mustDraw(t, g)) {
		got := s.Condition["IpAddress"]["aws:SourceIp"]
		if s.Sid == keySid { // S3 asks KMS from its own addresses
			if got != nil {
				t.Errorf("%s: got %q, want no networks", s.Sid, got)
			}
			continue
		}
		if len(got) != 2 || got[0] != "203.0.113.0/24" {
			t.Errorf("%s: got %q, want both networks", s.Action, got)
		}
	}
}

func TestLimitedKeyIsAskedAboutAndSaysSo(t *testing.T) {
	inTown(t, func(t *town) {
		r := t.must(t.apply(limited("203.0.113.0/24"), core.ApplyOptions{}))
		if r.Proof.How != core.Simulated {
			t.Errorf("got proof %q, want %q: whoever runs this may be outside", r.Proof.How, core.Simulated)
		}
		outside := 0
		for _, row := range r.Proof.Rows {
			if row.How != core.Simulated {
				t.Errorf("got %s as %s, want nothing said to be tried", row.Ability, row.How)
			}
			if row.Where == outsideNetwork {
				outside++
			}
		}
		if outside != 4 {
			t.Errorf("got %d rows from another network, want one for each of four actions", outside)
		}
		b, err := core.Compile(t.engine.Provider, limited("203.0.113.0/24"))
		if err != nil || !strings.Contains(strings.Join(b.Notes, "\n"), "203.0.113.0/24") {
			t.Errorf("got notes %q and %v, want the networks named", b.Notes, err)
		}
	})
}

// The world's requests come from 192.0.2.1.
func TestInsideTheNetworksTheKeyItselfIsTried(t *testing.T) {
	for network, works := range map[string]bool{"192.0.2.0/24": true, "203.0.113.0/24": false} {
		inTown(t, func(t *town) {
			g := limited(network)
			t.must(t.apply(g, core.ApplyOptions{}))
			inside := New(Config{Connection: core.Connection{Inside: true}, Transport: t.Transport(), Credentials: t.w.Provider().(*Provider).config.Credentials, Isolated: true})
			b, err := core.Compile(inside, g)
			if err != nil {
				t.Fatal(err)
			}
			t.engine.Provider = inside
			proof, err := t.engine.Prove(t.Context(), b, nil, t.hands.got[0])
			if works && (err != nil || proof.How != core.Tried) || !works && !errors.Is(err, core.ErrUnproven) {
				t.Errorf("inside %s: got %s, %v, want success %t", network, proof.How, err, works)
			}
		})
	}
}

func TestAddressesOfAProofAreOnTheirSide(t *testing.T) {
	for _, networks := range [][]string{{"203.0.113.0/24"}, {"10.0.0.1/32"}, {"192.0.2.0/24", "198.51.100.0/24"}, {"2001:db8::/32"}} {
		l := limited(networks...).Limits.From
		in := func(a netip.Addr) bool {
			for _, n := range l {
				if n.Contains(a) {
					return true
				}
			}
			return false
		}
		if a := insideOf(l); !in(a) {
			t.Errorf("%v: got %s as inside", networks, a)
		}
		if a, ok := outsideOf(l); !ok || in(a) {
			t.Errorf("%v: got %s as outside", networks, a)
		}
	}
	if _, ok := outsideOf(limited("0.0.0.0/0", "::/0").Limits.From); ok {
		t.Error("got an address outside of everything")
	}
}

func TestNetworksThatS3NeverSeesOrThatKeepNobodyOutAreRefused(t *testing.T) {
	for _, c := range []struct {
		rule     string // "": accepted
		networks []string
	}{
		{"is private", []string{"10.0.0.0/8"}}, {"is private", []string{"10.1.2.3/32"}}, {"is private", []string{"172.31.0.0/16"}},
		{"is private", []string{"192.168.1.0/24", "203.0.113.0/24"}}, {"is the machine itself", []string{"127.0.0.1/32"}},
		{"is local to a link", []string{"169.254.0.0/16"}}, {"is private", []string{"fc00::/7"}}, {"is private", []string{"fd00:1::/32"}},
		{"is local to a link", []string{"fe80::/10"}}, {"is the machine itself", []string{"::1/128"}}, {"provider's network", []string{"100.64.0.0/16"}},
		{"everywhere", []string{"0.0.0.0/1", "128.0.0.0/1"}}, {"everywhere", []string{"128.0.0.0/1", "64.0.0.0/2", "0.0.0.0/2"}}, {"everywhere", []string{"::/1", "8000::/1", "203.0.113.0/24"}},
		{"", []string{"203.0.113.0/24"}}, {"", []string{"172.32.0.0/16"}}, {"", []string{"192.0.2.0/24", "2001:db8::/32"}}, {"", []string{"0.0.0.0/1"}},
		{"", []string{"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"}},
	} {
		_, faults := draw(limited(c.networks...))
		if got := faults.Err(); (got == nil) != (c.rule == "") || got != nil && !strings.Contains(got.Error(), c.rule) {
			t.Errorf("%v: got %v, want %q", c.networks, got, c.rule)
		}
	}
}
