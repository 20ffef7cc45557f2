// Three judges: what a random grant compiles to means the same to the fake, to a second law and in words.
package s3_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
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
				rt.Skip(err)
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

// holder is whoever holds what one of a grant's policies gives.
type holder struct {
	grant core.Grant // as its words are read
	place place
	plea  plea
	fake  fakeaws.Request
	trust string // document of who may take the role on; "" if nobody has to
}

// holders are a grant's grantees: one, or one for each role of AWS Backup.
func holders(t *rapid.T, b core.Blueprint, at place) []holder {
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
func (h *holder) bind(t *rapid.T, identity json.RawMessage, ofBucket ...json.RawMessage) {
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
			t.Fatal(err)
		}
		h.fake.Attached = &fakeaws.Policy{Name: "bucket", Document: parsed(t, raw)}
		h.plea.Attached = &titled{"bucket", read(t, raw)}
	}
	h.plea.Principal = struct{ ARN, Role, ID, Service, Federated string }(h.fake.Principal)
	h.plea.ResourceAccount = ownAccount
}

func parsed(t *rapid.T, raw []byte) fakeaws.Document {
	d, err := fakeaws.ParseDocument(string(raw))
	if err != nil {
		t.Fatalf("the fake reads %s: %v", raw, err)
	}
	return d
}

func read(t *rapid.T, raw []byte) law {
	var l law
	if err := json.Unmarshal(raw, &l); err != nil {
		t.Fatalf("the second law reads %s: %v", raw, err)
	}
	return l
}

// judged asks all three about every deed.
func (h *holder) judged(t *rapid.T, list []deed) {
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

func text(v any) string {
	raw, err := json.Marshal(v)
	return fmt.Sprint(string(raw), err)
}

// actions is everything that S3, IAM and STS can be asked for.
var actions = func() (list []string) {
	raw, err := os.ReadFile("actions.txt")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(raw)) {
		words := strings.Fields(line)
		for _, w := range words[1:] {
			list = append(list, words[0]+":"+w)
		}
	}
	return list
}()

// telling are the actions that are tried everywhere: what abilities take, and their nearest relatives.
var telling = []string{
	"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObjectVersion", "s3:GetObjectVersion", "s3:PutObjectAcl",
}

// deeds is the grid for one grant: every action at a few places, the telling
// ones everywhere, and one telling of each kind under every circumstance.
func deeds(t *rapid.T, g core.Grant, at place) (grid []deed) {
	in := g.Target.Prefix + "2026/a"
	from := "198.51.100.1"
	if len(g.Limits.From) > 0 {
		from = g.Limits.From[0].Addr().String()
	}
	usual := deed{bucket: g.Target.Bucket, when: today, from: from, tls: true}
	put := func(d deed, action string) { d.action = action; grid = append(grid, d) }
	object := func(key string) deed { d := usual; d.object, d.key = true, key; return d }
	other := object(in)
	other.bucket = g.Target.Bucket + "-x"
	shown := usual
	shown.prefix = &in
	turn := rapid.IntRange(0, 7).Draw(t, "turn")
	for i, a := range actions {
		if everyAction || i%8 == turn {
			put(object(in), a)
			put(shown, a)
			put(other, a)
			put(deed{when: today, from: from, tls: true}, a)
		}
	}
	for _, key := range keys(g.Target.Prefix) {
		for _, a := range telling {
			put(object(key), a)
		}
		listing := usual
		listing.prefix = &key
		put(listing, "s3:ListBucket")
		listing.bucket = other.bucket
		put(listing, "s3:ListBucket")
	}
	for _, d := range circumstances(usual, g) {
		for _, a := range telling[:5] {
			o := d
			o.object, o.key = true, in
			put(o, a)
		}
		d.prefix = &in
		for _, a := range []string{"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads", "s3:GetBucketPolicy"} {
			put(d, a)
		}
		for _, key := range []string{"1234abcd", "other"} {
			k := d
			k.kms = "arn:" + at.partition + ":kms:" + at.region + ":" + ownAccount + ":key/" + key
			for _, a := range []string{"kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt", "kms:CreateGrant"} {
				put(k, a)
			}
		}
	}
	put(usual, "s3:ListBucket") // that asks for no prefix
	return grid
}

// keys are those that a prefix could be mistaken for.
func keys(prefix string) []string {
	stem := strings.TrimSuffix(prefix, "/")
	list := []string{
		prefix, prefix + "x", prefix + "../x", prefix + "*", prefix + "?", prefix + "${aws:username}", prefix + "ü/€", prefix + "a/b/c", prefix + "\n",
		stem, stem + "x", stem + "-evil/x", stem + "/x", stem + "%2Fx", strings.ToUpper(prefix) + "x", strings.ToLower(prefix) + "x", "/" + prefix + "x", "x/" + prefix + "x", "../" + prefix,
		stem[:len(stem)/2], "", "*", "?", "x", "${aws:username}/x", strings.ReplaceAll(prefix, ".", "x") + "x", stem[strings.LastIndex(stem, "/")+1:] + "/x",
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// circumstances are moments, addresses and ways to send it.
func circumstances(usual deed, g core.Grant) (list []deed) {
	change := func(f func(*deed)) { d := usual; f(&d); list = append(list, d) }
	change(func(*deed) {})
	change(func(d *deed) { d.tls = false })
	for _, away := range []time.Duration{-time.Second, 0, time.Second, 1000 * time.Hour} {
		if !g.Limits.Expires.IsZero() {
			change(func(d *deed) { d.when = g.Limits.Expires.Add(away) })
		}
	}
	for _, n := range g.Limits.From {
		change(func(d *deed) { d.from = n.Addr().Prev().String() })
		change(func(d *deed) { d.from = n.Addr().Next().String() })
	}
	for _, a := range []string{"8.8.8.8", "10.0.0.1", "2001:db8:ffff::1", "::1"} {
		change(func(d *deed) { d.from = a })
	}
	return list
}
