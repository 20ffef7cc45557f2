// Hostile text in any field breaks out of no format: it is refused, or the
// program that consumes the file reads exactly what was put in.

package handoff

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// payloads are texts that mean something to some reader of some format.
func payloads() []string {
	all := append([]string{
		"${HOME}", "${jndi:x}", "$${a}", "%{ if true }", "%%{", "%(type)s", "$(id)", "`id`", "]]>", "<![CDATA[x]]>", "</secret_access_key>", "<!--", "&lt;", "&#x41;", "&evil;",
		"'", `"`, `\`, `\n`, `\u0041`, "x\\", "'\\''", `'"'"'`, "\xef\xbb\xbfx", "\u202ex", "\u2066", "\u200b", "e\u0301", "=x", "+x", "-x", "@x", "=1+1", "!!binary x", "!!python/object:x", "&a x", "*a", "? x", "- x", "| ", "> ", "%YAML 1.2", "---", "...",
		"yes", "null", "~", "0x1f", "1e3", "[x]", "]", "[DEFAULT]", ";x", "#x", " x", "x ", "x #y", "{{x}}", "{{ .X }}", "{%x%}", "x\nBUCKETGRANT_END\nid\n", "BUCKETGRANT_END", "x\n[other]\ntype = local", "x\n  admin: true", "x\",\"y\":\"z",
		"x\r\ny", "x\ry", "x\x00y", "x\x1b[2Jy", "x\x7fy", "x\u0085y", "x\u2028y", "\"\"\"x\"\"\"", "x:y", "x: y", "key=value", "x,y", "\tx", "\x0bx", "../../x", "--flag", "-rf", "x;id", "x|id", "x&&id", "x>y", "!x", "^x", "~root", "*.x", "x?y", "x%41y", "x\ufffdy", "x\xffy",
		"${x", "${\"x\"}", "$${", "%{", "%%{x}", "<<EOT\nx\nEOT", "EOT", // templates and heredocs
		"$'x'", "$\"x\"", "x$", "$$", "$1", "${x:-y}", "{a,b}", "~", "x\\", "x\ny=z", "export x=y", "x=(y)", "!!", // shells strings.Repeat("a", 300), strings.Repeat("a", 9000),
	}, hostile...)
	slices.Sort(all)
	return slices.Compact(all)
}

// typed are texts that mean something only to readers who know more types than
// text; a shell, of which each reading is a process, has its own.
func typed(format string) []string {
	if strings.Contains("env dotenv github", format) && !everyReader {
		return nil
	}
	return []string{
		"on", "off", "No", "y", "2001-01-01", "2001-12-14t21:59:43.10-05:00", "1:30", "190:20:30", "0o17", "017", "1_000", ".inf", ".NaN", "<<", "!!str x", "!x y", "%TAG ! x", "\u0085x", "\ufeff- x", // other types, directives and breaks of YAML 1.1
		"+1|cmd", "\t=1", "\uff1d1", "=HYPERLINK(\"x\")", "x\"=1", // formulas
		"x\\\n y", "x ; y", "x\n y", "x\n=y", "[", "][", "x]\n[y", // comments and continuations
	}
}

// fieldsOf are the fields that a receipt or a credential brings into a file.
func fieldsOf() map[string]func(*core.Credential, *core.Receipt, string) {
	return map[string]func(*core.Credential, *core.Receipt, string){
		"grant":  func(_ *core.Credential, r *core.Receipt, s string) { r.Grant = s },
		"bucket": func(_ *core.Credential, r *core.Receipt, s string) { r.Bucket = s },
		"prefix": func(_ *core.Credential, r *core.Receipt, s string) { r.Prefix = s },
		"region": func(_ *core.Credential, r *core.Receipt, s string) { r.Region = s },
		"id":     func(c *core.Credential, _ *core.Receipt, s string) { c.ID = s },
		"secret": func(c *core.Credential, _ *core.Receipt, s string) { c.Secret = core.NewSecret([]byte(s)) },
	}
}

