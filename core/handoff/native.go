// native: what the cloud itself hands out, unchanged.
package handoff

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/bucketgrant/bucketgrant/core"
)

func encodeNative(c core.Credential, r core.Receipt) ([]byte, error) {
	if c.Form == core.PairForm {
		return encodeINI(c, r)
	}
	secret, err := secretOf(c, core.DocumentForm)
	if err != nil {
		return nil, err
	}
	if err := checkDocument("native", secret); err != nil {
		return nil, err
	}
	return bytes.Clone(secret), nil
}

func decodeNative(data []byte) (core.Credential, error) {
	if text := bytes.TrimSpace(withoutMark(data)); len(text) > 0 && text[0] == '{' {
		return decodeDocument(withoutMark(data))
	}
	return decodeINI(data)
}

// keyDocument is what is read of a key document. Its other fields are the
// business of the cloud's own libraries.
// https://cloud.google.com/iam/docs/keys-create-delete#creating
type keyDocument struct {
	KeyID      string `json:"private_key_id"`
	PrivateKey string `json:"private_key"`
	Holder     string `json:"client_email"`
}

// checkDocument refuses what is not one JSON object.
func checkDocument(format string, data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil || fields == nil {
		return fmt.Errorf("format %s: the key document is not a JSON object", format)
	}
	return nil
}

func decodeDocument(data []byte) (core.Credential, error) {
	var d keyDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return core.Credential{}, fmt.Errorf("format native: is not a key document")
	}
	if d.KeyID == "" || d.PrivateKey == "" || d.Holder == "" {
		return core.Credential{}, fmt.Errorf("format native: the key document lacks private_key_id, private_key or client_email")
	}
	return core.Credential{ID: d.KeyID, Form: core.DocumentForm, Holder: d.Holder, Secret: core.NewSecret(bytes.Clone(data))}, nil
}
