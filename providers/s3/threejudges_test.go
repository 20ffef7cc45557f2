// Three judges: what a random grant compiles to means the same to the fake, to a second law and in words.
package s3_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/s3"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func TestRandomGrantsMeanTheSameToEveryJudge(t *testing.T) {
	t.Attr("suite", "M2")
	judged := 0
	for judged < randomGrants {
		rapid.Check(t, func(rt *rapid.T) {
			g, at := wish(rt)
			b, err := core.Compile(s3.New(s3.Config{}), g)
			if errors.Is(err, core.ErrInvalid) {
				return // no grant: another one is drawn
			}
			if err != nil {
				rt.Fatalf("compile: %v", err)
			}
			judged++
			for _, h := range holders(rt, b, at) {
				h.judged(rt, deeds(rt, h.grant, at))
				h.entered(rt)
			}
		})
	}
	t.Attr("cases", strconv.Itoa(judged))
	t.Logf("%d grants were judged", judged)
}

// court is a test or one try of a property.
type court interface {
	Fatalf(format string, args ...any)
}

// holder is whoever holds what one of a grant's policies gives.
type holder struct {
	grant core.Grant // as its words are read
	place place
	plea  plea
	fake  fakeaws.Request
	trust string // document of who may take the role on; "" if nobody has to
}

// holders are a grant's grantees: one, or one for each role of AWS Backup.
func holders(t court, b core.Blueprint, at place) []holder {
	docs := map[string]json.RawMessage{}
	for _, d := range b.Documents {
		docs[d.Name] = json.RawMessage(strings.ReplaceAll(string(d.Body), "ACCOUNT", ownAccount))
	}
	if strings.Contains(string(docs["policy"]), `"Principal"`) { // of a user that is named in the bucket's policy
		docs["statements"], docs["policy"] = docs["policy"], nil
	}
	g := b.Grant
	h := holder{grant: g, place: at, trust: string(docs["trust"])}
	role := "arn:" + at.partition + ":iam::" + ownAccount + ":role/bucketgrant/taken"
	session := fakeaws.Principal{ARN: "arn:" + at.partition + ":sts::" + ownAccount + ":assumed-role/taken/s", Role: role, ID: "AROAEXAMPLE:s"}
	user := "arn:" + at.partition + ":iam::" + ownAccount + ":user/bucketgrant/x/" + userOf(g)
	if named := namedIn(docs["statements"]); named != "" {
		session.Role, user = named, named
	}
	h.fake.Principal = session
	if g.Who == core.WhoKey {
		h.fake.Principal = fakeaws.Principal{ARN: user, ID: "AIDAEXAMPLE"}
	}
	h.fake.ResourceAccount = ownAccount
	if g.Who == core.WhoService && !g.Literal {
		var list []holder
		for _, role := range []string{backupRole, restoreRole} {
			if docs[role+"-policy"] != nil {
				one := h
				one.grant.Profile = role
				one.bind(t, docs[role+"-policy"], docs["bucket-policy"], nil)
				list = append(list, one)
			}
		}
		return list
	}
	if g.Who == core.WhoService {
		return nil // its document is AWS's own, word for word
	}
	h.bind(t, docs["policy"], docs["bucket-policy"], docs["statements"])
	return []holder{h}
}

// userOf is the name of the user: one that shares a group is called like its folder.
func userOf(g core.Grant) string {
	if g.Settings["shared-group"] == "" {
		return "user"
	}
	parts := strings.Split(strings.TrimSuffix(g.Target.Prefix, "/"), "/")
	return parts[len(parts)-1]
}

// namedIn is the principal that the grant's statements in the bucket's policy name.
func namedIn(statements json.RawMessage) string {
	var doc struct {
		Statement []struct{ Principal struct{ AWS string } }
	}
	if json.Unmarshal(statements, &doc) != nil || len(doc.Statement) == 0 {
		return ""
	}
	return doc.Statement[0].Principal.AWS
}

