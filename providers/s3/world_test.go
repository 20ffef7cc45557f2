// The world in which the judge tries this provider: a fake AWS, reached into behind the provider's back.
package s3

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const (
	worldRegion  = "eu-west-1"
	otherAccount = "444455556666"
	ownerAccount = "111122223333"
	judgePath    = "/judge/" // of operators that the judge asks for
	otherBucket  = "somebodys-archive"
)

// world is one fresh fake AWS.
type world struct {
	t         *testing.T
	cloud     *fakeaws.Cloud
	transport *cloudsim.Transport
	minted    func() [][]byte // the secrets of keys and sessions that the cloud has given out
	delay     time.Duration
	operators int
	iam       *iam.Client // of the account's operator, beside the transport
	s3        *s3.Client
	stranger  *s3.Client // of another account's operator
}

var _ providertest.World = (*world)(nil)

// issuerKeys are the keys of issuers of tokens, the same in every world: making one takes longer than most trials.
var issuerKeys sync.Map

func issuerKey(issuer string) *rsa.PrivateKey {
	fresh := sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	})
	key, _ := issuerKeys.LoadOrStore(issuer, fresh)
	return key.(func() *rsa.PrivateKey)()
}

func newWorld(t *testing.T) providertest.World {
	cloud := fakeaws.New(fakeaws.Options{IssuerKey: issuerKey})
	listened, minted := providertest.Overhear(cloud, regexp.MustCompile(`<(?:SecretAccessKey|SessionToken)>([^<]+)<`))
	w := &world{t: t, cloud: cloud, transport: &cloudsim.Transport{Handler: judged(t, listened), Classify: cloud.Classify}, minted: minted}
	config := func(id, secret string) aws.Config {
		beside := &cloudsim.Transport{Handler: cloud}
		return aws.Config{Region: worldRegion, HTTPClient: newCaller(beside, nil), Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")}
	}
	own := config(cloud.Operator())
	w.iam, w.s3 = iam.NewFromConfig(own), s3.NewFromConfig(own)
	w.stranger = s3.NewFromConfig(config(cloud.AddAccount(otherAccount)))
	w.neighbours()
	return w
}

func (w *world) as(id, secret string) core.Provider {
	return New(Config{Transport: w.transport, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), Isolated: true, StandIn: played{w.cloud}})
}

func (w *world) Provider() core.Provider        { return w.as(w.cloud.Operator()) }
func (w *world) Transport() *cloudsim.Transport { return w.transport }
func (w *world) Minted() [][]byte               { return w.minted() }
func (w *world) Grant() core.Grant              { return eventDump() }

// Grants are the grants beside the main one: the judge takes each through its life.
func (w *world) Grants() map[string]core.Grant {
	all := map[string]core.Grant{}
	for _, some := range []map[string]core.Grant{keyGrants(), roleGrants()} {
		maps.Copy(all, some)
	}
	return all
}

func (w *world) SetDelay(d time.Duration) {
	w.delay = d
	w.cloud.SetDelay(d)
}

func (w *world) Goldens() map[string]core.Grant {
	byFolder := map[string]core.Grant{}
	for folder, g := range goldenGrants() {
		byFolder[filepath.Join(goldens, folder)] = g
	}
	return byFolder
}

// now runs f with changes that are seen at once.
func (w *world) now(f func(ctx context.Context)) {
	w.t.Helper()
	w.cloud.SetDelay(0)
	defer w.cloud.SetDelay(w.delay)
	f(context.WithoutCancel(w.t.Context()))
}

func (w *world) ok(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("the world: %v", err)
	}
}

// ProviderAs makes a user with exactly these permissions, in as many policies as their size takes.
func (w *world) ProviderAs(p []core.Permission) core.Provider {
	w.t.Helper()
	var id, secret string
	w.now(func(ctx context.Context) {
		w.operators++
		name := fmt.Sprintf("operator-%d", w.operators)
		w.ok(w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: aws.String(judgePath)}))
		n := 0
		for some := range slices.Chunk(p, 12) {
			n++
			doc := policy{Version: policyVersion}
			for _, one := range some {
				doc.Statement = append(doc.Statement, statement{Effect: "Allow", Action: texts{one.Action}, Resource: texts{one.Resource}})
			}
			out, err := w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(fmt.Sprintf("%s-%d", name, n)), Path: aws.String(judgePath), PolicyDocument: aws.String(string(mustJSON(doc)))})
			w.ok(out, err)
			w.ok(w.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: &name, PolicyArn: out.Policy.Arn}))
		}
		key, err := w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
		w.ok(key, err)
		id, secret = *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey
	})
	return w.as(id, secret)
}

