// Compile refuses everything wrong at once, and knows the parts of AWS.
package s3

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	g := eventDump()
	g.Name, g.Target.Bucket, g.Target.Prefix, g.Target.Region = "", "Acme.Events", "events", "europe"
	g.Who = "ghost"
	g.Can = []core.Ability{core.Abort}
	g.Settings = map[string]string{"account": "1234", "namespace": "mine", "kms-key": "alias/x", "permissions-boundary": "arn:aws:s3:::x", "colour": "red"}
	_, err := core.Compile(New(Config{}), g)
	faults, ok := errors.AsType[core.Faults](err)
	if !ok {
		t.Fatalf("got error %v, want faults", err)
	}
	var fields []string
	for _, f := range faults {
		fields = append(fields, f.Field)
		if f.Rule == "" || f.Accepts == "" {
			t.Errorf("fault %+v names no rule or nothing that would be accepted", f)
		}
	}
	slices.Sort(fields)
	want := []string{"account", "bucket", "can", "colour", "kms-key", "name", "namespace", "permissions-boundary", "prefix", "region", "who"}
	if !slices.Equal(fields, want) {
		t.Errorf("got faults of %q, want %q", fields, want)
	}
}

func TestBucketNamesFollowTheRulesOfS3(t *testing.T) {
	for name, ok := range map[string]bool{
		"acme-events": true, "abc": true, "0-0": true, strings.Repeat("a", 63): true,
		"": false, "ab": false, strings.Repeat("a", 64): false, "Acme": false, "a.b.c": false, "192.168.5.4": false, "-acme": false, "acme-": false,
		"acme_events": false, "xn--acme": false, "sthree-acme": false, "amzn-s3-demo-acme": false,
		"acme-s3alias": false, "acme--ol-s3": false, "acme--x-s3": false, "acme--table-s3": false, "acme-an": false,
		"a/b": false, "*": false, "${aws:username}": false, "acme\n": false,
	} {
		g := eventDump()
		g.Target.Bucket = name
		_, err := New(Config{}).Compile(g)
		if (err == nil) != ok {
			t.Errorf("bucket %q: got error %v, want accepted %t", name, err, ok)
		}
	}
}

func TestRegionDecidesThePartition(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "us-east-1": "aws", "ap-southeast-4": "aws", "il-central-1": "aws",
		"cn-northwest-1": "aws-cn", "us-gov-east-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc", "us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b",
	} {
		g := eventDump()
		g.Target.Region = region
		b, err := New(Config{}).Compile(g)
		if err != nil {
			t.Errorf("%s: %v", region, err)
		}
		for _, p := range b.Operator {
			if p.Resource != "*" && arnField(p.Resource, 1) != want {
				t.Errorf("%s: got %s, want partition %q", region, p.Resource, want)
			}
		}
		for _, d := range b.Documents {
			if strings.Contains(string(d.Body), "arn:") && !strings.Contains(string(d.Body), "arn:"+want+":") {
				t.Errorf("%s: got %s, want partition %q", region, d.Body, want)
			}
		}
	}
}

func TestAccountRegionalNameIsFullOnceAndForEver(t *testing.T) {
	g := dumpGoldens()["event-dump/account-regional"]
	p := New(Config{})
	b, err := p.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	const want = "acme-events-111122223333-eu-west-1-an"
	if b.Grant.Target.Bucket != want {
		t.Errorf("got bucket %q, want %q", b.Grant.Target.Bucket, want)
	}
	again, err := p.Compile(b.Grant)
	if err != nil || string(mustJSON(again)) != string(mustJSON(b)) {
		t.Errorf("a compiled grant compiles to something else: %v", err)
	}
	if g.Target.Bucket != "acme-events" {
		t.Errorf("compiling altered the grant: %q", g.Target.Bucket)
	}
}

