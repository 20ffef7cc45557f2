// json: bucket, region, prefix and the credential in one object, for programs.
package handoff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/bucketgrant/bucketgrant/core"
)

// bundle is the object. The names of the pair's fields are those of the event
// pipeline's own configuration:
// https://www.rudderstack.com/docs/dev-tools/rudder-cli/destination-types/amazon-s3/
type bundle struct {
	SchemaVersion  int             `json:"schema_version"`
	Grant          string          `json:"grant"`
	Cloud          string          `json:"cloud"`
	Bucket         string          `json:"bucket"`
	Region         string          `json:"region"`
	Prefix         string          `json:"prefix"`
	Endpoint       string          `json:"endpoint,omitempty"` // where the pair is of use, if that is not where its protocol comes from
	AccessKeyID    string          `json:"access_key_id,omitempty"`
	AccessKey      string          `json:"access_key,omitempty"`
	ServiceAccount json.RawMessage `json:"service_account,omitempty"` // the key document
}

func encodeJSON(c core.Credential, r core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, c.Form)
	if err != nil {
		return nil, err
	}
	endpoint, err := endpointOf(r)
	if err != nil {
		return nil, err
	}
	for _, public := range []string{r.Grant, r.Cloud, r.Bucket, r.Region, r.Prefix} {
		if !utf8.ValidString(public) {
			return nil, errors.New("format json: a name or the prefix is not valid UTF-8")
		}
	}
	b := bundle{SchemaVersion: 1, Grant: r.Grant, Cloud: r.Cloud, Bucket: r.Bucket, Region: r.Region, Prefix: r.Prefix, Endpoint: endpoint}
	switch c.Form {
	case core.PairForm:
		if !utf8.Valid(secret) || !utf8.ValidString(c.ID) || c.ID == "" {
			return nil, errors.New("format json: the key ID is empty, or it or the secret is not valid UTF-8")
		}
		b.AccessKeyID, b.AccessKey = c.ID, string(secret)
	case core.DocumentForm:
		if err := checkDocument("json", secret); err != nil {
			return nil, err
		}
		b.ServiceAccount = secret
	default:
		return nil, fmt.Errorf("format json: cannot carry a credential that is a %s", c.Form)
	}
	out := bytes.NewBuffer(make([]byte, 0, 2*len(secret)+4<<10)) // in one piece: growing would leave copies behind
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false) // it would change the document
	e.SetIndent("", "  ")
	if err := e.Encode(b); err != nil { //nolint:gosec // this is where the secret is meant to go: into what is sealed
		return nil, errors.New("format json: the credential does not fit into an object")
	}
	return out.Bytes(), nil
}

func decodeJSON(data []byte) (core.Credential, error) {
	var b bundle
	d := json.NewDecoder(bytes.NewReader(withoutMark(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return core.Credential{}, errors.New("format json: is not the object that this format writes")
	}
	if b.SchemaVersion != 1 {
		return core.Credential{}, fmt.Errorf("format json: schema_version is %d; accepted: 1", b.SchemaVersion)
	}
	if b.ServiceAccount == nil {
		return newPair([]byte(b.AccessKeyID), []byte(b.AccessKey))
	}
	if b.AccessKeyID != "" || b.AccessKey != "" {
		return core.Credential{}, errors.New("format json: holds two credentials")
	}
	var document bytes.Buffer
	if err := json.Indent(&document, b.ServiceAccount, "", "  "); err != nil {
		return core.Credential{}, errors.New("format json: service_account is not an object")
	}
	document.WriteByte('\n')
	return decodeDocument(document.Bytes())
}

// recogniseJSON tells our objects from a key document.
func recogniseJSON(data []byte) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(withoutMark(data), &fields); err != nil {
		return "", errors.New("credential: is damaged JSON")
	}
	for _, sign := range [][2]string{{"schema_version", "json"}, {"SecretAccessKey", "credential-process"}, {secretVariable, "tfvars"}, {documentVariable, "tfvars"}} {
		if _, ours := fields[sign[0]]; ours {
			return sign[1], nil
		}
	}
	return "native", nil
}