func (w *world) Strangers() []providertest.Stranger {
	return []providertest.Stranger{
		providertest.StrangersBucket, providertest.OwnersBucket, providertest.Principal, providertest.Role, providertest.Group,
		providertest.Others, providertest.OtherBucket, providertest.Data,
	}
}

func (w *world) Plant(s providertest.Stranger, b core.Blueprint) {
	w.t.Helper()
	d, _ := draw(b.Grant)
	w.now(func(ctx context.Context) {
		switch s {
		case providertest.StrangersBucket:
			w.bucket(ctx, w.stranger, d.bucket())
		case providertest.OwnersBucket:
			w.bucket(ctx, w.s3, d.bucket())
			w.settings(ctx, d)
			if _, grouped := d.layout.(groupLayout); !grouped { // what has no policy is left with none
				w.ok(w.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: aws.String(d.bucket())}))
			}
		case providertest.OtherBucket:
			w.bucket(ctx, w.s3, otherBucket)
		case providertest.Others:
			w.settings(ctx, d)
		case providertest.Data:
			w.put(ctx, w.s3, d.bucket(), d.grant.Target.Prefix+"2026/11/21/events.json")
			w.put(ctx, w.s3, d.bucket(), "outside.txt")
		case providertest.Principal, providertest.Role, providertest.Group:
			limbsOf(d).plant(ctx, w, s, d)
		default:
			w.t.Fatalf("the world has no stranger %q", s)
		}
	})
}

func (w *world) bucket(ctx context.Context, c *s3.Client, name string) {
	w.t.Helper()
	w.ok(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: worldRegion}}))
	w.put(ctx, c, name, "there/before")
}

func (w *world) put(ctx context.Context, c *s3.Client, bucket, key string) {
	w.t.Helper()
	w.ok(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("data of " + key)}))
}

// settings adds to a bucket what others may have set on it: a statement, a lifecycle rule and a tag.
func (w *world) settings(ctx context.Context, d design) {
	w.t.Helper()
	name := aws.String(d.bucket())
	there := ""
	if out, err := w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: name}); err == nil {
		there = *out.Policy
	}
	merged, err := mergePolicy(there, policy{Version: policyVersion, Statement: []statement{{
		Sid: "Theirs", Effect: "Deny", Principal: "*", Action: texts{"s3:DeleteBucketPolicy"}, Resource: texts{d.bucketARN()},
		Condition: map[string]map[string]texts{"StringNotEquals": {"aws:PrincipalAccount": {"111122223333"}}},
	}}})
	w.ok(merged, err)
	w.ok(w.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(string(merged))}))

	var rules []types.LifecycleRule
	if out, err := w.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: name}); err == nil {
		rules = slices.DeleteFunc(out.Rules, func(r types.LifecycleRule) bool { return *r.ID == "theirs" })
	}
	rules = append(rules, types.LifecycleRule{ID: aws.String("theirs"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("tmp/")}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}})
	w.ok(w.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: name, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules},
		TransitionDefaultMinimumObjectSize: types.TransitionDefaultMinimumObjectSizeVariesByStorageClass,
	}))

	var tags []types.Tag
	if out, err := w.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: name}); err == nil {
		tags = slices.DeleteFunc(out.TagSet, func(t types.Tag) bool { return *t.Key == "cost-centre" })
	}
	tags = append(tags, types.Tag{Key: aws.String("cost-centre"), Value: aws.String("4711")})
	w.ok(w.s3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: name, Tagging: &types.Tagging{TagSet: tags}}))
}

// Powers are the actions of the compiled policy.
func (w *world) Powers(b core.Blueprint) []string {
	d, _ := draw(b.Grant)
	return limbsOf(d).powers(d)
}

func (w *world) Excesses(b core.Blueprint) []string {
	d, _ := draw(b.Grant)
	return slices.Sorted(maps.Keys(limbsOf(d).excesses(d)))
}