// bind gives the holder its policy, and the bucket what its own policy says.
func (h *holder) bind(t court, identity json.RawMessage, ofBucket ...json.RawMessage) {
	if identity != nil {
		h.fake.Identity = []fakeaws.Policy{{Name: "policy", Document: parsed(t, identity)}}
		h.plea.Identity = []titled{{"policy", read(t, identity)}}
	}
	var statements []json.RawMessage
	for _, raw := range ofBucket {
		var doc struct{ Statement []json.RawMessage }
		_ = json.Unmarshal(raw, &doc)
		statements = append(statements, doc.Statement...)
	}
	if len(statements) > 0 {
		raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			t.Fatalf("%v", err)
		}
		h.fake.Attached = &fakeaws.Policy{Name: "bucket", Document: parsed(t, raw)}
		h.plea.Attached = &titled{"bucket", read(t, raw)}
	}
	h.plea.Principal = struct{ ARN, Role, ID, Service, Federated string }(h.fake.Principal)
	h.plea.ResourceAccount = ownAccount
}

func parsed(t court, raw []byte) fakeaws.Document {
	d, err := fakeaws.ParseDocument(string(raw))
	if err != nil {
		t.Fatalf("the fake reads %s: %v", raw, err)
	}
	return d
}

func read(t court, raw []byte) law {
	var l law
	if err := json.Unmarshal(raw, &l); err != nil {
		t.Fatalf("the second law reads %s: %v", raw, err)
	}
	return l
}

// judged asks all three about every deed.
func (h *holder) judged(t court, list []deed) {
	h.shielded(t)
	for _, d := range list {
		context := map[string][]string{
			"aws:CurrentTime": {d.when.Format(time.RFC3339)}, "aws:SourceIp": {d.from}, "aws:SecureTransport": {strconv.FormatBool(d.tls)},
		}
		if d.prefix != nil {
			context["s3:prefix"] = []string{*d.prefix}
		}
		if d.kms != "" {
			context["kms:ViaService"] = []string{"s3." + h.place.region + "." + h.place.suffix}
		}
		resource := d.resource(h.place.partition)
		fake, second := h.fake, h.plea
		fake.Action, fake.Resource, fake.Context = d.action, resource, context
		second.Action, second.Resource, second.Context = d.action, resource, context
		first, then, words := fakeaws.Evaluate(fake), second.judge(), means(h.grant, d)
		if first.Allowed != then.allowed || first.Explicit != then.explicit || first.Allowed != words {
			t.Fatalf("three judges disagree\ngrant  %s\naction %s\non     %s\nwith   %v\nfake   %+v\nsecond %+v\nwords  %v", text(h.grant), d.action, resource, context, first, then, words)
		}
	}
}

// shielded asks whether a bucket of ours refuses everybody who comes without
// TLS, the owner's other people and those of other accounts as well.
func (h *holder) shielded(t court) {
	everything := []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	for _, arn := range []string{":iam::" + ownAccount + ":user/ada", ":iam::" + ownAccount + ":root", ":iam::" + vendorAccount + ":user/ada", ""} {
		fake, second := h.fake, h.plea
		fake.Principal = fakeaws.Principal{}
		if arn != "" {
			fake.Principal.ARN = "arn:" + h.place.partition + arn
			fake.Identity, second.Identity = []fakeaws.Policy{{Document: parsed(t, everything)}}, []titled{{Document: read(t, everything)}}
		}
		second.Principal = struct{ ARN, Role, ID, Service, Federated string }(fake.Principal)
		fake.Action, fake.Resource = "s3:GetObject", deed{bucket: h.grant.Target.Bucket, object: true, key: "x"}.resource(h.place.partition)
		fake.Context = map[string][]string{"aws:SecureTransport": {"false"}, "aws:CurrentTime": {today.Format(time.RFC3339)}}
		second.Action, second.Resource, second.Context = fake.Action, fake.Resource, fake.Context
		if first, then, words := fakeaws.Evaluate(fake), second.judge(), !h.grant.Target.Adopt; first.Explicit != then.explicit || first.Explicit != words {
			t.Fatalf("three judges disagree about requests without TLS\ngrant  %s\nfrom   %q\nfake   %+v\nsecond %+v\nwords  refused %v", text(h.grant), arn, first, then, words)
		}
	}
}

func text(v any) string {
	raw, err := json.Marshal(v)
	return fmt.Sprint(string(raw), err)
}
