// Package handoff puts a credential into its holder's hands: encoded in the
// holder's format, sealed to the holder's public key, written where nobody else
// can look, with a receipt beside it that is safe in a ticket.
package handoff

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// Format is one way to write a credential down. What it writes is UTF-8 without
// a byte order mark, with LF line ends and one at the end.
type Format struct {
	Name  string
	Use   string      // how the holder uses the file
	Forms []core.Form // the forms that it can carry

	// File is the name of a file that holds the credential unsealed. The names
	// of different keys differ, so that a rotation never meets an older file.
	File func(name, keyID string) string

	// Encode refuses what the format cannot hold rather than escaping it in a
	// way that some reader does not know. The result is for the caller to clear.
	Encode func(core.Credential, core.Receipt) ([]byte, error)

	// Decode reads what Encode writes, and what the cloud's own tools write in
	// that format. Its errors never show what they read.
	Decode func([]byte) (core.Credential, error)

	// beside makes a further file without a secret; nil if there is none. Its
	// name is what follows the stem of the others.
	beside func(core.Receipt) (file, error)
}

// Formats returns every format, the most useful first.
func Formats() []Format {
	pair, document := []core.Form{core.PairForm}, []core.Form{core.DocumentForm}
	return []Format{
		{
			"native", "what the cloud itself hands out: a key document byte for byte (GOOGLE_APPLICATION_CREDENTIALS=FILE), or a pair like aws-credentials",
			slices.Concat(document, pair), extension("key.json"), encodeNative, decodeNative, nil,
		},
		{
			"aws-credentials", "a profile named after the grant: AWS_SHARED_CREDENTIALS_FILE=FILE AWS_PROFILE=GRANT aws s3 cp …",
			pair, extension("credentials"), encodeINI, decodeINI, nil,
		},
		{
			"console-csv", "the two columns that the AWS console offers for download; not for spreadsheets, which may take a secret that begins with + for a formula",
			pair, extension("csv"), encodeConsoleCSV, decodeCSV, nil,
		},
		{
			"import-csv", "with a User Name column that holds the grant's name: aws configure import --csv file://FILE (version 2 of the AWS command line)",
			pair, extension("import.csv"), encodeImportCSV, decodeCSV, nil,
		},
		{
			"env", "variables for a shell or a container: set -a; . FILE; set +a",
			pair, extension("env"), encodeEnv, decodeEnv, nil,
		},
		{
			"dotenv", "a .env file with the bucket and the prefix as well, for programs that read such files themselves: every value in single quotes",
			pair, extension("dotenv"), encodeDotenv, decodeEnv, nil,
		},
		{
			"credential-process", "what AWS tools read from a program: credential_process = cat FILE, in a profile of ~/.aws/config that also names the region",
			pair, extension("process.json"), encodeProcess, decodeProcess, nil,
		},
		{
			"json", "one object with bucket, region, prefix and the credential, for programs",
			slices.Concat(pair, document), extension("json"), encodeJSON, decodeJSON, nil,
		},
		{
			"rudder", "a destination for rudder-cli; a key document stays a file of its own, for the variable GCS_CREDENTIALS",
			slices.Concat(pair, document), extension("rudder.yaml"), encodeRudder, decodeRudder, nil,
		},
		{
			"rclone", "a remote named after the grant: rclone --config FILE copyto --no-check-dest … GRANT:BUCKET/PREFIX/NAME",
			slices.Concat(pair, document), extension("rclone.conf"), encodeRclone, decodeRclone, nil,
		},
		{
			"kubernetes", "a Secret for kubectl apply -f FILE; it holds the values as they are, and the base64 that Kubernetes makes of them is not encryption",
			slices.Concat(pair, document), extension("secret.yaml"), encodeKubernetes, decodeKubernetes, nil,
		},
		{
			"tfvars", "variables for Terraform: terraform plan -var-file=FILE; declare them ephemeral, or the values end up in its state",
			slices.Concat(pair, document), extension("auto.tfvars.json"), encodeTfvars, decodeTfvars, nil,
		},
		{
			"clickhouse", "a named collection for /etc/clickhouse-server/config.d/: s3(GRANT, filename = '…'), with _ for every - of the grant's name",
			pair, extension("clickhouse.xml"), encodeClickHouse, decodeClickHouse, nil,
		},
		{
			"github", "a script that sets secrets of GitHub Actions with gh: sh FILE --repo OWNER/NAME; no secret is in a command line",
			slices.Concat(pair, document), extension("github.sh"), encodeGitHub, decodeGitHub, nil,
		},
	}
}

