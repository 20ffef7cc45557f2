// rudder: a destination of an event pipeline, as its own command line reads it.
//
// A pair stands in the file. A key document never does: the vendor's tool takes
// it from a variable, so the document is handed over as it is, and the file
// beside it holds no secret.
// https://www.rudderstack.com/docs/rudder-cli/destination-types/amazon-s3/
// https://www.rudderstack.com/docs/rudder-cli/destination-types/google-cloud-storage/
package handoff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// mostRudder is the longest value that the vendor's tool accepts.
const mostRudder = 100

func encodeRudder(c core.Credential, r core.Receipt) ([]byte, error) {
	if c.Form == core.DocumentForm {
		if _, err := besideRudder(r); err != nil {
			return nil, err
		}
		return encodeNative(c, r)
	}
	secret, err := secretOf(c, core.PairForm)
	if err != nil {
		return nil, err
	}
	if endpoint, err := endpointOf(r); err != nil || endpoint != "" || r.Cloud == "gcs" {
		return nil, errors.New("format rudder: a destination of type s3 has no endpoint of its own; use a key document, or another format")
	}
	head, err := rudderHead("s3", r)
	err = errors.Join(err, holdsPair("rudder", c.ID, secret, `"\`), fitsRudder("key ID", []byte(c.ID)), fitsRudder("secret", secret))
	if err != nil {
		return nil, err
	}
	return lines(head, []byte("    role_based_auth: false\n    access_key_id: \""+c.ID+"\"\n    access_key: \""), secret, []byte("\"\n    enable_sse: false\n")), nil
}

// besideRudder is the file beside a key document.
func besideRudder(r core.Receipt) (file, error) {
	head, err := rudderHead("gcs", r)
	return file{".rudder.yaml", append(head, "    credentials: \"{{ .GCS_CREDENTIALS }}\"\n"...)}, err
}

// rudderHead is everything but the credential.
func rudderHead(kind string, r core.Receipt) ([]byte, error) {
	prefix := strings.TrimSuffix(r.Prefix, "/") // the pipeline puts it between its own names
	if r.Grant == "" || r.Bucket == "" {
		return nil, errors.New("format rudder: the grant or the bucket has no name")
	}
	var errs []error
	for _, v := range [][2]string{{"grant's name", r.Grant}, {"bucket", r.Bucket}, {"prefix", prefix}} {
		errs = append(errs, holds("rudder", v[0], v[1], `"\`), fitsRudder(v[0], []byte(v[1])))
	}
	text := fmt.Sprintf("version: rudder/v1\nkind: destination\nmetadata:\n  name: %q\nspec:\n  id: %q\n  display_name: %q\n  type: %s\n  definition_version: 1\n  enabled: true\n  config:\n    bucket_name: %q\n",
		r.Grant, r.Grant, r.Grant, kind, r.Bucket)
	if prefix != "" {
		text += fmt.Sprintf("    prefix: %q\n", prefix)
	}
	return []byte(text), errors.Join(errs...)
}

// fitsRudder refuses what the vendor's tool would refuse or take for a variable.
func fitsRudder(field string, value []byte) error {
	switch {
	case len(value) > mostRudder:
		return fmt.Errorf("format rudder: the %s is longer than %d characters", field, mostRudder)
	case bytes.Contains(value, []byte("{{")), bytes.HasPrefix(value, []byte("env.")):
		return fmt.Errorf("format rudder: the %s would be taken for a variable", field)
	}
	return nil
}

// decodeRudder reads the two lines that hold the pair.
func decodeRudder(data []byte) (core.Credential, error) {
	if text := bytes.TrimSpace(withoutMark(data)); len(text) > 0 && text[0] == '{' {
		return decodeDocument(withoutMark(data))
	}
	found := map[string][]byte{}
	for line := range bytes.Lines(withoutMark(data)) {
		key, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if !ok {
			continue
		}
		if _, twice := found[string(key)]; twice {
			return core.Credential{}, fmt.Errorf("format rudder: holds %q twice", key)
		}
		value = bytes.TrimSpace(value)
		var text string
		if json.Unmarshal(value, &text) == nil {
			value = []byte(text)
		}
		found[string(key)] = unquote(value)
	}
	if string(found["version"]) != "rudder/v1" || string(found["role_based_auth"]) != "false" {
		return core.Credential{}, errors.New("format rudder: is not a destination with a key in it")
	}
	return newPair(found["access_key_id"], found["access_key"])
}
