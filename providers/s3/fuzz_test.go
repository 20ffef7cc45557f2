// Hostile policies and names: the fake's engine against the second law, and whatever a grant can be called.
package s3_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/s3"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// FuzzPoliciesMeanTheSameUnderTheSecondLaw: what the fake reads means the same to
// both, for a user of the account and for a session of a role.
func FuzzPoliciesMeanTheSameUnderTheSecondLaw(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Put*"],"Resource":"arn:aws:s3:::b/p/*","Condition":{"StringLike":{"s3:prefix":["p/*","?"]}}}]}`, "s3:PutObject", "arn:aws:s3:::b/p/x", "s3:prefix", "p/1")
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:s3:::${aws:username}/*","Condition":{"ForAnyValue:StringNotEqualsIfExists":{"aws:TagKeys":["a"]},"Null":{"aws:x":"true"}}}}`, "S3:getobject", "*", "aws:TagKeys", "b")
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"DateLessThan":{"aws:CurrentTime":"2027-02-20T12:00:00Z"},"Bool":{"aws:SecureTransport":"true"}}}]}`, "s3:GetObject", "arn:aws:s3:::b", "aws:SourceIp", "203.0.113.9")
	f.Fuzz(func(t *testing.T, text, action, resource, key, value string) {
		document, err := fakeaws.ParseDocument(text)
		var second law
		if err != nil || json.Unmarshal([]byte(text), &second) != nil || !plain(document) || !strings.HasPrefix(resource, "arn:aws:s3:::") {
			return
		}
		for _, who := range []fakeaws.Principal{
			{ARN: "arn:aws:iam::111122223333:user/alice", ID: "AIDAEXAMPLE"},
			{ARN: "arn:aws:sts::111122223333:assumed-role/sync/s", Role: "arn:aws:iam::111122223333:role/sync", ID: "AROAEXAMPLE:s"},
		} {
			context := map[string][]string{key: {value}}
			first := fakeaws.Evaluate(fakeaws.Request{Principal: who, Action: action, Resource: resource, Context: context, Identity: []fakeaws.Policy{{Document: document}}})
			p := plea{Principal: struct{ ARN, Role, ID, Service, Federated string }(who), Action: action, Resource: resource, Context: context, Identity: []titled{{"", second}}}
			if then := p.judge(); first.Allowed != then.allowed || first.Explicit != then.explicit {
				t.Errorf("%s\nfor %s of %s with %q=%q: the fake says %+v, the second law %+v", text, action, resource, key, value, first, then)
			}
		}
	})
}

// plain reports whether IAM itself would take the document for an identity:
// what it refuses to store, nobody has to agree about.
func plain(d fakeaws.Document) bool {
	for _, s := range d.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" || s.Principal != nil || s.NotPrincipal != nil || len(s.Action)+len(s.NotAction) == 0 || len(s.Resource)+len(s.NotResource) == 0 {
			return false
		}
		for _, place := range append(slices.Clone(s.Resource), s.NotResource...) {
			if place != "*" && !strings.HasPrefix(place, "arn:aws:s3:::") {
				return false
			}
		}
		for operator, keys := range s.Condition {
			if len(keys) == 0 || !spelled.MatchString(operator) {
				return false
			}
		}
	}
	return d.Version == "2012-10-17" || d.Version == "2008-10-17"
}

// spelled is an operator of conditions, as AWS spells it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var spelled = regexp.MustCompile(`^(For(AllValues|AnyValue):)?(String(Not)?(Equals(IgnoreCase)?|Like)|(Numeric|Date)(Not)?Equals|(Numeric|Date)(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?$|^Null$`)

// FuzzNamesOfBucketsAndPrefixesWidenNothing: whatever a bucket and a prefix are
// called, the grant is refused, or means to every judge what it says.
func FuzzNamesOfBucketsAndPrefixesWidenNothing(f *testing.F) {
	f.Add("acme-events", "events/", "x", uint16(1), true)
	f.Add("acme", "a*/", "*", uint16(0xffff), false)
	f.Add("a.b", "${aws:username}/", "?", uint16(16), false)
	f.Add("acme", "[a|b]^.+/", "é", uint16(16), false)
	f.Fuzz(func(t *testing.T, bucket, prefix, key string, can uint16, adopt bool) {
		at := regions[0]
		g := core.Grant{Name: "acme", Profile: "event-dump", Who: core.WhoKey, Target: core.Target{Bucket: bucket, Prefix: prefix, Region: at.region, Adopt: adopt}}
		for i, a := range core.Abilities() {
			if a.Grantable && can&(1<<i) != 0 {
				g.Can = append(g.Can, a.Ability)
			}
		}
		g.Limits.Expires = today.Add(time.Hour)
		b, err := core.Compile(s3.New(s3.Config{}), g)
		if err != nil {
			return
		}
		usual := deed{bucket: bucket, when: today, from: "198.51.100.1", tls: true}
		var grid []deed
		for _, k := range append(keys(prefix), key, prefix+key) {
			for _, a := range telling {
				d := usual
				d.action, d.object, d.key = a, true, k
				grid = append(grid, d)
			}
			d := usual
			d.action, d.prefix = "s3:ListBucket", &k
			grid = append(grid, d)
		}
		for _, h := range holders(t, b, at) {
			h.judged(t, grid)
		}
	})
}
