// Goldens: what a grant compiles to, byte for byte.
package s3

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

var update = flag.Bool("update", false, "write the goldens instead of comparing with them")

const goldens = "../../testdata/golden/s3"

// eventDump is the standard grant of the tests.
func eventDump() core.Grant {
	return core.Grant{
		Name: "acme-events", Profile: "event-dump", Who: core.WhoKey,
		Target: core.Target{Bucket: "acme-events", Prefix: "events/", Region: "eu-west-1"},
		Can:    []core.Ability{core.Create, core.Abort},
	}
}

// goldenGrants are grants by the folder of their goldens.
func goldenGrants() map[string]core.Grant {
	all := map[string]core.Grant{}
	for _, some := range []map[string]core.Grant{dumpGoldens(), keyGoldens(), roleGoldens()} {
		maps.Copy(all, some)
	}
	return all
}

// keyGoldens are grants that hand over a key, beyond the standard one.
func keyGoldens() map[string]core.Grant {
	all := keyGrants()
	china := all["clickhouse"]
	china.Target.Region = "cn-northwest-1"
	china = with(china, setAccount, ownerAccount)
	return map[string]core.Grant{
		"event-dump/replay":        all["event-dump+replay"],
		"clickhouse":               all["clickhouse"],
		"clickhouse/read-only":     all["clickhouse+read-only"],
		"clickhouse/backup":        all["clickhouse+backup"],
		"clickhouse/networks":      all["clickhouse from"],
		"clickhouse/documented":    all["clickhouse literal"],
		"clickhouse/china":         china,
		"site-backup":              all["site-backup"],
		"site-backup/put-only":     all["site-backup+put-only"],
		"site-backup/uploads":      all["site-backup+uploads"],
		"site-backup/documented":   all["site-backup literal"],
		"site-backup/shared-group": all["site-backup in a group"],
	}
}

// dumpGoldens are forms of the standard grant.
func dumpGoldens() map[string]core.Grant {
	whole := eventDump()
	whole.Target.Prefix = ""
	adopted := eventDump()
	adopted.Target.Adopt = true
	china := eventDump()
	china.Target.Region = "cn-north-1"
	china.Settings = map[string]string{"kms-key": "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
	regional := eventDump()
	regional.Settings = map[string]string{"account": "111122223333", "namespace": "account-regional"}
	all := eventDump()
	all.Can = []core.Ability{core.Create, core.Abort, core.Overwrite, core.Read, core.List, core.Delete, core.Resume, core.Locate}
	return map[string]core.Grant{
		"event-dump":                  eventDump(),
		"event-dump/whole-bucket":     whole,
		"event-dump/adopted":          adopted,
		"event-dump/china-kms":        china,
		"event-dump/account-regional": regional,
		"event-dump/everything":       all,
	}
}

func TestGrantsCompileToTheirGoldens(t *testing.T) {
	for folder, g := range goldenGrants() {
		t.Run(folder, func(t *testing.T) {
			b, err := core.Compile(New(Config{}), g)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range b.Documents {
				compareGolden(t, filepath.Join(goldens, folder, d.Name+".json"), d.Body)
			}
			b.Documents = nil
			compareGolden(t, filepath.Join(goldens, strings.Split(folder, "/")[0], "blueprints", filepath.Base(folder)+".json"), mustJSON(b))
		})
	}
}

func compareGolden(t *testing.T, file string, raw []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s:\ngot\n%s\nwant\n%s", file, got.Bytes(), want)
	}
}
