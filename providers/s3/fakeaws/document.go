// Policy documents as JSON: what IAM's grammar lets in, and what it refuses.
package fakeaws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Document is a policy document.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type Document struct {
	Version   string     `json:"Version,omitempty"`
	ID        string     `json:"Id,omitempty"`
	Statement Statements `json:"Statement"`
}

// Statements is one statement or a list of them.
type Statements []Statement

// Statement is one statement of a [Document].
type Statement struct {
	Sid          string                       `json:"Sid,omitempty"`
	Effect       string                       `json:"Effect"`
	Principal    *PrincipalSet                `json:"Principal,omitempty"`
	NotPrincipal *PrincipalSet                `json:"NotPrincipal,omitempty"`
	Action       Strings                      `json:"Action,omitempty"`
	NotAction    Strings                      `json:"NotAction,omitempty"`
	Resource     Strings                      `json:"Resource,omitempty"`
	NotResource  Strings                      `json:"NotResource,omitempty"`
	Condition    map[string]map[string]Values `json:"Condition,omitempty"`
}

// PrincipalSet is the value of a Principal element. The string "*" reads as AWS "*".
type PrincipalSet struct {
	AWS           Strings `json:"AWS,omitempty"`
	Service       Strings `json:"Service,omitempty"`
	Federated     Strings `json:"Federated,omitempty"`
	CanonicalUser Strings `json:"CanonicalUser,omitempty"`
}

// Strings is a string or a list of strings.
type Strings []string

// Values is a condition's value or list of values: strings, numbers or booleans.
type Values []string

// ParseDocument reads a policy document and refuses elements that IAM does not know.
func ParseDocument(text string) (Document, error) {
	var d Document
	if err := strict([]byte(text), &d); err != nil {
		return d, err
	}
	if len(d.Statement) == 0 {
		return d, errors.New("no statement")
	}
	return d, nil
}

// UnmarshalJSON reads one statement or a list.
func (s *Statements) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("{")) {
		var one Statement
		if err := strict(b, &one); err != nil {
			return err
		}
		*s = Statements{one}
		return nil
	}
	var list []Statement
	if err := strict(b, &list); err != nil {
		return err
	}
	*s = list
	return nil
}

// UnmarshalJSON reads "*" or an object.
func (p *PrincipalSet) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		var name string
		if err := json.Unmarshal(b, &name); err != nil {
			return err
		}
		if name != "*" {
			return fmt.Errorf("principal %q: only \"*\" may stand alone", name)
		}
		p.AWS = Strings{"*"}
		return nil
	}
	type plain PrincipalSet
	return strict(b, (*plain)(p))
}

// UnmarshalJSON reads a string or a list.
func (s *Strings) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		var one string
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*s = Strings{one}
		return nil
	}
	list := []string{}
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*s = list
	return nil
}

// MarshalJSON writes a single string without a list, as S3 does.
func (s Strings) MarshalJSON() ([]byte, error) { return oneOrMany(s) }

// UnmarshalJSON reads a scalar or a list of scalars.
func (v *Values) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return err
	}
	list, isList := value.([]any)
	if !isList {
		list = append(list, value)
	}
	out := Values{}
	for _, item := range list {
		switch item.(type) {
		case string, bool, json.Number:
			out = append(out, fmt.Sprint(item))
		default:
			return fmt.Errorf("condition value %v: want a string, number or boolean", item)
		}
	}
	*v = out
	return nil
}

// MarshalJSON writes a single value without a list.
func (v Values) MarshalJSON() ([]byte, error) { return oneOrMany(v) }

func oneOrMany(list []string) ([]byte, error) {
	if len(list) == 1 {
		return json.Marshal(list[0])
	}
	return json.Marshal(list)
}

// strict decodes exactly one JSON value and refuses unknown fields.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("text after the document")
	}
	return nil
}
