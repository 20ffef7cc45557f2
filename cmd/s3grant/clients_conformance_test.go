//go:build conformance

// What receive writes, in the hands of the programs that it is for: rclone, the aws CLI, a shell.
package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
)

// sealedOnce serves a sandbox with one key that may only put, and receives it in any format.
func sealedOnce(t *testing.T) (vendor, func(format string) (file string)) {
	t.Helper()
	v := vendor{Served: clitest.NewServed(t, "s3grant")}
	v.body = filepath.Join(v.Dir, "one.json")
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	identity := filepath.Join(v.Dir, "key.txt")
	for path, text := range map[string]string{v.body: `{"event":"one"}`, identity: key.String() + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v.Beside(0, slices.Concat([]string{"apply"}, lifeGrant, []string{"--yes", "--to", key.Recipient().String(), "--out", "sealed"})...)
	return v, func(format string) string {
		t.Helper()
		file := filepath.Join(v.Dir, "as-"+format)
		v.Beside(0, "receive", v.Handed("sealed", ".age"), "--identity", identity, "--format", format, "--out", file)
		return file
	}
}

func TestConformanceRcloneWithAKeyThatOnlyPuts(t *testing.T) {
	clitest.NeedsRclone(t)
	t.Parallel()
	v, receive := sealedOnce(t)
	file := receive("rclone")
	at := []string{"--s3-provider", "Other", "--s3-endpoint", "http://" + v.Address, "--s3-force-path-style=true"}
	plain := v.Rclone(file, at...)
	r := v.Rclone(file, append(at, "--s3-acl", "bucket-owner-full-control")...)
	in := ":" + lifeBucket + "/events/"

	r.Works("", "copyto", "--no-check-dest", v.body, in+"1")
	if plain.SendsACL() {
		plain.Refused("AccessControlListNotSupported", "copyto", "--no-check-dest", v.body, in+"2")
	} else {
		plain.Works("", "copyto", "--no-check-dest", v.body, in+"2")
	}
	// Each setting that the README or the file has is needed.
	r.Refused("Forbidden", "copyto", v.body, in+"3")
	r.Refused("Forbidden", "copyto", "--no-check-dest", "--s3-no-head=false", v.body, in+"4")
	r.Refused("s3:CreateBucket", "copyto", "--no-check-dest", "--s3-no-check-bucket=false", v.body, in+"5")

	r.Refused("s3:PutObject", "copyto", "--no-check-dest", v.body, ":"+lifeBucket+"/other/1")
	r.Refused("s3:ListBucket", "cat", in+"1")
	r.Refused("s3:ListBucket", "lsf", in)
	// Rclone looks at an object before it deletes one, and takes the refusal for an absence.
	r.Refused("doesn't exist", "deletefile", in+"1")
}

func TestConformanceTheAWSCLIReadsWhatReceiveWrites(t *testing.T) {
	t.Parallel()
	v, receive := sealedOnce(t)
	config := filepath.Join(v.Dir, "config")
	text := "[default]\nregion = us-east-1\ncredential_process = cat " + receive("credential-process") + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v.puts("a profile with credential_process = cat FILE", []string{v.Env[0], "AWS_CONFIG_FILE=" + config}, "as received")

	for _, format := range []string{"env", "dotenv"} {
		out, said, code := v.Run(v.Env[:1], "sh", "-c", `set -a; . "$1"; set +a; exec aws s3api put-object --bucket "$2" --key "$3" --body "$4"`,
			"sh", receive(format), lifeBucket, "events/"+format, v.body)
		if code != 0 {
			t.Errorf("%s: %s%s", format, out, said)
		} else {
			v.Judged("sh and the aws CLI", "format "+format+": set -a; . FILE; set +a, then a put works")
		}
	}

	csv := receive("import-csv")
	out, said, code := v.Run(v.Env[:1], "aws", "configure", "import", "--csv", "file://"+csv)
	version, _, _ := strings.Cut(strings.TrimPrefix(first(v.Run(nil, "aws", "--version")), "aws-cli/"), " ")
	switch {
	case strings.HasPrefix(version, "1."):
		v.Judged("nobody", "format import-csv: aws CLI "+version+" has no configure import")
	case code != 0:
		t.Errorf("aws configure import: %s%s", out, said)
	default:
		credentials := filepath.Join(v.Dir, ".aws", "credentials")
		v.puts("a profile that aws configure import has made", []string{v.Env[0], "AWS_PROFILE=" + profileIn(t, credentials), "AWS_DEFAULT_REGION=us-east-1"}, "as received")
	}
}

// first is what a program printed.
func first(out, said string, _ int) string { return strings.TrimSpace(out + said) }
