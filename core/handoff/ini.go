// aws-credentials: the shared credentials file of the AWS tools.
//
// Values are literal: no quotes, no comments behind them.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
package handoff

import (
	"bytes"
	"errors"

	"github.com/bucketgrant/bucketgrant/core"
)

// notINI means something to some reader of the file.
const notINI = "#;\"'[]"

func encodeINI(c core.Credential, r core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, core.PairForm)
	if err != nil {
		return nil, err
	}
	if r.Grant == "" {
		return nil, errors.New("format aws-credentials: the grant has no name")
	}
	place, endpoint, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		holds("aws-credentials", "grant's name", r.Grant, notINI),
		holdsPair("aws-credentials", c.ID, secret, notINI),
		holds("aws-credentials", "region", place, notINI),
		holds("aws-credentials", "endpoint", endpoint, notINI),
	)
	if err != nil {
		return nil, err
	}
	region := ""
	if place != "" {
		region = "region = " + place + "\n"
	}
	if endpoint != "" {
		region += "endpoint_url = " + endpoint + "\n" // https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
	}
	return lines(
		[]byte("["+r.Grant+"]\naws_access_key_id = "+c.ID+"\naws_secret_access_key = "), secret, []byte("\n"+region),
	), nil
}

func decodeINI(data []byte) (core.Credential, error) {
	var id, secret []byte
	profiles := 0
	for line := range bytes.Lines(withoutMark(data)) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			profiles++
		default:
			key, value, ok := bytes.Cut(line, []byte("="))
			if !ok {
				return core.Credential{}, errors.New("format aws-credentials: a line is neither a profile nor a setting")
			}
			switch value = bytes.TrimSpace(value); string(bytes.ToLower(bytes.TrimSpace(key))) {
			case "aws_access_key_id":
				id = value
			case "aws_secret_access_key":
				secret = value
			case "aws_session_token":
				return core.Credential{}, errors.New("format aws-credentials: the file holds a session, not a key of a grant")
			}
		}
	}
	if profiles != 1 {
		return core.Credential{}, errors.New("format aws-credentials: the file must hold exactly one profile")
	}
	return newPair(id, secret)
}
