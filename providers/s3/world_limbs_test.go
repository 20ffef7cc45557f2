// Limbs: what the world does to a grant behind the provider's back, by the layout that the grant hangs on.
package s3

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// limbs is what the world knows of one layout.
type limbs interface {
	// plant makes a stranger under a name that the grant needs; nothing if it needs none.
	plant(ctx context.Context, w *world, s providertest.Stranger, d design)

	// ours are the addresses of what exists, but for the bucket and what is in it.
	ours(d design, f facts) []string

	powers(d design) []string
	excesses(d design) map[string]statement

	// tamper writes the policy anew: without the power drop, with the excess add.
	tamper(ctx context.Context, w *world, d design, drop, add string)

	// lose deletes the principal; false if it is not there.
	lose(ctx context.Context, w *world, d design) bool
}

func limbsOf(d design) limbs {
	switch d.layout.(type) {
	case userLayout:
		return userLimbs{}
	case assumeLayout, backupLayout:
		return roleLimbs{}
	default:
		return groupLimbs{}
	}
}

// actionPowers are the actions of the compiled policy, the literal ones included.
func actionPowers(d design) []string {
	var list []string
	for _, s := range New(Config{}).grantStatements(d) {
		list = append(list, s.Action...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// tampered is the compiled statements, without a power and with an excess.
func tampered(statements []statement, drop string, add *statement) []statement {
	var kept []statement
	for _, s := range statements {
		s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == drop })
		if len(s.Action) > 0 {
			kept = append(kept, s)
		}
	}
	if add != nil {
		kept = append(kept, *add)
	}
	return kept
}

// tooMuch are ways to be too wide that d is not wide anyway, by name.
func tooMuch(d design) map[string]statement {
	objects, bucket, other := d.objectsARN(), d.bucketARN(), "arn:aws:s3:::"+otherBucket+"/*"
	allow := func(resource string, actions ...string) statement {
		return statement{Effect: "Allow", Action: actions, Resource: texts{resource}}
	}
	all := map[string]statement{
		"identify":            allow("*", "iam:ListUsers"),
		"put everywhere":      allow("*", "s3:PutObject"),
		"put in other bucket": allow(other, "s3:PutObject"),
		"delete elsewhere":    allow(other, "s3:DeleteObject"),
		"erase elsewhere":     allow(other, "s3:DeleteObjectVersion"),
		"read elsewhere":      allow(other, "s3:GetObject"),
		"everything":          allow("*", "*"),
	}
	whole := d.grant.Target.Prefix == ""
	if !whole {
		all["read outside"] = allow(bucket+"/.bucketgrant-probe/*", "s3:GetObject")
		all["put in whole bucket"] = allow(bucket+"/*", "s3:PutObject")
		all["put in siblings"] = allow(strings.TrimSuffix(objects, "/*")+"*", "s3:PutObject")
		all["abort in siblings"] = allow(strings.TrimSuffix(objects, "/*")+"*", "s3:AbortMultipartUpload")
	}
	if listsAll := whole && d.grant.Allows(core.List); !listsAll && len(d.native.wide(d.grant.Target.Prefix)) == 0 {
		all["list"] = allow(bucket, "s3:ListBucket")
	}
	for ability, s := range map[core.Ability]statement{
		core.Read:       allow(objects, "s3:GetObject"),
		core.Delete:     allow(objects, "s3:DeleteObject"),
		core.Erase:      allow(objects, "s3:DeleteObjectVersion"),
		core.Resume:     allow(objects, "s3:ListMultipartUploadParts"),
		core.Locate:     allow(bucket, "s3:GetBucketLocation"),
		core.Uploads:    allow(bucket, "s3:ListBucketMultipartUploads"),
		core.Inspect:    allow(bucket, "s3:GetBucketPolicy"),
		core.Administer: allow(bucket, "s3:PutBucketPolicy"),
		core.Create:     allow(objects, "s3:PutObject"),
		core.Abort:      allow(objects, "s3:AbortMultipartUpload"),
	} {
		if !d.grant.Allows(ability) {
			all[string(ability)] = s
		}
	}
	if d.grant.Profile == "event-dump" && d.grant.Who == core.WhoKey {
		maps.Copy(all, everyWidening(d))
	}
	if d.grant.Profile != "event-dump" { // one grant is judged by all of them
		for _, name := range []string{"put everywhere", "delete elsewhere", "erase elsewhere", "read elsewhere"} {
			delete(all, name)
		}
	}
	if len(d.grant.Limits.From) > 0 { // asked, not tried, and only about this bucket
		maps.DeleteFunc(all, func(name string, s statement) bool { return s.Resource[0] == other })
		all["from anywhere"] = allow(objects, actionPowers(d)[0])
	}
	return all
}

// everyWidening is every action that an actor can try on an object, at every
// place where it would be too much, by itself and within patterns of actions.
func everyWidening(d design) map[string]statement {
	bucket := d.bucketARN()
	places := map[string]string{"in whole bucket": bucket + "/*", "in other bucket": "arn:aws:s3:::" + otherBucket + "/*", "everywhere": "*"}
	if prefix := d.grant.Target.Prefix; prefix != "" {
		places["in siblings"] = bucket + "/" + strings.TrimSuffix(prefix, "/") + "*"
		places["at the root"] = bucket + "/.bucketgrant-probe/*"
	}
	all := map[string]statement{}
	for _, action := range []string{
		"s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListMultipartUploadParts",
		"s3:*", "s3:Put*", "s3:Get*", "s3:Delete*", "s3:*Object", "s3:*Multipart*", "*",
	} {
		for name, place := range places {
			all[strings.NewReplacer("*", "any", ":", " ").Replace(action)+" "+name] = statement{Effect: "Allow", Action: texts{action}, Resource: texts{place}}
		}
	}
	return all
}

// groupLimbs are a policy, a group and a user.
type groupLimbs struct{}

func (groupLimbs) plant(ctx context.Context, w *world, s providertest.Stranger, d design) {
	w.t.Helper()
	switch s {
	case providertest.Principal:
		userLimbs{}.plant(ctx, w, s, d)
	case providertest.Role:
		w.ok(w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(d.carrier()), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}}`)}))
	case providertest.Group:
		w.ok(w.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String(d.carrier())}))
	}
}

func (groupLimbs) ours(d design, f facts) []string {
	var list []string
	for kind, addr := range map[string]string{"Users": d.userAddr(), "Groups": d.groupAddr(), "Policies": d.policyAddr()} {
		if f.own(d, kind) != nil {
			list = append(list, addr)
		}
	}
	if u := f.own(d, "Users"); u != nil && slices.Contains(strings.Fields(fmt.Sprint(u["Groups"])), "["+strings.ToLower(d.carrier())+"]") {
		list = append(list, d.memberAddr())
	}
	if g := f.own(d, "Groups"); g != nil && strings.Contains(fmt.Sprint(g["Attached"]), d.iamARN(ownerAccount, "policy")) {
		list = append(list, d.attachAddr())
	}
	return list
}

func (groupLimbs) powers(d design) []string { return actionPowers(d) }

func (groupLimbs) excesses(d design) map[string]statement { return tooMuch(d) }

// tamper writes another version of the policy and forgets the one before it.
func (groupLimbs) tamper(ctx context.Context, w *world, d design, drop, add string) {
	w.t.Helper()
	var more *statement
	if add != "" {
		s := tooMuch(d)[add]
		more = &s
	}
	doc := policy{Version: policyVersion, Statement: tampered(New(Config{}).grantStatements(d), drop, more)}
	arn := aws.String(d.iamARN(ownerAccount, "policy"))
	before, err := w.iam.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn})
	w.ok(before, err)
	for _, v := range before.Versions {
		if !v.IsDefaultVersion {
			w.ok(w.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: v.VersionId}))
		}
	}
	w.ok(w.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(string(mustJSON(doc))), SetAsDefault: true}))
}

func (groupLimbs) lose(ctx context.Context, w *world, d design) bool {
	w.t.Helper()
	if w.facts().own(d, "Users") == nil {
		return false
	}
	_, _ = w.iam.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String(d.carrier()), UserName: aws.String(d.userName())})
	return userLimbs{}.lose(ctx, w, d)
}

// userLimbs are a user, and statements in the bucket's policy.
type userLimbs struct{}

func (userLimbs) plant(ctx context.Context, w *world, s providertest.Stranger, d design) {
	w.t.Helper()
	if s != providertest.Principal {
		return
	}
	w.ok(w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(d.userName()), Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("other")}}}))
	w.ok(w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(d.userName())}))
}

func (userLimbs) ours(d design, f facts) []string {
	if f.own(d, "Users") == nil {
		return nil
	}
	return []string{d.userAddr()}
}

func (userLimbs) powers(d design) []string { return actionPowers(d) }

func (userLimbs) excesses(d design) map[string]statement { return tooMuch(d) }

// tamper writes the statements anew. What a bucket's policy cannot say is put into the user.
func (userLimbs) tamper(ctx context.Context, w *world, d design, drop, add string) {
	w.t.Helper()
	arn := d.iamARN(ownerAccount, "user")
	var more *statement
	if add != "" {
		s := tooMuch(d)[add]
		if strings.HasPrefix(s.Resource[0], d.bucketARN()) {
			s = principalStatement(d.sidStem()+"Documented9", arn, s)
			more = &s
		} else {
			doc := policy{Version: policyVersion, Statement: []statement{s}}
			w.ok(w.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String(d.userName()), PolicyName: aws.String("excess"), PolicyDocument: aws.String(string(mustJSON(doc)))}))
		}
	}
	out, err := w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String(d.bucket())})
	w.ok(out, err)
	there, err := openShelf(*out.Policy)
	w.ok(there, err)
	there.put(tampered(New(Config{}).bucketStatements(d, arn), drop, more), d.ownSid)
	w.ok(w.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(d.bucket()), Policy: aws.String(there.text())}))
}

func (userLimbs) lose(ctx context.Context, w *world, d design) bool {
	w.t.Helper()
	name := aws.String(d.userName())
	if w.facts().own(d, "Users") == nil {
		return false
	}
	keys, err := w.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name})
	w.ok(keys, err)
	for _, k := range keys.AccessKeyMetadata {
		w.ok(w.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: k.AccessKeyId}))
	}
	w.ok(w.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}))
	return true
}
