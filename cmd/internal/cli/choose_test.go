// Who the grantee is: chosen, inferred, recommended.
package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAWayIsChosenBySayingItOrByWhatBelongsToItAlone(t *testing.T) {
	for _, c := range []struct{ more, want string }{
		{"", "key"},
		{"--who account --vendor bob", "account"},
		{"--vendor bob", "account"},
		{"--lamp", "key"},
		{"--lamp --vendor bob", "account"},
	} {
		r := newStage(t, &toy{}).run(with("plan", append(strings.Fields(c.more), "--offline", "--json")...)...)
		var doc planJSON
		if err := json.Unmarshal([]byte(r.out), &doc); err != nil || r.code != 0 {
			t.Fatalf("%s: got %d %v %s", c.more, r.code, err, r.errout)
		}
		if got := string(doc.Blueprint.Grant.Who); got != c.want {
			t.Errorf("%s: got %s, want %s", c.more, got, c.want)
		}
		if strings.Contains(c.more, "--lamp") != (doc.Blueprint.Grant.Settings["lamp"] == "true") {
			t.Errorf("%s: got the settings %v", c.more, doc.Blueprint.Grant.Settings)
		}
	}
}

func TestAWayThatTheProfileDoesNotOfferIsRefusedWithThoseThatItDoes(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("plan", "--offline", "--who", "oidc")...).wants(t, 2, `who "oidc": is not offered by event-dump on Toy`, "accepted: key or account")
	s.run(with("plan", "--offline", "--who", "key", "--vendor", "bob")...).wants(t, 2, `vendor "bob": is of no use with who: key`, "account")
	s.run(with("plan", "--offline", "--papers", "blue")...).wants(t, 2, `papers "blue": is of no use`)
	s.write("grant.yaml", "profile: event-dump\nbucket: acme\nshelf: moon-1\nwho: magic\n")
	s.run("plan", "--offline", "-f", "grant.yaml").wants(t, 2, `grant.yaml:4:1: who "magic"`)
}

func TestTheEnvironmentChoosesNothing(t *testing.T) {
	s := newStage(t, &toy{})
	s.env["TOY_VENDOR"] = "bob"
	r := s.run(with("plan", "--offline", "--json")...)
	r.wants(t, 0, `"who": "key"`)
	r.lacks(t, `"vendor"`)
	s.run(with("plan", "--offline", "--who", "account", "--json")...).wants(t, 0, `"vendor": "bob"`)
}

func TestAPlanRecommendsAWayWithoutASecretLoudlyAndBlocksNothing(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("plan")...).wants(t, 0, "a long-lived key will be issued", "without a secret: account, a doll of the vendor's: add --who account --vendor VENDOR",
		"account a doll of the vendor's, no secret (recommended): nothing can be stolen", "key     a key of the box (chosen)", "choose it with --who account --vendor VENDOR")
	r := s.run(with("plan", "--vendor", "bob")...)
	r.wants(t, 0, "no secret (chosen, recommended)", "the grantee\n")
	r.lacks(t, "long-lived key will", "holder of the credential")
	var doc planJSON
	r = s.run(with("plan", "--json")...)
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil || len(doc.Identities) != 2 || !doc.Identities[0].Recommended || !doc.Identities[1].Chosen || !doc.Identities[0].Keyless {
		t.Errorf("got %v %+v", err, doc.Identities)
	}
}

func TestHelpSaysWhichFlagsAreOfUseOnlyWithSomeGrantees(t *testing.T) {
	newStage(t, &toy{}).run("plan", "--help").wants(t, 0, "Flags of use with --who account only:\n      --vendor VENDOR", "--face FILE", "Flags of use with --who oidc only:\n", "      --lamp ")
}

func TestAProfileThatIsForOtherCloudsEndsWithSevenAndSaysWhatExistsInstead(t *testing.T) {
	c := toyCloud(&toy{})
	s := newStage(t, &toy{})
	s.cloud.Connect = gcsToy(c)
	s.run("plan", "--profile", "aws-backup", "--bucket", "acme").wants(t, 7, "profile aws-backup: not available on Toy, because: Google Cloud has no service", "What exists instead")
	s.run("apply", "--profile", "aws-backup", "--bucket", "acme", "--json").wants(t, 7, `"kind":"blocked"`, `"exit_code":7`)
	s.run("plan", "--profile", "clickhouse", "--as-documented", "--bucket", "acme", "--shelf", "moon-1", "--offline").wants(t, 2, "as-documented", "says nothing of Toy: it is about s3")
}

func TestASettingThatIsAFileIsReadFromWhereItIsNamed(t *testing.T) {
	s := newStage(t, &toy{})
	s.write("face.pem", "a face\nof two lines\n")
	s.run(with("plan", "--offline", "--vendor", "bob", "--face", "face.pem", "--json")...).wants(t, 0, `"face": "a face\nof two lines\n"`)
	if err := os.Mkdir(filepath.Join(s.dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("sub/other.pem", "another\n")
	grant := "profile: event-dump\nbucket: acme\nshelf: moon-1\nvendor: bob\n"
	s.write("sub/grant.yaml", grant+"face: other.pem\n")
	s.run("plan", "--offline", "-f", "sub/grant.yaml", "--json").wants(t, 0, `"face": "another\n"`)
	s.write("sub/inline.yaml", grant+"face: |\n  right\n  here\n")
	s.run("plan", "--offline", "-f", "sub/inline.yaml", "--json").wants(t, 0, `"face": "right\nhere\n"`)
}

func TestASettingThatIsNoFileIsRefusedAndNeverEchoed(t *testing.T) {
	s := newStage(t, &toy{})
	s.write("big.pem", strings.Repeat("a", 70<<10))
	s.write("bad.pem", "bad PRIVATE\nbytes\n")
	s.write("grant.yaml", "profile: event-dump\nbucket: acme\nshelf: moon-1\nvendor: bob\nface: |\n  bad PRIVATE\n  bytes\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{with("plan", "--offline", "--vendor", "bob", "--face", "-"), `face "-": is no name of a file`},
		{with("plan", "--offline", "--vendor", "bob", "--face", "none.pem"), `face "none.pem": cannot be read: no such file`},
		{with("plan", "--offline", "--vendor", "bob", "--face", "big.pem"), `face "big.pem": cannot be read: is longer than 65536 bytes`},
		{with("plan", "--offline", "--vendor", "bob", "--face", "PRIVATE\nbytes"), "face: is no name of a file"},
		{with("plan", "--offline", "--vendor", "bob", "--face", "bad.pem"), `face "bad.pem": is no face`},
		{[]string{"plan", "--offline", "-f", "grant.yaml"}, `grant.yaml:5:1: face "the text in the file": is no face`},
	} {
		r := s.run(c.args...)
		r.wants(t, 2, c.want)
		r.lacks(t, "PRIVATE")
	}
}

func TestARecommendationThatIsCopiedAsItStandsLetsNobodyIn(t *testing.T) {
	s := newStage(t, &toy{})
	for _, args := range [][]string{with("plan"), {"profiles", "explain", "event-dump"}, {"profiles", "show", "event-dump"}} {
		r := s.run(args...)
		r.wants(t, 0, "--who account --vendor VENDOR")
		r.lacks(t, "--vendor bob")
	}
	s.run("apply", "--help").wants(t, 0, "--who account --vendor bob")
}
