// rclone: a remote in the configuration of rclone.
//
// The remote checks nothing that a grant to write does not allow: neither that
// the bucket exists, nor an object after its upload.
// https://rclone.org/s3/ https://rclone.org/googlecloudstorage/
package handoff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/bucketgrant/bucketgrant/core"
)

// remoteName is a name that needs no quotes in a file or on a command line.
var remoteName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// notRclone means something to the reader of rclone's file: quotes, the end of a
// line that goes on, references to other settings.
const notRclone = "#;\"'`[]\\%"

func encodeRclone(c core.Credential, r core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, c.Form)
	if err != nil {
		return nil, err
	}
	if !remoteName.MatchString(r.Grant) {
		return nil, errors.New("format rclone: the grant's name cannot be that of a remote")
	}
	head := "[" + r.Grant + "]\n"
	switch c.Form {
	case core.PairForm:
		region, endpoint, err := placeOf(r)
		if err != nil {
			return nil, err
		}
		err = errors.Join(holdsPair("rclone", c.ID, secret, notRclone), holds("rclone", "region", region, notRclone), holds("rclone", "endpoint", endpoint, notRclone))
		if err != nil {
			return nil, err
		}
		provider := "AWS"
		switch endpoint {
		case "":
		case endpoints()["gcs"]:
			provider = "GCS"
		default:
			provider = "Other" // with the bucket in the path
		}
		tail := "\n"
		if region != "" {
			tail += "region = " + region + "\n"
		}
		if endpoint != "" {
			tail += "endpoint = " + endpoint + "\n"
		}
		return lines([]byte(head+"type = s3\nprovider = "+provider+"\naccess_key_id = "+c.ID+"\nsecret_access_key = "), secret, []byte(tail+"no_check_bucket = true\nno_head = true\n")), nil
	case core.DocumentForm:
		if err := errors.Join(checkDocument("rclone", secret), holdsText("rclone", secret)); err != nil {
			return nil, err
		}
		if bytes.Contains(secret, []byte("%(")) {
			return nil, errors.New("format rclone: the key document has what would be taken for a reference to another setting")
		}
		line := bytes.NewBuffer(make([]byte, 0, len(secret)))
		defer func() { clear(line.Bytes()) }()
		if err := json.Compact(line, secret); err != nil {
			return nil, errors.New("format rclone: the key document is not a JSON object")
		}
		return lines([]byte(head+"type = google cloud storage\nservice_account_credentials = "), line.Bytes(), []byte("\nbucket_policy_only = true\nno_check_bucket = true\n")), nil
	}
	return nil, fmt.Errorf("format rclone: cannot carry a credential that is a %s", c.Form)
}

func decodeRclone(data []byte) (core.Credential, error) {
	values := map[string][]byte{}
	remotes := 0
	for line := range bytes.Lines(withoutMark(data)) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			remotes++
			continue
		}
		key, value, ok := bytes.Cut(line, []byte("="))
		if !ok {
			return core.Credential{}, errors.New("format rclone: a line is neither a remote nor a setting")
		}
		values[string(bytes.TrimSpace(key))] = bytes.TrimSpace(value)
	}
	switch {
	case remotes != 1:
		return core.Credential{}, errors.New("format rclone: the file must hold exactly one remote")
	case values["session_token"] != nil:
		return core.Credential{}, errors.New("format rclone: the file holds a session, not a key of a grant")
	case string(values["type"]) == "s3":
		return newPair(values["access_key_id"], values["secret_access_key"])
	case string(values["type"]) == "google cloud storage":
		var document bytes.Buffer
		if err := json.Indent(&document, values["service_account_credentials"], "", "  "); err != nil {
			return core.Credential{}, errors.New("format rclone: the remote holds no key document")
		}
		document.WriteByte('\n')
		return decodeDocument(document.Bytes())
	}
	return core.Credential{}, errors.New("format rclone: is not a remote of a kind that holds a key")
}

// isRemote tells a configuration of rclone from a profile: it says of which type a remote is.
func isRemote(data []byte) bool {
	for line := range bytes.Lines(data) {
		key, _, ok := bytes.Cut(line, []byte("="))
		if ok && string(bytes.TrimSpace(key)) == "type" {
			return true
		}
	}
	return false
}
