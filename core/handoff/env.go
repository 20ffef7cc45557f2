// env: variables for a shell or a container.
package handoff

import (
	"bytes"
	"errors"

	"github.com/bucketgrant/bucketgrant/core"
)

// notEnv ends a value in single quotes, or means something to readers of such
// files that are not shells.
const notEnv = "'\"\\`$"

func encodeEnv(c core.Credential, r core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, core.PairForm)
	if err != nil {
		return nil, err
	}
	place, endpoint, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(holdsPair("env", c.ID, secret, notEnv), holds("env", "region", place, notEnv), holds("env", "endpoint", endpoint, notEnv)); err != nil {
		return nil, err
	}
	region := ""
	if place != "" {
		// The first version of the AWS command line and its kin know the second name only.
		region = "AWS_REGION='" + place + "'\nAWS_DEFAULT_REGION='" + place + "'\n"
	}
	if endpoint != "" {
		region += "AWS_ENDPOINT_URL_S3='" + endpoint + "'\n"
	}
	return lines(
		[]byte("AWS_ACCESS_KEY_ID='"+c.ID+"'\nAWS_SECRET_ACCESS_KEY='"), secret, []byte("'\n"+region),
	), nil
}

func decodeEnv(data []byte) (core.Credential, error) {
	var id, secret []byte
	for line := range bytes.Lines(withoutMark(data)) {
		line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("export "))
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, value, ok := bytes.Cut(line, []byte("="))
		if !ok {
			return core.Credential{}, errors.New("format env: a line is not NAME=value")
		}
		switch value = unquote(value); string(key) {
		case "AWS_ACCESS_KEY_ID":
			id = value
		case "AWS_SECRET_ACCESS_KEY":
			secret = value
		case "AWS_SESSION_TOKEN":
			return core.Credential{}, errors.New("format env: the file holds a session, not a key of a grant")
		}
	}
	return newPair(id, secret)
}

// unquote takes one pair of quotes away.
func unquote(value []byte) []byte {
	if n := len(value); n >= 2 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}
