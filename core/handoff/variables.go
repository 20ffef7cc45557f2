// Variables: what the formats for environments hold, by the names that programs know.
package handoff

import (
	"bytes"
	"fmt"

	"github.com/bucketgrant/bucketgrant/core"
)

// The names of variables. Those of a pair are the AWS tools' own.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
const (
	idEnv          = "AWS_ACCESS_KEY_ID"
	secretEnv      = "AWS_SECRET_ACCESS_KEY" //nolint:gosec // a name
	documentEnv    = "GOOGLE_CREDENTIALS"    // https://github.com/google-github-actions/auth#inputs-service-account-key-json
	bucketVariable = "S3_BUCKET_NAME"
)

// variable is one name and its value.
type variable struct {
	name   string
	value  []byte // a secret one is the credential's own
	secret bool   // part of the credential
}

// variablesOf are the place and the credential as variables, the place first.
// What a format cannot hold beyond visible ASCII is in not.
func variablesOf(format string, c core.Credential, r core.Receipt, not string) ([]variable, error) {
	secret, err := secretOf(c, c.Form)
	if err != nil {
		return nil, err
	}
	if r.Bucket == "" {
		return nil, fmt.Errorf("format %s: the bucket has no name", format)
	}
	var list []variable
	public := func(name, value string) {
		if value != "" {
			list = append(list, variable{name, []byte(value), false})
		}
	}
	switch c.Form {
	case core.PairForm:
		region, endpoint, err := placeOf(r)
		if err != nil {
			return nil, err
		}
		if err := holdsPair(format, c.ID, secret, not); err != nil {
			return nil, err
		}
		public(bucketVariable, r.Bucket)
		public("S3_PREFIX", r.Prefix)
		public("AWS_REGION", region)
		public("AWS_DEFAULT_REGION", region)
		public("AWS_ENDPOINT_URL_S3", endpoint)
		list = append(list, variable{idEnv, []byte(c.ID), true}, variable{secretEnv, secret, true})
	case core.DocumentForm:
		if err := checkDocument(format, secret); err != nil {
			return nil, err
		}
		if err := holdsText(format, secret); err != nil {
			return nil, err
		}
		public("GCS_BUCKET_NAME", r.Bucket)
		public("GCS_PREFIX", r.Prefix)
		list = append(list, variable{documentEnv, secret, true})
	default:
		return nil, fmt.Errorf("format %s: cannot carry a credential that is a %s", format, c.Form)
	}
	for _, v := range list {
		if v.secret {
			continue
		}
		if err := holds(format, v.name, v.value, not); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// credentialOf is the credential that variables hold.
func credentialOf(values map[string][]byte) (core.Credential, error) {
	if document, ok := values[documentEnv]; ok {
		return decodeDocument(append(bytes.TrimRight(document, "\n"), '\n'))
	}
	return newPair(values[idEnv], values[secretEnv])
}
