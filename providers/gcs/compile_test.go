// What Compile prints, byte for byte, and what it refuses.
package gcs

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

var update = flag.Bool("update", false, "write the goldens")

// eventDump is the grant of the profile of that name, with a prefix.
func eventDump() core.Grant {
	return core.Grant{
		Name: "event-dump-acme-events", Profile: "event-dump", Who: core.WhoKey,
		Target:   core.Target{Bucket: "acme-events", Prefix: "events/", Region: "EU"},
		Can:      []core.Ability{core.Create, core.Abort, core.Read},
		Settings: map[string]string{"project": "acme-project"},
	}
}

func strict(g core.Grant) core.Grant {
	g.Can = []core.Ability{core.Create, core.Abort}
	return g
}

func able(g core.Grant, can ...core.Ability) core.Grant {
	g.Can = can
	return g
}

func as(who core.Who, g core.Grant) core.Grant {
	g.Who = who
	return g
}

func whole(g core.Grant) core.Grant {
	g.Target.Prefix = ""
	return g
}

// goldens are grants by the folder of their documents.
func goldens() map[string]core.Grant {
	const root = "../../testdata/golden/gcs/"
	return map[string]core.Grant{
		root + "event-dump":              eventDump(),
		root + "event-dump-strict":       strict(eventDump()),
		root + "event-dump-whole-bucket": whole(eventDump()),

		root + "clickhouse":           clickhouse(),
		root + "clickhouse-read-only": able(clickhouse(), core.Read, core.List),
		root + "clickhouse-backup":    able(clickhouse(), core.Create, core.Overwrite, core.Abort, core.Read, core.List, core.Delete, core.Resume),
		root + "site-backup":          siteBackup("acme.example"),
		root + "site-backup-put-only": strict(siteBackup("acme.example")),
		root + "site-backup-hmac":     as(core.WhoHMAC, siteBackup("acme.example")),
		root + "event-dump-replay":    able(eventDump(), core.Create, core.Abort, core.Read, core.List),

		root + "postgres-backup":                        workflow(),
		root + "postgres-backup-environment":            workflow("branch", "", "environment", "backup"),
		root + "postgres-backup-as-documented":          documented(workflow()),
		root + "event-dump-aws-role":                    fromAWS(),
		root + "event-dump-aws-role-as-service-account": fromAWS(impersonate, "true"),
		root + "event-dump-account":                     toVendor(),
	}
}

func compiled(t *testing.T, g core.Grant) core.Blueprint {
	t.Helper()
	b, err := core.Compile(New(Config{}), g)
	if err != nil {
		t.Fatalf("a sound grant was refused: %v", err)
	}
	return b
}

func TestDocumentsAreGolden(t *testing.T) {
	for folder, g := range goldens() {
		for _, d := range compiled(t, g).Documents {
			var got bytes.Buffer
			if err := json.Indent(&got, d.Body, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			file := filepath.Join(folder, d.Name+".json")
			if *update {
				if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(file, got.Bytes(), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s: got\n%s\nwant\n%s (%v)", file, got.Bytes(), want, err)
			}
		}
	}
}

func TestCompileIsPure(t *testing.T) {
	t.Setenv("GOOGLE_CLOUD_PROJECT", "other-project")
	g := eventDump()
	if a, b := compiled(t, g), compiled(t, g); !reflect.DeepEqual(a, b) || a.PolicyHash() != b.PolicyHash() {
		t.Errorf("one grant compiled to two blueprints:\n%+v\n%+v", a, b)
	}
}

func TestRoleHoldsWhatTheDocumentAsksFor(t *testing.T) {
	for _, c := range []struct {
		grant core.Grant
		want  []string
	}{
		{eventDump(), []string{"storage.objects.create", "storage.objects.get"}},
		{strict(eventDump()), []string{"storage.objects.create"}},
	} {
		if got := roleFor(c.grant).Permissions; !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want exactly %v", c.grant.Can, got, c.want)
		}
	}
}

func TestPrefixIsAConditionAndTheWholeBucketIsNone(t *testing.T) {
	g := eventDump()
	want := `resource.name.startsWith("projects/_/buckets/acme-events/objects/events/")`
	if got := condition(g); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := condition(whole(g)); got != "" {
		t.Errorf("got %s, want no condition", got)
	}
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	g := eventDump()
	g.Target.Bucket, g.Target.Region, g.Target.Prefix = "goog_Events", "eu-west-1", "events"
	g.Settings = map[string]string{"project": "Acme", "soft-delete": "3", "kms-key": "key", "colour": "red"}
	_, err := core.Compile(New(Config{}), g)
	var faults core.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want faults", err)
	}
	var fields []string
	for _, f := range faults {
		fields = append(fields, f.Field)
		if f.Accepts == "" {
			t.Errorf("%s: does not say what would be accepted", f.Field)
		}
	}
	slices.Sort(fields)
	if want := []string{"bucket", "colour", "kms-key", "location", "prefix", "project", "soft-delete"}; !slices.Equal(fields, want) {
		t.Errorf("got faults of %v, want %v", fields, want)
	}
}