// The compiled policy is judged by the fake's engine, by which it was not written.
func TestPolicyAllowsTheGrantAndNothingElse(t *testing.T) {
	for folder, g := range dumpGoldens() {
		b, err := New(Config{}).Compile(g)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := fakeaws.ParseDocument(string(b.Documents[0].Body))
		if err != nil {
			t.Fatalf("%s: IAM would refuse the policy: %v", folder, err)
		}
		d, _ := draw(g)
		part := "arn:" + d.partition.name
		for _, c := range []struct {
			action, resource string
			ability          core.Ability
			inside           bool
		}{
			{"s3:PutObject", d.bucketARN() + "/" + g.Target.Prefix + "x", core.Create, true},
			{"s3:PutObject", d.bucketARN() + "/events-evil/x", core.Create, g.Target.Prefix == ""},
			{"s3:PutObject", part + ":s3:::other/" + g.Target.Prefix + "x", core.Create, false},
			{"s3:AbortMultipartUpload", d.bucketARN() + "/" + g.Target.Prefix + "x", core.Abort, true},
			{"s3:GetObject", d.bucketARN() + "/" + g.Target.Prefix + "x", core.Read, true},
			{"s3:DeleteObject", d.bucketARN() + "/" + g.Target.Prefix + "x", core.Delete, true},
			{"s3:DeleteObjectVersion", d.bucketARN() + "/" + g.Target.Prefix + "x", core.Erase, true},
			{"s3:PutObjectAcl", d.bucketARN() + "/" + g.Target.Prefix + "x", core.Administer, true},
			{"s3:ListMultipartUploadParts", d.bucketARN() + "/" + g.Target.Prefix + "x", core.Resume, true},
			{"s3:GetBucketLocation", d.bucketARN(), core.Locate, true},
			{"s3:ListBucket", d.bucketARN(), core.List, g.Target.Prefix == ""}, // no prefix asked for
			{"s3:PutBucketPolicy", d.bucketARN(), core.Administer, true},
			{"iam:ListUsers", "*", core.Identify, true},
		} {
			v := fakeaws.Evaluate(fakeaws.Request{
				Principal: fakeaws.Principal{ARN: part + ":iam::111122223333:user/x"}, Action: c.action, Resource: c.resource,
				Identity: []fakeaws.Policy{{Document: doc}},
			})
			if want := g.Allows(c.ability) && c.inside; v.Allowed != want {
				t.Errorf("%s: %s on %s: got allowed %t (%s), want %t", folder, c.action, c.resource, v.Allowed, v.Because, want)
			}
		}
	}
}

func TestEveryReasonIsInTheTableOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range New(Config{}).Info().Reasons {
		id := string(r.Ability) + " " + r.Action
		if seen[id] {
			t.Errorf("%s is in the table twice", id)
		}
		seen[id] = true
	}
	for _, a := range core.Abilities() {
		has := slices.ContainsFunc(New(Config{}).Info().Reasons, func(r core.Reason) bool { return r.Ability == a.Ability })
		if has != a.Grantable {
			t.Errorf("%s: in the table %t, grantable %t", a.Ability, has, a.Grantable)
		}
	}
}

func TestReasonsSayWhatTheSettingOfAKeyAdds(t *testing.T) {
	for _, r := range New(Config{}).Info().Reasons {
		ofKey := strings.HasPrefix(r.Action, "kms:")
		if says := strings.HasSuffix(r.Why, "granted only with the "+setKMSKey+" setting"); says != ofKey || (r.Level == keyLevel) != ofKey {
			t.Errorf("%s of %s on level %q: got %q", r.Action, r.Ability, r.Level, r.Why)
		}
	}
}

func TestPoliciesAreComparedByMeaning(t *testing.T) {
	base := string(mustJSON(bucketPolicy(design{grant: eventDump(), partition: partitionOf("eu-west-1")})))
	for name, c := range map[string]struct {
		other string
		same  bool
	}{
		"order and spaces":   {`{ "Statement": {"Resource":["arn:aws:s3:::acme-events/*","arn:aws:s3:::acme-events"],"Condition":{"Bool":{"aws:SecureTransport":["false"]}},"Action":["s3:*"],"Principal":{"AWS":"*"},"Effect":"Deny","Sid":"BucketgrantTLSOnly"}, "Version":"2012-10-17"}`, true},
		"a boolean":          {strings.Replace(base, `"false"`, `false`, 1), true},
		"another effect":     {strings.Replace(base, "Deny", "Allow", 1), false},
		"a smaller resource": {strings.Replace(base, `"arn:aws:s3:::acme-events",`, "", 1), false},
		"not JSON":           {"x", false},
	} {
		if got := samePolicy([]byte(base), []byte(c.other)); got != c.same {
			t.Errorf("%s: got same %t, want %t", name, got, c.same)
		}
	}
}

func TestMergeLeavesForeignStatementsByteForByte(t *testing.T) {
	own := bucketPolicy(design{grant: eventDump(), partition: partitionOf("eu-west-1")})
	const theirs = `{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:root"]},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-events/*"}`
	for name, there := range map[string]string{
		"list":     `{"Version":"2008-10-17","Id":"x","Statement":[` + theirs + `]}`,
		"single":   `{"Version":"2008-10-17","Id":"x","Statement":` + theirs + `}`,
		"outdated": `{"Version":"2008-10-17","Id":"x","Statement":[{"Sid":"BucketgrantTLSOnly","Effect":"Allow"},` + theirs + `]}`,
	} {
		merged, err := mergePolicy(there, own)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Version, ID string
			Statement   []json.RawMessage
		}
		if err := json.Unmarshal(merged, &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.Statement) != 2 || doc.Version != "2008-10-17" || doc.ID != "x" || !strings.Contains(string(merged), theirs) {
			t.Errorf("%s: got %s, want ours and theirs, unchanged", name, merged)
		}
		again, err := mergePolicy(string(merged), own)
		if err != nil || string(again) != string(merged) {
			t.Errorf("%s: merging twice is not merging once: %s", name, again)
		}
	}
}