// Tamper writes the policy anew, without a power or with an excess.
func (w *world) Tamper(b core.Blueprint, drop, add string) {
	w.t.Helper()
	d, _ := draw(b.Grant)
	w.now(func(ctx context.Context) { limbsOf(d).tamper(ctx, w, d, drop, add) })
}

// Lose deletes the principal as somebody does in the console, with all that is tied to it.
func (w *world) Lose(b core.Blueprint) (done bool) {
	w.t.Helper()
	d, _ := draw(b.Grant)
	w.now(func(ctx context.Context) { done = limbsOf(d).lose(ctx, w, d) })
	return done
}

// Spoil lets the user sign in at the console.
func (w *world) Spoil(b core.Blueprint, kind core.FindingKind) bool {
	w.t.Helper()
	if kind != core.ConsoleLogin || b.Grant.Who != core.WhoKey {
		return false
	}
	d, _ := draw(b.Grant)
	w.now(func(ctx context.Context) {
		w.ok(w.iam.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String(d.userName()), Password: aws.String("not-kept-anywhere")}))
	})
	return true
}

// facts is the cloud's memory, as its last writers left it.
type facts map[string]any

func (w *world) facts() facts {
	w.t.Helper()
	raw, err := w.cloud.Snapshot()
	w.ok(raw, err)
	var f facts
	w.ok(nil, json.Unmarshal(raw, &f))
	for k, v := range f {
		f[k] = latest(v)
	}
	return f
}

// latest replaces every fact that needs time to be seen by what was written last.
func latest(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, pending := v["Pending"]; pending && len(v) == 2 {
			return latest(v["Now"])
		}
		out := map[string]any{}
		for k, one := range v {
			out[k] = latest(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = latest(one)
		}
		return out
	}
	return v
}