func TestHostileInputIsRefused(t *testing.T) {
	type set func(*core.Grant, string)
	bucket := func(g *core.Grant, s string) { g.Target.Bucket = s }
	region := func(g *core.Grant, s string) { g.Target.Region = s }
	project := func(g *core.Grant, s string) { g.Settings = map[string]string{"project": s} }
	for _, c := range []struct {
		field  string
		set    set
		values []string
	}{
		{"bucket", bucket, []string{"", "ab", "-acme", "acme-", "Acme", "acme.events", "acme_events", "192.168.0.1", "goog-events", "my-google-events", "g00gle", strings.Repeat("a", 64), "acme\n", "acmé"}},
		{"location", region, []string{"", "eu-west-1", "Frankfurt am Main", "europe-west", "eu/../x", "EU\n"}},
		{"project", project, []string{"", "123456789012", "acme", "Acme-Project", "acme-project-", "projects/acme-project", strings.Repeat("a", 31), "acme-project\n"}},
	} {
		for _, v := range c.values {
			g := eventDump()
			c.set(&g, v)
			_, err := core.Compile(New(Config{}), g)
			var faults core.Faults
			if !errors.As(err, &faults) || !slices.ContainsFunc(faults, func(f core.Fault) bool { return f.Field == c.field }) {
				t.Errorf("%s %q: got %v, want a fault of that field", c.field, v, err)
			}
		}
	}
}

func TestLocationsOfAllShapesAreAccepted(t *testing.T) {
	for _, region := range []string{"EU", "us", "ASIA", "NAM4", "EUR4", "asia1", "europe-west1", "EUROPE-WEST12", "northamerica-northeast1", "me-central2"} {
		g := eventDump()
		g.Target.Region = region
		var doc bucketDocument
		for _, d := range compiled(t, g).Documents {
			if d.Name == "bucket" {
				if err := json.Unmarshal(d.Body, &doc); err != nil {
					t.Fatal(err)
				}
			}
		}
		if doc.Location != strings.ToUpper(region) {
			t.Errorf("%s: got %q, want it in upper case", region, doc.Location)
		}
	}
}

func TestNamesFitTheirLimitsAndStayDistinct(t *testing.T) {
	role := regexp.MustCompile(`^[a-zA-Z0-9_.]{3,64}$`)
	account := regexp.MustCompile(`^[a-z]([-a-z0-9]{4,28}[a-z0-9])$`)
	grants := []string{"abc", "abcde", "abcdef", "abc-def", "event-dump-acme-events", strings.Repeat("a", 100), strings.Repeat("a", 99) + "b", "a-" + strings.Repeat("b-", 48) + "c"}
	seen := map[string]string{}
	for _, name := range grants {
		n := namesOf(core.Grant{Name: name}, "acme-project")
		if !role.MatchString(n.roleID) || !account.MatchString(n.accountID) {
			t.Errorf("%s: role %q or account %q is not acceptable", name, n.roleID, n.accountID)
		}
		for _, id := range []string{n.roleID, n.accountID} {
			if other := seen[id]; other != "" {
				t.Errorf("%q is the name for both %q and %q", id, other, name)
			}
			seen[id] = name
		}
		for _, s := range []string{description(core.Grant{Name: name, Profile: strings.Repeat("p", 300)})} {
			if len(s) > 256 {
				t.Errorf("%s: a description of %d bytes, want at most 256", name, len(s))
			}
		}
		for k, v := range labels(core.Grant{Name: name, Profile: "Event Dump!"}) {
			if !regexp.MustCompile(`^[a-z0-9_-]{0,63}$`).MatchString(v) {
				t.Errorf("%s: label %s has the value %q", name, k, v)
			}
		}
	}
}

func TestMarksTellGrantsApart(t *testing.T) {
	n := namesOf(core.Grant{Name: "acme"}, "acme-project")
	for description, want := range map[string]bool{
		description(core.Grant{Name: "acme", Profile: "event-dump"}):   true,
		description(core.Grant{Name: "acme-2", Profile: "event-dump"}): false,
		"made by hand": false,
		"":             false,
		"a note; managed-by=bucketgrant; grant=acme; ": false,
	} {
		if got := n.ours(description); got != want {
			t.Errorf("%q: got ours %t, want %t", description, got, want)
		}
	}
}

func TestGapsSayWhatPermissionsReallyGive(t *testing.T) {
	for _, c := range []struct {
		can  []core.Ability
		want []core.Ability
	}{
		{[]core.Ability{core.Create, core.Abort}, nil},
		{[]core.Ability{core.Create}, []core.Ability{core.Abort}},
		{[]core.Ability{core.Create, core.Abort, core.Delete}, []core.Ability{core.Overwrite, core.Erase}},
		{[]core.Ability{core.Overwrite}, []core.Ability{core.Create, core.Abort, core.Delete, core.Erase}},
	} {
		var got []core.Ability
		for _, g := range gaps(c.can, core.WhoKey) {
			got = append(got, g.Ability)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: got gaps %v, want %v", c.can, got, c.want)
		}
	}
}

func TestAdoptedBucketHasNoDocumentAndNeedsFewerPermissions(t *testing.T) {
	g := eventDump()
	g.Target.Adopt = true
	b := compiled(t, g)
	for _, d := range b.Documents {
		if d.Name == "bucket" {
			t.Error("the settings of somebody else's bucket are written down as if they were set")
		}
	}
	for _, p := range b.Operator {
		if slices.Contains([]string{"storage.buckets.create", "storage.buckets.update", "storage.buckets.delete"}, p.Action) {
			t.Errorf("%s is asked for, though the bucket is never touched", p.Action)
		}
	}
}
