// kubernetes: a Secret whose keys are the names of variables, for envFrom.
//
// The values stand under stringData, as they are: the base64 under data would
// only look as if it hid them.
// https://kubernetes.io/docs/concepts/configuration/secret/
package handoff

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	"github.com/bucketgrant/bucketgrant/core"
)

// subdomain is what may be the name of a Secret.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
var subdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?$`)

func encodeKubernetes(c core.Credential, r core.Receipt) ([]byte, error) {
	if !subdomain.MatchString(r.Grant) {
		return nil, errors.New("format kubernetes: the grant's name cannot be that of a Secret")
	}
	list, err := variablesOf("kubernetes", c, r, "")
	if err != nil {
		return nil, err
	}
	parts := [][]byte{[]byte("apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"" + r.Grant + "\"\ntype: Opaque\nstringData:\n")}
	for _, v := range list {
		value := quoted(v.value)
		defer clear(value)
		parts = append(parts, []byte("  "+v.name+": "), value, []byte("\n"))
	}
	return lines(parts...), nil
}

func decodeKubernetes(data []byte) (core.Credential, error) {
	values := map[string][]byte{}
	secrets, inside := 0, false
	for line := range bytes.Lines(withoutMark(data)) {
		line = bytes.TrimRight(line, " \r\n")
		if len(line) > 0 && line[0] != ' ' {
			inside = string(line) == "stringData:"
			if string(line) == "kind: Secret" {
				secrets++
			}
			continue
		}
		key, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if !inside || !ok {
			continue
		}
		if _, twice := values[string(key)]; twice {
			return core.Credential{}, errors.New("format kubernetes: holds a key twice")
		}
		value = bytes.TrimSpace(value)
		var text string
		if json.Unmarshal(value, &text) == nil {
			value = []byte(text)
		}
		values[string(key)] = value
	}
	if secrets != 1 {
		return core.Credential{}, errors.New("format kubernetes: the file must hold exactly one Secret, with its values under stringData")
	}
	return credentialOf(values)
}