// at goes down a path of keys; nil if it ends early.
func at(v any, path ...string) any {
	for _, k := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// tagged reads tags of an entity or a bucket.
func tagged(v any) map[string]string {
	tags := map[string]string{}
	list, _ := at(v, "Tags").([]any)
	for _, one := range list {
		tags[at(one, "Key").(string)] = at(one, "Value").(string)
	}
	return tags
}

// own finds the entity of the grant in one of the account's maps; nil if it is not ours.
func (f facts) own(d design, kind string) map[string]any {
	name, path := d.carrier(), d.carrierPath()
	if kind == "Users" {
		name, path = d.userName(), d.path()
	}
	e := object(at(map[string]any(f), "Accounts", ownerAccount, kind, strings.ToLower(name)))
	if e == nil || at(e, "Path") != path {
		return nil
	}
	return e
}

func (f facts) bucket(name string) map[string]any {
	return object(at(map[string]any(f), "Buckets", name))
}

func (w *world) Ours(b core.Blueprint) []string {
	w.t.Helper()
	d, _ := draw(b.Grant)
	f := w.facts()
	list := limbsOf(d).ours(d, f)
	bucket := f.bucket(d.bucket())
	if bucket != nil && d.serves(tagged(bucket)) && !d.grant.Target.Adopt {
		list = append(list, "bucket")
	}
	for _, s := range statementsOf(bucket) {
		if sid, _ := s["Sid"].(string); d.ownSid(sid) {
			list = append(list, "statement "+sid)
		}
	}
	if d.marker && at(bucket, "Objects", d.folder()) != nil {
		if versions, _ := at(bucket, "Objects", d.folder()).([]any); len(versions) > 0 {
			list = append(list, d.markerAddr())
		}
	}
	slices.Sort(list)
	return list
}

func (w *world) Keys(b core.Blueprint) []string {
	w.t.Helper()
	d, _ := draw(b.Grant)
	f := w.facts()
	var list []string
	if f.own(d, "Users") == nil {
		return nil
	}
	for id, k := range object(f["Keys"]) {
		if at(k, "User") == strings.ToLower(d.userName()) && at(k, "Account") == ownerAccount && at(k, "Status") == "Active" && strings.HasPrefix(id, "AKIA") { // sessions have keys as well
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

func (w *world) Objects(bucket string) []string {
	w.t.Helper()
	f := w.facts().bucket(bucket)
	seen := map[string]bool{}
	for key, versions := range object(f["Objects"]) {
		if list, _ := versions.([]any); len(list) > 0 {
			seen[key] = true
		}
	}
	for _, u := range object(f["Uploads"]) {
		seen[fmt.Sprint(at(u, "Key"))] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Foreign is everything but the grant and the operators.
func (w *world) Foreign(b core.Blueprint) string {
	w.t.Helper()
	d, _ := draw(b.Grant)
	f := w.facts()
	for id, a := range object(f["Accounts"]) {
		delete(object(a), "Operator")
		delete(object(a), "Root")
		foreignRoles(a)
		for _, kind := range []string{"Users", "Groups", "Policies"} {
			entities := object(at(a, kind))
			for name, e := range entities {
				path, _ := at(e, "Path").(string)
				if id == ownerAccount && strings.HasPrefix(path, ownPath) || path == judgePath || name == "operator" {
					delete(entities, name)
				}
			}
		}
	}
	keys := object(f["Keys"])
	ours := f.own(d, "Users") != nil
	for id, k := range keys {
		delete(object(k), "Used")
		user, _ := at(k, "User").(string)
		if user == "" || strings.HasPrefix(user, "operator") || ours && user == strings.ToLower(d.userName()) || at(w.facts().userOf(k), "Path") != "/" {
			delete(keys, id)
		}
	}
	for name, v := range object(f["Buckets"]) {
		bucket := object(v)
		delete(bucket, "Busy") // until when a configuration is being written
		objects := object(bucket["Objects"])
		for key, versions := range objects {
			if strings.Contains(key, ".bucketgrant-probe/") || w.markers(key, versions) {
				delete(objects, key)
			}
		}
		if kept := foreignStatements(bucket); at(bucket["Policy"], "Text") != nil {
			bucket["Policy"] = kept
		}
		if tags := tagged(bucket); tags[tagManaged] == managedBy {
			if parts := foreignParts(bucket); len(parts) > 0 {
				object(f["Buckets"])[name] = parts
			} else {
				delete(object(f["Buckets"]), name)
			}
		}
	}
	out, err := json.MarshalIndent(map[string]any{"accounts": f["Accounts"], "keys": keys, "buckets": f["Buckets"]}, "", " ")
	w.ok(out, err)
	return string(out)
}

func (f facts) userOf(key any) map[string]any {
	return object(at(map[string]any(f), "Accounts", at(key, "Account").(string), "Users", at(key, "User").(string)))
}

// markers reports whether what is under key is an empty object that says that it is ours.
func (w *world) markers(key string, versions any) bool {
	list, _ := versions.([]any)
	return strings.HasSuffix(key, "/") && len(list) > 0 && strings.Contains(fmt.Sprint(list), managedBy)
}

// statementsOf are the statements of a bucket's policy.
func statementsOf(bucket map[string]any) []map[string]any {
	text, _ := at(bucket["Policy"], "Text").(string)
	var doc struct{ Statement []map[string]any }
	if text == "" || json.Unmarshal([]byte(text), &doc) != nil {
		return nil
	}
	return doc.Statement
}

// foreignStatements are those of them that are not ours.
func foreignStatements(bucket map[string]any) []any {
	var list []any
	for _, s := range statementsOf(bucket) {
		if sid, _ := s["Sid"].(string); !strings.HasPrefix(sid, "Bucketgrant") {
			text, _ := meaning(mustJSON(s))
			list = append(list, text)
		}
	}
	return list
}

// foreignParts are the statements, rules, tags and objects of a bucket of ours that are not ours.
func foreignParts(bucket map[string]any) map[string]any {
	parts := map[string]any{}
	if objects := object(bucket["Objects"]); len(objects) > 0 {
		parts["objects"] = objects
	}
	add := func(kind string, v any) {
		list, _ := parts[kind].([]any)
		parts[kind] = append(list, v)
	}
	statements, _ := bucket["Policy"].([]any)
	for _, s := range statements {
		add("statements", s)
	}
	list, _ := at(bucket["Lifecycle"], "Rules").([]any)
	for _, r := range list {
		if id, _ := at(r, "ID").(string); !strings.HasPrefix(id, "bucketgrant-") {
			add("rules", r)
			parts["size"] = at(bucket["Lifecycle"], "MinimumSize")
		}
	}
	for k, v := range sortedTags(tagged(bucket)) {
		if !slices.Contains([]string{tagManaged, tagGrant, tagProfile, tagRun, tagShared}, k) {
			add("tags", k+"="+v)
		}
	}
	return parts
}