// Beside is the file without a secret that goes beside one in this format; ext is
// what its name ends in, "" if there is none.
func (f Format) Beside(r core.Receipt) (ext string, data []byte, err error) {
	if f.beside == nil {
		return "", nil, nil
	}
	made, err := f.beside(r)
	return made.name, made.data, err
}

// FindFormat returns the format of that name, for credentials of that form. Its
// error is [core.Faults] with what would be accepted.
func FindFormat(name string, form core.Form) (Format, error) {
	var known, able []string
	for _, f := range Formats() {
		known = append(known, f.Name)
		if slices.Contains(f.Forms, form) {
			able = append(able, f.Name)
		}
	}
	rule := "is not a known format"
	if slices.Contains(known, name) {
		rule = "cannot carry a credential that is a " + string(form)
		if name == "env" || name == "dotenv" {
			rule = "cannot carry a credential that is a document: a variable holds a line, not a file; use native, and put the path of the file into the variable"
		}
	}
	i := slices.IndexFunc(Formats(), func(f Format) bool { return f.Name == name && slices.Contains(f.Forms, form) })
	if i < 0 {
		return Format{}, core.Faults{{Field: "format", Value: name, Rule: rule, Accepts: strings.Join(able, ", ")}}
	}
	f := Formats()[i]
	f.Forms = []core.Form{form}
	if f.Name == "native" && form == core.PairForm {
		f.File = extension("credentials")
	}
	if f.Name == "rudder" && form == core.DocumentForm {
		f.File, f.beside = extension("rudder.key.json"), besideRudder
	}
	return f, nil
}

// DefaultFormat is the format that the cloud itself hands out.
func DefaultFormat(form core.Form) Format {
	f, err := FindFormat("native", form)
	if err != nil {
		panic(err) // native carries every form
	}
	return f
}

// Read recognises any of the formats, and returns the credential and the
// format's name. It also reads what the clouds' own consoles let people
// download. Its errors never show what they read.
func Read(data []byte) (core.Credential, string, error) {
	name, err := recognise(data)
	if err != nil {
		return core.Credential{}, "", err
	}
	i := slices.IndexFunc(Formats(), func(f Format) bool { return f.Name == name })
	c, err := Formats()[i].Decode(data)
	if err != nil {
		return core.Credential{}, "", err
	}
	return c, name, nil
}

// recognise tells a format from its first line that is not a comment.
func recognise(data []byte) (string, error) {
	if looksSealed(data) {
		return "", errors.New("credential: is sealed; open it with the private key first")
	}
	for line := range strings.Lines(string(withoutMark(data))) {
		line = strings.TrimSpace(line)
		columns := strings.ToLower(strings.ReplaceAll(line, `"`, ""))
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
			continue
		case line[0] == '{':
			return recogniseJSON(data)
		case line[0] == '[' && isRemote(data):
			return "rclone", nil
		case line[0] == '[':
			return "aws-credentials", nil
		case strings.HasPrefix(line, "apiVersion:"):
			return "kubernetes", nil
		case strings.HasPrefix(line, "<clickhouse>"):
			return "clickhouse", nil
		case line == "set -eu":
			return "github", nil
		case strings.HasPrefix(line, bucketVariable+"="):
			return "dotenv", nil
		case strings.HasPrefix(line, "version:"):
			return "rudder", nil
		case strings.HasPrefix(columns, "user name,"):
			return "import-csv", nil
		case strings.HasPrefix(columns, "access key id,"):
			return "console-csv", nil
		case strings.HasPrefix(strings.TrimPrefix(line, "export "), "AWS_"):
			return "env", nil
		}
		break
	}
	var known []string
	for _, f := range Formats() {
		known = append(known, f.Name)
	}
	return "", fmt.Errorf("credential: is in no known format; accepted: %s", strings.Join(known, ", "))
}

// extension gives the namer of a format.
func extension(ext string) func(name, keyID string) string {
	return func(name, keyID string) string { return stem(name, keyID) + "." + ext }
}

// stem is what the names of all files of one delivery begin with. Its two parts
// hold no dot, so that the rest of a name can be told from them.
func stem(name, keyID string) string { return cleanName(name) + "." + cleanName(keyID) }

// cleanName is name with nothing in it that a file's name may not hold or that divides it.
func cleanName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
}
