// tfvars: values for the variables of a Terraform configuration.
//
// In a file of JSON a text is taken as it is: a variable's value can refer to
// nothing. The beginnings of templates are refused nevertheless, because what is
// copied from here into a configuration would be evaluated there.
// https://developer.hashicorp.com/terraform/language/values/variables
// https://github.com/hashicorp/hcl/blob/main/json/spec.md#strings
package handoff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bucketgrant/bucketgrant/core"
)

// The names of the variables that hold the secret.
const (
	secretVariable   = "secret_access_key"
	documentVariable = "google_credentials"
)

func encodeTfvars(c core.Credential, r core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, c.Form)
	if err != nil {
		return nil, err
	}
	region, endpoint, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	list := []variable{{"bucket", []byte(r.Bucket), false}, {"prefix", []byte(r.Prefix), false}, {"region", []byte(region), false}}
	switch c.Form {
	case core.PairForm:
		if endpoint != "" {
			list = append(list, variable{"endpoint", []byte(endpoint), false})
		}
		err = holdsPair("tfvars", c.ID, secret, "")
		list = append(list, variable{"access_key_id", []byte(c.ID), true}, variable{secretVariable, secret, true})
	case core.DocumentForm:
		err = errors.Join(checkDocument("tfvars", secret), holdsText("tfvars", secret))
		list = append(list, variable{documentVariable, secret, true})
	default:
		return nil, fmt.Errorf("format tfvars: cannot carry a credential that is a %s", c.Form)
	}
	if err != nil {
		return nil, err
	}
	parts := [][]byte{[]byte("{\n")}
	for i, v := range list {
		if !v.secret {
			err = errors.Join(err, holds("tfvars", v.name, v.value, ""))
		}
		if bytes.Contains(v.value, []byte("${")) || bytes.Contains(v.value, []byte("%{")) {
			err = errors.Join(err, fmt.Errorf("format tfvars: the value of %s has the beginning of a template", v.name))
		}
		end := ",\n"
		if i == len(list)-1 {
			end = "\n"
		}
		value := quoted(v.value)
		defer clear(value)
		parts = append(parts, []byte("  \""+v.name+"\": "), value, []byte(end))
	}
	if err != nil {
		return nil, err
	}
	return lines(append(parts, []byte("}\n"))...), nil
}

func decodeTfvars(data []byte) (core.Credential, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(withoutMark(data), &values); err != nil {
		return core.Credential{}, errors.New("format tfvars: is not an object of variables")
	}
	text := func(name string) []byte {
		var s string
		if json.Unmarshal(values[name], &s) != nil {
			return nil
		}
		return []byte(s)
	}
	if _, ok := values[documentVariable]; ok {
		return decodeDocument(text(documentVariable))
	}
	return newPair(text("access_key_id"), text(secretVariable))
}
