// What every format promises: what goes in comes out, or is refused.

package handoff

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bucketgrant/bucketgrant/core"
)

// hostile is text that means something to some reader of some format.
var hostile = []string{
	"\n", "\r", "\r\n", "\x00", "'", `"`, "`", `\`, "$(id)", "${HOME}", "; rm -rf /", "#c", " #c", "[x]", "]\n[default", "=cmd", "=cmd|' /C calc'!A0",
	"+cmd|'x'!A0", "-1+1", "@SUM(1)", ",", "\t", " ", "a b", "\u202e", "\u2028", "\x1b[2J", "\x7f", "\u00a0", "é", "\xff", "\xef\xbb\xbf",
	"'\nAWS_REGION='x", "\naws_session_token = x", `","access_key":"x`, "</script>", "&amp;", "%s", "a=b", "=", "--", "{}", "null", "",
}

func anyText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom(hostile), rapid.StringMatching(`[A-Za-z0-9+/=]{1,40}`), rapid.String(),
		), 1, 3).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

// some is often harmless, so that the formats do not refuse all of it.
func some(harmless string) *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringMatching(harmless), rapid.StringMatching(harmless), anyText())
}

func TestEveryPairThatIsNotRefusedComesBackByteForByte(t *testing.T) {
	for _, f := range Formats() {
		if !slices.Contains(f.Forms, core.PairForm) {
			continue
		}
		t.Run(f.Name, rapid.MakeCheck(func(t *rapid.T) {
			r := core.Receipt{Grant: some(`[a-z][a-z0-9-]{1,9}`).Draw(t, "grant"), Region: some(`[a-z0-9-]{0,9}`).Draw(t, "region"),
				Bucket: anyText().Draw(t, "bucket"), Prefix: anyText().Draw(t, "prefix"), Cloud: "s3"}
			id, secret := some(`[A-Z0-9]{20}`).Draw(t, "id"), some(`[A-Za-z0-9+/]{40}`).Draw(t, "secret")
			data, err := f.Encode(pairOf(id, secret), r)
			if err != nil {
				if len(secret) > 3 && strings.Contains(err.Error(), secret) {
					t.Fatalf("the refusal shows the secret: %v", err)
				}
				return
			}
			if bytes.ContainsRune(data, '\r') || !bytes.HasSuffix(data, []byte("\n")) || bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
				t.Fatalf("got %q, want LF only, one at the end, and no mark at the beginning", data)
			}
			got, name, err := Read(data)
			if err != nil || got.ID != id || string(got.Secret.Reveal()) != secret || got.Form != core.PairForm {
				t.Fatalf("read back as %s: got %q, %q and %v, want %q, %q", name, got.ID, got.Secret.Reveal(), err, id, secret)
			}
			if name != f.Name && f.Name != "native" {
				t.Fatalf("recognised as %q, want %q", name, f.Name)
			}
		}))
	}
}

func TestRealSecretsAreNeverRefused(t *testing.T) {
	for _, f := range Formats() {
		if !slices.Contains(f.Forms, core.PairForm) {
			continue
		}
		t.Run(f.Name, rapid.MakeCheck(func(t *rapid.T) {
			c := pairOf(exampleID, rapid.StringMatching(`[A-Za-z0-9+/]{40}`).Draw(t, "secret"))
			if _, err := f.Encode(c, receiptFor(c)); err != nil {
				t.Fatal(err)
			}
		}))
	}
}

func TestADocumentIsHandedOverByteForByte(t *testing.T) {
	f := DefaultFormat(core.DocumentForm)
	rapid.Check(t, func(t *rapid.T) {
		document, err := json.MarshalIndent(map[string]any{
			"private_key_id": rapid.StringN(1, 9, -1).Draw(t, "id"), "private_key": rapid.StringN(1, 99, -1).Draw(t, "key"), "client_email": "x",
			rapid.String().Draw(t, "field"): rapid.Float64().Draw(t, "value"), "deep": map[string]any{"a<&>": []int{1, 2}},
		}, rapid.SampledFrom([]string{"", " "}).Draw(t, "prefix"), rapid.SampledFrom([]string{"", "\t", "    "}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		document = bytes.ReplaceAll(document, []byte(`\u003c`), []byte("<")) // both are JSON for the same letter
		document = append(document, rapid.SampledFrom([]string{"", "\n", "\r\n"}).Draw(t, "end")...)
		c := core.Credential{ID: "x", Form: core.DocumentForm, Secret: core.NewSecret(document)}
		got, err := f.Encode(c, core.Receipt{})
		if err != nil || !bytes.Equal(got, document) {
			t.Fatalf("got %q and %v, want %q", got, err, document)
		}
		wrapped, err := encodeJSON(c, core.Receipt{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeJSON(wrapped)
		if err != nil || !same(core.Credential{Form: core.DocumentForm, Secret: core.NewSecret(document)}, back) {
			t.Fatalf("nested in json: got %q and %v, want %q", wrapped, err, document)
		}
	})
}

func TestADocumentAsTheCloudWritesItSurvivesNestingByteForByte(t *testing.T) {
	c := newDocument(t)
	data, err := encodeJSON(c, receiptFor(c))
	must(t, err)
	got, err := decodeJSON(data)
	must(t, err)
	if !bytes.Equal(got.Secret.Reveal(), c.Secret.Reveal()) || got.ID != c.ID || got.Holder != c.Holder {
		t.Errorf("got key %q of %q, %q; want %q of %q, %q", got.ID, got.Holder, got.Secret.Reveal(), c.ID, c.Holder, c.Secret.Reveal())
	}
}

func TestFormatsAreWrittenLetterByLetter(t *testing.T) {
	c := pairOf(exampleID, "sec/ret+")
	for name, want := range map[string]string{
		"native":          "[acme-events]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = sec/ret+\nregion = eu-west-1\n",
		"aws-credentials": "[acme-events]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = sec/ret+\nregion = eu-west-1\n",
		"console-csv":     "Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,sec/ret+\n",
		"import-csv":      "User Name,Access key ID,Secret access key\nacme-events,AKIAIOSFODNN7EXAMPLE,sec/ret+\n",
		"env":             "AWS_ACCESS_KEY_ID='AKIAIOSFODNN7EXAMPLE'\nAWS_SECRET_ACCESS_KEY='sec/ret+'\nAWS_REGION='eu-west-1'\nAWS_DEFAULT_REGION='eu-west-1'\n",
		"json": `{
  "schema_version": 1,
  "grant": "acme-events",
  "cloud": "s3",
  "bucket": "acme",
  "region": "eu-west-1",
  "prefix": "events/",
  "access_key_id": "AKIAIOSFODNN7EXAMPLE",
  "access_key": "sec/ret+"
}
`,
		"dotenv":             "S3_BUCKET_NAME='acme'\nS3_PREFIX='events/'\nAWS_REGION='eu-west-1'\nAWS_DEFAULT_REGION='eu-west-1'\nAWS_ACCESS_KEY_ID='AKIAIOSFODNN7EXAMPLE'\nAWS_SECRET_ACCESS_KEY='sec/ret+'\n",
		"credential-process": "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"AKIAIOSFODNN7EXAMPLE\",\n  \"SecretAccessKey\": \"sec/ret+\"\n}\n",
		"rclone": `[acme-events]
type = s3
provider = AWS
access_key_id = AKIAIOSFODNN7EXAMPLE
secret_access_key = sec/ret+
region = eu-west-1
no_check_bucket = true
no_head = true
`,
		"kubernetes": `apiVersion: v1
kind: Secret
metadata:
  name: "acme-events"
type: Opaque
stringData:
  S3_BUCKET_NAME: "acme"
  S3_PREFIX: "events/"
  AWS_REGION: "eu-west-1"
  AWS_DEFAULT_REGION: "eu-west-1"
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE"
  AWS_SECRET_ACCESS_KEY: "sec/ret+"
`,
		"tfvars": `{
  "bucket": "acme",
  "prefix": "events/",
  "region": "eu-west-1",
  "access_key_id": "AKIAIOSFODNN7EXAMPLE",
  "secret_access_key": "sec/ret+"
}
`,
		"clickhouse": `<clickhouse>
    <named_collections>
        <acme_events>
            <url>https://acme.s3.eu-west-1.amazonaws.com/events/</url>
            <access_key_id>AKIAIOSFODNN7EXAMPLE</access_key_id>
            <secret_access_key>sec/ret+</secret_access_key>
        </acme_events>
    </named_collections>
</clickhouse>
`,
		"github": `#!/bin/sh
# Sets secrets and variables of GitHub Actions. Run it in the repository, or with
# the options of gh that say where: --repo OWNER/NAME, --env production.
set -eu
gh variable set S3_BUCKET_NAME "$@" <<'BUCKETGRANT_END'
acme
BUCKETGRANT_END
gh variable set S3_PREFIX "$@" <<'BUCKETGRANT_END'
events/
BUCKETGRANT_END
gh variable set AWS_REGION "$@" <<'BUCKETGRANT_END'
eu-west-1
BUCKETGRANT_END
gh variable set AWS_DEFAULT_REGION "$@" <<'BUCKETGRANT_END'
eu-west-1
BUCKETGRANT_END
gh secret set AWS_ACCESS_KEY_ID "$@" <<'BUCKETGRANT_END'
AKIAIOSFODNN7EXAMPLE
BUCKETGRANT_END
gh secret set AWS_SECRET_ACCESS_KEY "$@" <<'BUCKETGRANT_END'
sec/ret+
BUCKETGRANT_END
`,
		"rudder": `version: rudder/v1
kind: destination
metadata:
  name: "acme-events"
spec:
  id: "acme-events"
  display_name: "acme-events"
  type: s3
  definition_version: 1
  enabled: true
  config:
    bucket_name: "acme"
    prefix: "events"
    role_based_auth: false
    access_key_id: "AKIAIOSFODNN7EXAMPLE"
    access_key: "sec/ret+"
    enable_sse: false
`,
	} {
		got, err := mustFind(t, name, core.PairForm).Encode(c, receiptFor(c))
		must(t, err)
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheStandardReadersAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := pairOf(some(`[A-Z0-9]{20}`).Draw(t, "id"), some(`[A-Za-z0-9+/]{40}`).Draw(t, "secret"))
		r := core.Receipt{Grant: some(`[a-z]{3}`).Draw(t, "grant"), Bucket: anyText().Draw(t, "bucket")}
		if data, err := encodeImportCSV(c, r); err == nil {
			rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
			want := [][]string{{"User Name", "Access key ID", "Secret access key"}, {r.Grant, c.ID, string(c.Secret.Reveal())}}
			if err != nil || !cmp.Equal(rows, want) {
				t.Fatalf("csv: got %q and %v, want %q", rows, err, want)
			}
			for _, cell := range rows[1] {
				if strings.ContainsAny(cell[:1], "=-@\t") || cell[0] == '+' && strings.ContainsAny(cell, "(|!'\"&") {
					t.Fatalf("csv: the cell %q is a formula", cell)
				}
			}
		}
		if data, err := encodeJSON(c, r); err == nil {
			var got map[string]any
			err := json.Unmarshal(data, &got)
			if err != nil || got["access_key_id"] != c.ID || got["access_key"] != string(c.Secret.Reveal()) || len(got) != 8 {
				t.Fatalf("json: got %v and %v", got, err)
			}
		}
		if data, err := encodeINI(c, r); err == nil {
			want := fmt.Sprintf("[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", r.Grant, c.ID, c.Secret.Reveal())
			if string(data) != want || strings.Count(want, "\n") != 3 {
				t.Fatalf("ini: got %q, want three lines", data)
			}
		}
	})
}

func TestAFormatThatCannotCarryTheFormSaysWhichCan(t *testing.T) {
	for _, c := range []struct {
		name string
		form core.Form
		want []string
	}{
		{"env", core.DocumentForm, []string{`format "env"`, "a variable holds a line, not a file", "accepted: native, json, rudder, rclone, kubernetes, tfvars, github"}},
		{"dotenv", core.DocumentForm, []string{`format "dotenv"`, "put the path of the file into the variable"}},
		{"console-csv", core.DocumentForm, []string{"cannot carry", "accepted: native, json, rudder, rclone, kubernetes, tfvars, github"}},
		{"yaml\x1b", core.PairForm, []string{`"yaml\x1b"`, "not a known format", "aws-credentials, console-csv, import-csv, env, dotenv, credential-process, json, rudder, rclone, kubernetes, tfvars, clickhouse, github"}},
	} {
		_, err := FindFormat(c.name, c.form)
		if !errors.Is(err, core.ErrInvalid) {
			t.Errorf("%s: got error %v, want kind %v", c.name, err, core.ErrInvalid)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want %q in it", c.name, err, want)
			}
		}
	}
	document := newDocument(t)
	for _, f := range Formats() {
		if _, err := f.Encode(document, receiptFor(document)); (err == nil) != slices.Contains(f.Forms, core.DocumentForm) {
			t.Errorf("%s given a document: got error %v, and its forms are %v", f.Name, err, f.Forms)
		}
	}
}

func TestFileNamesDifferForEveryFormatAndKeyAndStayInTheirDirectory(t *testing.T) {
	seen := map[string]string{}
	for _, f := range Formats() {
		for _, form := range f.Forms {
			name := mustFind(t, f.Name, form).File("acme", "KEY1")
			if who := f.Name; f.Name == "native" && form == core.PairForm {
				f.Name = "aws-credentials" // the same format, and so the same name
			} else if seen[name] != "" && seen[name] != who {
				t.Errorf("%s and %s both write %q", seen[name], who, name)
			}
			seen[name] = f.Name
			if !strings.HasPrefix(name, "acme.KEY1.") || ManifestPath(name) != "acme.KEY1.manifest.json" {
				t.Errorf("%s: got name %q with manifest %q", f.Name, name, ManifestPath(name))
			}
		}
		if got := f.File("../a/b", "../../x\x00\n.é"); strings.ContainsAny(got, "/\x00\n") || strings.HasPrefix(got, ".") {
			t.Errorf("%s: got name %q", f.Name, got)
		}
	}
}
