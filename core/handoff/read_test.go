// What reading promises: it knows what consoles and editors make of a file, and
// never shows what it could not read.

package handoff

import (
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestFilesFromConsolesAndEditorsAreRead(t *testing.T) {
	for name, file := range map[string]string{
		"console, with a mark and CRLF":      "\xef\xbb\xbfAccess key ID,Secret access key\r\nAKIAIOSFODNN7EXAMPLE,a/b+c\r\n",
		"console, older":                     "User name,Password,Access key ID,Secret access key,Console login link\nacme,,AKIAIOSFODNN7EXAMPLE,a/b+c,https://x\n",
		"console, three columns":             "User Name,Access key ID,Secret access key\n\"acme\",AKIAIOSFODNN7EXAMPLE,\"a/b+c\"\n",
		"console, quoted names":              "\"User Name\",\"Access key ID\",\"Secret access key\"\nacme,AKIAIOSFODNN7EXAMPLE,a/b+c\n",
		"credentials with a comment":         "# mine\n; and theirs\n\n[default]\n  AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE  \naws_secret_access_key = a/b+c\noutput=json\n",
		"credentials with CRLF":              "[x]\r\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\r\naws_secret_access_key = a/b+c\r\n",
		"credentials without a last LF":      "[x]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = a/b+c",
		"env, exported and double-quoted":    "export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nexport AWS_SECRET_ACCESS_KEY=\"a/b+c\"\n",
		"env, with a comment in between":     "# x\nAWS_REGION=eu\n# y\nAWS_SECRET_ACCESS_KEY='a/b+c'\nAWS_ACCESS_KEY_ID='AKIAIOSFODNN7EXAMPLE'\n",
		"json, in one line and with CRLF":    "{\"schema_version\":1,\"grant\":\"g\",\"access_key_id\":\"AKIAIOSFODNN7EXAMPLE\",\"access_key\":\"a/b+c\"}\r\n",
		"json, indented and with a mark":     "\xef\xbb\xbf{\n \"schema_version\": 1,\n \"access_key_id\": \"AKIAIOSFODNN7EXAMPLE\",\n \"access_key\": \"a/b+c\"\n}",
		"credentials, region before the key": "[x]\nregion = eu\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = a/b+c\n",
	} {
		c, _, err := Read([]byte(file))
		if err != nil || c.ID != exampleID || string(c.Secret.Reveal()) != "a/b+c" {
			t.Errorf("%s: got %q, %q and %v", name, c.ID, c.Secret.Reveal(), err)
		}
	}
}

func TestWhatCannotBeReadIsRefusedAndNotShown(t *testing.T) {
	const canary = "CANARY0123456789"
	for name, c := range map[string]struct{ file, want string }{
		"nothing":                 {"", "no known format"},
		"only a comment":          {"# " + canary, "no known format"},
		"prose":                   {"the secret is " + canary, "no known format"},
		"two profiles":            {"[a]\naws_secret_access_key = " + canary + "\n[b]\naws_access_key_id = x\n", "exactly one profile"},
		"no key ID":               {"[a]\naws_secret_access_key = " + canary + "\n", "lacks the key ID or the secret"},
		"a session":               {"[a]\naws_access_key_id = x\naws_secret_access_key = y\naws_session_token = " + canary + "\n", "session"},
		"a line of nothing":       {"[a]\n" + canary + "\n", "neither a profile nor a setting"},
		"a session in variables":  {"AWS_ACCESS_KEY_ID=x\nAWS_SECRET_ACCESS_KEY=y\nAWS_SESSION_TOKEN=" + canary, "session"},
		"half a table":            {"Access key ID,Secret access key\n\"" + canary, "not a table"},
		"a ragged table":          {"Access key ID,Secret access key\nx,y," + canary + "\n", "not a table"},
		"two keys":                {"Access key ID,Secret access key\nx," + canary + "\ny,z\n", "exactly one key"},
		"damaged JSON":            {`{"access_key":"` + canary, "damaged JSON"},
		"JSON of another version": {`{"schema_version":2,"access_key":"` + canary + `"}`, "accepted: 1"},
		"JSON with more in it":    {`{"schema_version":1,"` + canary + `":"x"}`, "not the object"},
		"JSON with two keys":      {`{"schema_version":1,"access_key_id":"x","access_key":"` + canary + `","service_account":{}}`, "two credentials"},
		"a document without key":  {`{"type":"authorized_user","refresh_token":"` + canary + `"}`, "lacks private_key_id"},
		"a document of numbers":   {`{"private_key":1234567890123456}`, "not a key document"},
		"a sealed file":           {"age-encryption.org/v1\n" + canary, "sealed"},
		"a sealed text":           {"-----BEGIN AGE ENCRYPTED FILE-----\n" + canary, "sealed"},
	} {
		got, _, err := Read([]byte(c.file))
		if err == nil {
			t.Errorf("%s: was read as %q", name, got.ID)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "1234567890123456") {
			t.Errorf("%s: got %q, want %q in it and nothing of the file", name, err, c.want)
		}
	}
}

func FuzzReadNeverPanicsAndWhatItReadsCanBeWritten(f *testing.F) {
	for _, seed := range []string{"Access key ID,Secret access key\na,b\n", "[a]\naws_access_key_id = a\naws_secret_access_key = b\n", "AWS_ACCESS_KEY_ID='a'\nAWS_SECRET_ACCESS_KEY='b'\n",
		`{"schema_version":1,"access_key_id":"a","access_key":"b"}`, `{"private_key_id":"a","private_key":"b","client_email":"c"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, name, err := Read(data)
		if err != nil {
			return
		}
		if c.ID == "" || c.Secret.Empty() {
			t.Errorf("%s: got a credential without ID or secret", name)
		}
		if c.Form != core.DocumentForm {
			return
		}
		if _, err := encodeNative(c, core.Receipt{}); err != nil {
			t.Errorf("%s: a document that was read cannot be written: %v", name, err)
		}
	})
}
