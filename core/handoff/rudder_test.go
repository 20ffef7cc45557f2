// What the vendor's own tool accepts of a destination.

package handoff

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bucketgrant/bucketgrant/core"
)

// destination is a destination as the vendor's tool decodes it.
// https://www.rudderstack.com/docs/rudder-cli/yaml-destinations/
type destination struct {
	Version  string `yaml:"version"`
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		ID                string         `yaml:"id"`
		DisplayName       string         `yaml:"display_name"`
		Type              string         `yaml:"type"`
		DefinitionVersion int            `yaml:"definition_version"`
		Enabled           bool           `yaml:"enabled"`
		Config            map[string]any `yaml:"config"`
	} `yaml:"spec"`
}

// check holds d to the field rules.
func (d destination) check(t *testing.T, kind string, keys ...string) {
	t.Helper()
	if d.Version != "rudder/v1" || d.Kind != "destination" || d.Spec.Type != kind || d.Spec.DefinitionVersion != 1 || !d.Spec.Enabled {
		t.Errorf("got %+v, want a destination of type %s", d, kind)
	}
	if n := len(d.Spec.DisplayName); n < 2 || n > 100 || d.Metadata.Name != d.Spec.ID {
		t.Errorf("got the names %q, %q and %q", d.Metadata.Name, d.Spec.ID, d.Spec.DisplayName)
	}
	if len(d.Spec.Config) != len(keys) {
		t.Errorf("got the keys %v, want %v", d.Spec.Config, keys)
	}
	for _, key := range keys {
		value, ok := d.Spec.Config[key]
		if text, isText := value.(string); !ok || isText && (len(text) > 100 || strings.ContainsAny(text, "\r\n")) {
			t.Errorf("%s: got %v", key, value)
		}
	}
}

func TestADestinationFollowsTheVendorsRules(t *testing.T) {
	c := pairOf(exampleID, newSecret())
	data, err := encodeRudder(c, receiptFor(c))
	must(t, err)
	var d destination
	must(t, yaml.UnmarshalWithOptions(data, &d, yaml.Strict()))
	d.check(t, "s3", "bucket_name", "prefix", "role_based_auth", "access_key_id", "access_key", "enable_sse")
	if got := d.Spec.Config["access_key"]; got != string(c.Secret.Reveal()) || d.Spec.Config["role_based_auth"] != false {
		t.Errorf("got another credential than the one that was handed over")
	}
	for _, bad := range []func(*core.Receipt){
		func(r *core.Receipt) { r.Prefix = strings.Repeat("a", 101) + "/" },
		func(r *core.Receipt) { r.Bucket = "{{ .SECRET }}" },
		func(r *core.Receipt) { r.Bucket = "" },
		func(r *core.Receipt) { r.Cloud = "gcs" },
		func(r *core.Receipt) {
			r.Outputs = []core.Output{{Name: "endpoint", Value: "https://storage.googleapis.com"}}
		},
	} {
		r := receiptFor(c)
		bad(&r)
		if data, err := encodeRudder(c, r); err == nil {
			t.Errorf("got %s, want a refusal", data)
		}
	}
}

func TestADestinationForAKeyDocumentHoldsNoSecret(t *testing.T) {
	c := newDocument(t)
	r := receiptFor(c)
	r.Cloud = "gcs"
	dir := filepath.Join(room(t), "out")
	h := Handoff{Dir: dir, Name: r.Grant, Format: mustFind(t, "rudder", core.DocumentForm), Plain: true, About: r}
	must(t, h.Rehearse())
	d, err := h.Deliver(c, r)
	must(t, err)
	if len(d.Files) != 4 {
		t.Fatalf("got %v, want key, two manifests and the destination", d.Files)
	}
	key, err := os.ReadFile(d.Files[0].Path)
	must(t, err)
	if !bytes.Equal(key, c.Secret.Reveal()) {
		t.Errorf("got another document than the cloud's own")
	}
	data, err := os.ReadFile(d.Files[3].Path)
	must(t, err)
	if !strings.HasSuffix(d.Files[3].Path, ".rudder.yaml") || bytes.Contains(data, []byte("PRIVATE")) {
		t.Errorf("%s: got %s", d.Files[3].Path, data)
	}
	var got destination
	must(t, yaml.UnmarshalWithOptions(data, &got, yaml.Strict()))
	got.check(t, "gcs", "bucket_name", "prefix", "credentials")
	if got.Spec.Config["credentials"] != "{{ .GCS_CREDENTIALS }}" {
		t.Errorf("got %v, want a reference", got.Spec.Config["credentials"])
	}
}

func TestWhatTheVendorWouldRefuseIsRefusedBeforeAKeyIsMade(t *testing.T) {
	r := receiptFor(pairOf(exampleID, "x"))
	r.Prefix = strings.Repeat("a", 101) + "/"
	h := Handoff{Dir: filepath.Join(room(t), "out"), Name: r.Grant, Format: mustFind(t, "rudder", core.PairForm), Plain: true, About: r}
	if err := h.Rehearse(); err == nil || !strings.Contains(err.Error(), "longer than 100") {
		t.Errorf("got %v, want the rule", err)
	}
}

func TestAPairForAnotherProtocolsHomeNamesItsEndpoint(t *testing.T) {
	c := pairOf("GOOGEXAMPLE", newSecret())
	r := receiptFor(c)
	r.Cloud, r.Region, r.Outputs = "gcs", "EU", []core.Output{{Name: "endpoint", Value: "https://storage.googleapis.com"}}
	for name, want := range map[string][]string{
		"env":             {"AWS_REGION='auto'\n", "AWS_ENDPOINT_URL_S3='https://storage.googleapis.com'\n"},
		"aws-credentials": {"region = auto\n", "endpoint_url = https://storage.googleapis.com\n"},
		"json":            {`"region": "EU"`, `"endpoint": "https://storage.googleapis.com"`},
	} {
		data, err := mustFind(t, name, core.PairForm).Encode(c, r)
		must(t, err)
		for _, part := range want {
			if !bytes.Contains(data, []byte(part)) {
				t.Errorf("%s: got %s, want %q in it", name, data, part)
			}
		}
		if back, _, err := Read(data); err != nil || back.ID != c.ID || !bytes.Equal(back.Secret.Reveal(), c.Secret.Reveal()) {
			t.Errorf("%s: read back: got %q and %v", name, back.ID, err)
		}
	}
}
