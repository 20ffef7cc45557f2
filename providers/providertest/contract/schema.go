// Schema: the JSON that a discovery document allows.
package contract

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Pattern    string             `json:"pattern"`
	Enum       []string           `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Additional *schema            `json:"additionalProperties"`
}

// check names every place where v differs from what s allows.
func (d *document) check(at string, s *schema, v any, f *faults) {
	if s.Ref != "" {
		s = d.Schemas[s.Ref]
	}
	if s.Type == "any" || v == nil {
		return
	}
	mismatch := func(got string) { f.add("%s: got %s, want %s", at, got, s.Type) }
	switch x := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			mismatch("an object")
			return
		}
		for k, v := range x {
			p := s.Properties[k]
			if p == nil {
				p = s.Additional
			}
			if p == nil {
				f.add("%s.%s: no such field", at, k)
				continue
			}
			d.check(at+"."+k, p, v, f)
		}
	case []any:
		if s.Type != "array" {
			mismatch("an array")
			return
		}
		for _, v := range x {
			d.check(at+"[]", s.Items, v, f)
		}
	case string:
		if s.Type != "string" {
			mismatch("a string")
		} else if err := s.text(x); err != nil {
			f.add("%s: %v", at, err)
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" || s.Type == "integer" && x != float64(int64(x)) {
			mismatch(fmt.Sprint(x))
		}
	case bool:
		if s.Type != "boolean" {
			mismatch("a boolean")
		}
	}
}

// text checks a string, or a value in a query.
// https://developers.google.com/discovery/v1/type-format
func (s *schema) text(v string) error {
	var err error
	switch s.Format {
	case "int64", "int32":
		_, err = strconv.ParseInt(v, 10, 64)
	case "uint64", "uint32":
		_, err = strconv.ParseUint(v, 10, 64)
	case "date-time", "google-datetime":
		_, err = time.Parse(time.RFC3339, v)
	case "byte":
		if _, err = base64.StdEncoding.DecodeString(v); err != nil {
			_, err = base64.URLEncoding.DecodeString(v)
		}
	case "google-duration":
		_, err = time.ParseDuration(v)
	}
	switch {
	case err != nil:
		return fmt.Errorf("got %q, want %s", short(v), s.Format)
	case s.Type == "boolean" && v != "true" && v != "false":
		return fmt.Errorf("got %q, want a boolean", short(v))
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, v):
		return fmt.Errorf("got %q, want one of %q", short(v), s.Enum)
	}
	if s.Pattern == "" {
		return nil
	}
	pattern, err := regexp.Compile("^(?:" + s.Pattern + ")$")
	if err == nil && !pattern.MatchString(v) {
		err = errors.New("does not match " + s.Pattern)
	}
	return err
}