func TestHostileTextBreaksOutOfNoFormat(t *testing.T) {
	t.Attr("suite", "M1")
	if len(payloads()) < 40 {
		t.Fatalf("got %d payloads", len(payloads()))
	}
	for _, f := range Formats() {
		if !slices.Contains(f.Forms, core.PairForm) {
			continue
		}
		read, ok := consumers()[f.Name]
		if !ok {
			t.Errorf("%s: no program that consumes it is known: add it to consumers", f.Name)
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			written, refused := 0, 0
			defer func() { t.Attr("cases", strconv.Itoa(written+refused)) }()
			for _, field := range slices.Sorted(maps.Keys(fieldsOf())) {
				for _, payload := range append(payloads(), typed(f.Name)...) {
					variants := []string{payload, "ab" + payload + "cd"}
					if slices.Contains([]string{"env", "dotenv", "github"}, f.Name) {
						variants = variants[:1] // a shell is started for each
					}
					for _, value := range variants {
						c := pairOf(exampleID, "sec/ret+")
						r := receiptFor(c)
						fieldsOf()[field](&c, &r, value)
						data, err := f.Encode(c, r)
						if err != nil {
							refused++
							if field == "secret" && len(value) > 8 && strings.Contains(err.Error(), value) {
								t.Errorf("secret %q: the refusal shows it: %v", value, err)
							}
							continue
						}
						written++
						cleanFile(t, data)
						got, err := read(t, data)
						if err != nil {
							t.Errorf("%s %q: its program cannot read it: %v\n%s", field, value, err, data)
							continue
						}
						want := map[string]string{"grant": r.Grant, "bucket": r.Bucket, "prefix": r.Prefix, "region": r.Region, "id": c.ID, "secret": string(c.Secret.Reveal())}
						for name, value := range got {
							if base, ok := strings.CutSuffix(name, " as an identifier"); ok {
								name, want[base] = base, strings.ReplaceAll(want[base], "-", "_")
							}
							if name == "prefix" && f.Name == "rudder" {
								want[name] = strings.TrimSuffix(want[name], "/")
							}
							if name == "url" {
								want[name] = "https://" + r.Bucket + ".s3." + r.Region + ".amazonaws.com"
								if strings.HasPrefix(r.Region, "cn-") {
									want[name] += ".cn"
								}
								want[name] += "/" + r.Prefix
								if strings.Contains(r.Bucket, ".") {
									want[name] = "https://s3." + r.Region + ".amazonaws.com/" + r.Bucket + "/" + r.Prefix
								}
							}
							if value != want[name] {
								t.Errorf("%s %q: its program reads %s %q, want %q\n%s", field, payload, name, value, want[name], data)
							}
						}
						if got["id"] == "" || got["secret"] == "" {
							t.Errorf("%s %q: its program reads no credential of\n%s", field, payload, data)
						}
					}
				}
			}
			if written < 5 {
				t.Errorf("nearly everything was refused (%d written), which shows nothing", written)
			}
		})
	}
}

func TestHostileTextAroundADocumentBreaksOutOfNoFormat(t *testing.T) {
	t.Attr("suite", "M1")
	for _, f := range Formats() {
		if !slices.Contains(f.Forms, core.DocumentForm) {
			continue
		}
		read, ok := documentConsumers()[f.Name]
		if !ok {
			t.Errorf("%s: no program that consumes it is known: add it to documentConsumers", f.Name)
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			c, cases := newDocument(t), 0
			defer func() { t.Attr("cases", strconv.Itoa(cases)) }()
			for _, field := range []string{"grant", "bucket", "prefix", "region"} {
				for _, payload := range slices.Concat(payloads(), typed(f.Name), []string{"plain"}) {
					cases++
					r := receiptFor(c)
					r.Cloud = "gcs"
					fieldsOf()[field](&c, &r, payload)
					data, err := f.Encode(c, r)
					if err != nil {
						if payload == "plain" {
							t.Errorf("%s %q: got %v", field, payload, err)
						}
						continue
					}
					cleanFile(t, data)
					document, err := read(t, data)
					if err != nil || !same(c, core.Credential{Form: core.DocumentForm, Secret: core.NewSecret(bytes.Clone(document))}) {
						t.Errorf("%s %q: its program reads another document: %v", field, payload, err)
					}
				}
			}
			for _, payload := range append(payloads(), typed(f.Name)...) {
				cases++
				d := core.Credential{ID: "x", Form: core.DocumentForm, Holder: "x", Secret: core.NewSecret(slices.Concat(
					[]byte("{\n  \"private_key_id\": \"x\",\n  \"client_email\": \"x\",\n  \"private_key\": "), jsonText(payload), []byte("\n}\n")))}
				data, err := f.Encode(d, receiptFor(c))
				if err != nil {
					continue
				}
				cleanFile(t, data)
				document, err := read(t, data)
				if err != nil || !same(d, core.Credential{Form: core.DocumentForm, Secret: core.NewSecret(bytes.Clone(document))}) {
					t.Errorf("document with %q: its program reads %q: %v", payload, document, err)
				}
			}
		})
	}
}

// cleanFile holds data to what every format promises.
func cleanFile(t *testing.T, data []byte) {
	t.Helper()
	if bytes.ContainsRune(data, '\r') || !bytes.HasSuffix(data, []byte("\n")) || bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) || bytes.IndexByte(data, 0) >= 0 {
		t.Errorf("got %q, want LF only, one at the end, no mark and no zero", data)
	}
}
