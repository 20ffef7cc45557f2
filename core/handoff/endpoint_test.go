// Who may say where a secret is of use.
package handoff

import (
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestReceiptCannotSendASecretToAnotherHost(t *testing.T) {
	for _, c := range []struct {
		cloud, endpoint string
		good            bool
	}{
		{"gcs", "https://storage.googleapis.com", true},
		{"gcs", "http://127.0.0.1:4443", true},
		{"s3", "http://127.0.0.1:4443", true},
		{"s3", "https://storage.googleapis.com", false},
		{"s3", "http://[::1%25x]:80", false},
		{"s3", "https://evil.example.com", false},
		{"gcs", "https://evil.example.com", false},
		{"gcs", "https://storage.googleapis.com.evil.example.com", false},
		{"gcs", "https://storage.googleapis.com@evil.example.com", false},
		{"gcs", "http://storage.googleapis.com", false},
		{"gcs", "http://127.0.0.1@evil.example.com", false},
		{"gcs", "http://localhost:1", false},
	} {
		r := core.Receipt{Cloud: c.cloud, Grant: "acme", Bucket: "b", Region: "EU", Outputs: []core.Output{{Name: "endpoint", Value: c.endpoint}}}
		for _, name := range []string{"env", "aws-credentials", "json"} {
			f, err := FindFormat(name, core.PairForm)
			if err != nil {
				t.Fatal(err)
			}
			data, err := f.Encode(core.Credential{ID: "AKIAIOSFODNN7EXAMPLE", Form: core.PairForm, Secret: core.NewSecret([]byte("none"))}, r)
			if (err == nil) != c.good || strings.Contains(string(data), c.endpoint) != c.good {
				t.Errorf("%s of %s with %s: got %q and %v, want it written: %v", name, c.cloud, c.endpoint, data, err, c.good)
			}
		}
	}
}
