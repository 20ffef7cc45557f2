// Policy documents as typed structs, and their comparison by meaning.
package s3

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// policyVersion is the only version in which variables have a meaning.
const policyVersion = "2012-10-17"

// policy is a policy document that we write.
type policy struct {
	Version   string
	Statement []statement
}

// statement is one statement that we write. A Sid may hold letters and digits only.
type statement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal any `json:",omitempty"` // nil, [everybody], or who else
	Action    texts
	Resource  texts                       `json:",omitempty"` // none in a trust policy
	Condition map[string]map[string]texts `json:",omitempty"`
}

// everybody is the principal that nobody is not.
const everybody = "*"

// awsPrincipal is an account, a user or a role, by its ARN.
type awsPrincipal struct{ AWS string }

// texts is a list that is written as one string if it has one element.
type texts []string

// MarshalJSON writes the short form that AWS itself uses.
func (t texts) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// keySid names the statement about the KMS key.
const keySid = "EncryptionKey"

// grantPolicy is the policy of the group. Its first statement is the source
// document's: one Allow, without a Sid.
func (p *Provider) grantPolicy(d design) policy {
	return policy{Version: policyVersion, Statement: p.grantStatements(d)}
}

// grantStatements are what the grantee may do, whatever they hang on.
func (p *Provider) grantStatements(d design) []statement {
	var doc policy
	can := d.grant.Can
	if len(d.native.Statements) > 0 {
		doc.Statement, can = d.native.statements(d), nil
	}
	if actions := p.actions(can, objectLevel); len(actions) > 0 {
		doc.Statement = append(doc.Statement, statement{Effect: "Allow", Action: actions, Resource: texts{d.objectsARN()}})
	}
	for _, action := range p.actions(can, bucketLevel) {
		s := statement{Sid: locateKind, Effect: "Allow", Action: texts{action}, Resource: texts{d.bucketARN()}}
		if action == "s3:ListBucketMultipartUploads" {
			s.Sid = uploadsKind
		}
		if action == "s3:ListBucket" {
			s.Sid = listKind
			if prefix := d.reach(); prefix != "" {
				s.Condition = map[string]map[string]texts{"StringLike": {"s3:prefix": {prefix + "*"}}}
			}
		}
		doc.Statement = append(doc.Statement, s)
	}
	if actions := p.actions(can, keyLevel); d.kmsKey != "" && len(actions) > 0 {
		slices.Sort(actions)
		doc.Statement = append(doc.Statement, statement{
			Sid: keySid, Effect: "Allow", Action: actions, Resource: texts{d.kmsKey},
			Condition: map[string]map[string]texts{"StringEquals": {"kms:ViaService": {"s3." + d.region + "." + d.partition.suffix}}},
		})
	}
	for i := range doc.Statement {
		doc.Statement[i].limit(d.grant.Limits)
	}
	return doc.Statement
}

// limit narrows an Allow to a time and to networks. What S3 asks of KMS for the
// grantee comes from S3's own addresses, so the key's statement has no networks;
// it is of use through S3 only, which has them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_deny-ip.html
func (s *statement) limit(l core.Limits) {
	if !l.Expires.IsZero() {
		s.until(l.Expires)
	}
	if len(l.From) == 0 || s.Sid == keySid {
		return
	}
	var networks texts
	for _, n := range l.From {
		networks = append(networks, n.String())
	}
	s.require("IpAddress", "aws:SourceIp", networks)
}

// require adds a condition.
func (s *statement) require(operator, key string, values texts) {
	if s.Condition == nil {
		s.Condition = map[string]map[string]texts{}
	}
	s.Condition[operator] = map[string]texts{key: values}
}

// until makes an Allow end at e. AWS compares with the time of the request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-currenttime
func (s *statement) until(e time.Time) {
	s.require("DateLessThan", "aws:CurrentTime", texts{e.Format(time.RFC3339)})
}

// tlsSid names our statement in the bucket's policy.
const tlsSid = "BucketgrantTLSOnly"

// bucketPolicy is what we add to the policy of a bucket of ours. A Deny for
// everybody does not make a bucket public.
func bucketPolicy(d design) policy {
	return policy{Version: policyVersion, Statement: []statement{{
		Sid: tlsSid, Effect: "Deny", Principal: everybody, Action: texts{"s3:*"},
		Resource:  texts{d.bucketARN(), d.bucketARN() + "/*"},
		Condition: map[string]map[string]texts{"Bool": {"aws:SecureTransport": {"false"}}},
	}}}
}

// document renders v for people and for the cloud: the same bytes for both.
func document(name, of, why string, v any) core.Document {
	return core.Document{Name: name, Of: of, Why: why, Body: mustJSON(v)}
}

// mustJSON marshals what is ours and so always can be.
func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("s3: %T is no JSON: %v", v, err))
	}
	return raw
}

// samePolicy reports whether two documents, or two statements, mean the same.
// AWS reorders lists and turns one-element lists into strings.
func samePolicy(a, b []byte) bool {
	x, okA := meaning(a)
	y, okB := meaning(b)
	return okA && okB && x == y
}

// meaning is the canonical text of a document; false if it is not JSON.
func meaning(raw []byte) (string, bool) {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "", false
	}
	out, err := json.Marshal(normal(v, ""))
	return string(out), err == nil
}

// normal makes every list of strings sorted and every lonely value a list.
// Principal "*" and {"AWS": "*"} are the same.
func normal(v any, under string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			switch {
			case k == "Statement":
				if _, list := one.([]any); !list {
					one = []any{one}
				}
				out[k] = normal(one, k)
			case k == "Principal" && one == "*":
				out[k] = map[string]any{"AWS": []any{"*"}}
			default:
				out[k] = normal(one, k)
			}
		}
		return out
	case []any:
		list := make([]any, len(v))
		for i, one := range v {
			if _, object := one.(map[string]any); object {
				list[i] = normal(one, "")
			} else {
				list[i] = fmt.Sprint(one)
			}
		}
		if under != "Statement" {
			slices.SortFunc(list, func(a, b any) int { return compareText(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		return list
	case string, bool, float64:
		switch under {
		case "Version", "Id", "Sid", "Effect", "":
			return v
		}
		return []any{fmt.Sprint(v)}
	}
	return v
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
