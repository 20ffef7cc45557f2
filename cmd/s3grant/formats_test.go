// What is handed over, in the hands of the AWS SDK.
package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

func TestTheSDKReadsTheFilesThatAreMadeForIt(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	const id, secret = "AKIAIOSFODNN7EXAMPLE", "+none/of=them+"
	c := core.Credential{ID: id, Form: core.PairForm, Secret: core.NewSecret([]byte(secret))}
	r := core.Receipt{Cloud: "s3", Grant: "acme-events", Bucket: "acme", Region: "eu-west-1", Prefix: "events/"}
	for name, profile := range map[string]func(file string) (settings, credentials string){
		"aws-credentials":    func(file string) (string, string) { return os.DevNull, file },
		"credential-process": func(file string) (string, string) { return settingsFor(t, r, file), os.DevNull },
	} {
		t.Run(name, func(t *testing.T) {
			f, err := handoff.FindFormat(name, core.PairForm)
			if err != nil {
				t.Fatal(err)
			}
			data, err := f.Encode(c, r)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			settings, credentials := profile(file)
			got, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile(r.Grant),
				config.WithSharedConfigFiles([]string{settings}), config.WithSharedCredentialsFiles([]string{credentials}))
			if err != nil {
				t.Fatal(err)
			}
			key, err := got.Credentials.Retrieve(t.Context())
			if err != nil || key.AccessKeyID != id || key.SecretAccessKey != secret || key.SessionToken != "" || key.CanExpire || got.Region != r.Region {
				t.Errorf("got key %q in %q from %s and %v", key.AccessKeyID, got.Region, key.Source, err)
			}
		})
	}
}

// settingsFor is a profile whose program prints a file.
func settingsFor(t *testing.T, r core.Receipt, file string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := "[profile " + r.Grant + "]\nregion = " + r.Region + "\ncredential_process = cat " + file + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
