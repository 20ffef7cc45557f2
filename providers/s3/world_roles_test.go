// What the world does to grants whose grantee takes a role on.
package s3

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// roleGrants are the grants for which no secret is handed over.
func roleGrants() map[string]core.Grant {
	server := profiled(clickhouse(), "clickhouse", "")
	server.Who, server.Settings = core.WhoAccount, map[string]string{setVendorRole: vendorRoleGrant().Settings[setVendorRole], setExternalID: "service-1"}
	adopted := workflowGrant()
	adopted.Name, adopted.Target.Adopt = "acme-adopted", true
	return map[string]core.Grant{
		"event-dump account":              vendorGrant(),
		"event-dump account, one role":    vendorRoleGrant(),
		"clickhouse account":              server,
		"postgres-backup":                 workflowGrant(),
		"postgres-backup, an environment": scoped("environment", "backup"),
		"postgres-backup, adopted":        adopted,
		"postgres-backup literal":         documentedWorkflow(),
		"aws-backup":                      amounting(backupGrant()),
		"aws-backup with restores":        amounting(restoringGrant()),
		"aws-backup literal":              amounting(documentedBackup()),
	}
}

// roleGoldens are the grants that are written down.
func roleGoldens() map[string]core.Grant {
	known := having(workflowGrant(), setAccount, ownerAccount)
	patterns := having(having(having(workflowGrant(), "allow-wildcard-subject", yes), "branch", "release/*"), "allow-pull-request", yes)
	ending := vendorRoleGrant()
	ending.Limits.Expires = time.Date(2027, 2, 20, 0, 0, 0, 0, time.UTC)
	gov := vendorGrant()
	gov.Target.Region = "us-gov-west-1"
	key := restoringGrant()
	key.Settings[setKMSKey] = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	return map[string]core.Grant{
		"event-dump-account":          vendorGrant(),
		"event-dump-account/role":     ending,
		"event-dump-account/us-gov":   gov,
		"postgres-backup":             known,
		"postgres-backup/environment": scoped("environment", "prod: eu"),
		"postgres-backup/patterns":    patterns,
		"postgres-backup/documented":  documentedWorkflow(),
		"aws-backup":                  backupGrant(),
		"aws-backup/restores":         key,
		"aws-backup/documented":       documentedBackup(),
	}
}

// amounting is g with the abilities that it compiles to: the profile has none.
func amounting(g core.Grant) core.Grant {
	d, _ := draw(g)
	g.Can = d.grant.Can
	return g
}

// neighbours makes what the stand-in would make when it is needed: other accounts are there before.
func (w *world) neighbours() {
	w.t.Helper()
	stand := played{w.cloud}
	w.now(func(ctx context.Context) {
		for account, role := range map[string]string{vendorAccount: vendorRoleGrant().Settings[setVendorRole], strangers: ""} {
			_, err := stand.Caller(ctx, account, role)
			w.ok(nil, err)
		}
	})
}

// roleLimbs are roles, what is inside of them, and statements in the bucket's policy.
type roleLimbs struct{}

// step is the role step as the grant wants it, without a session.
func (roleLimbs) step(d design) *assumeStep {
	step, _ := d.layout.step(&session{design: d, provider: New(Config{})}).(*assumeStep)
	return step
}

func (l roleLimbs) plant(ctx context.Context, w *world, s providertest.Stranger, d design) {
	w.t.Helper()
	if s != providertest.Principal {
		return
	}
	trust := string(mustJSON(trusting(awsPrincipal{"arn:aws:iam::" + ownerAccount + ":root"}, "sts:AssumeRole", time.Time{}, nil)))
	for _, r := range l.step(d).roles {
		w.ok(w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &r.name, AssumeRolePolicyDocument: &trust, Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("other")}}}))
	}
}

// ownRoles are the roles of the grant that are there.
func (l roleLimbs) ownRoles(d design, f facts) map[string]map[string]any {
	found := map[string]map[string]any{}
	for _, r := range l.step(d).all() {
		e := object(at(map[string]any(f), "Accounts", ownerAccount, "Roles", strings.ToLower(r.name)))
		if e != nil && at(e, "Path") == r.path && d.marked(tagged(e)) {
			found[r.name] = e
		}
	}
	return found
}

func (l roleLimbs) ours(d design, f facts) []string {
	var list []string
	for name, e := range l.ownRoles(d, f) {
		list = append(list, roleAddr(name))
		inline, _ := at(e, "Inline").([]any)
		for _, p := range inline {
			text, _ := at(p, "Name").(string)
			if document, _ := at(p, "Document").(string); !readShut(document, middleware.Metadata{}).since.IsZero() {
				continue // what a restoration leaves keeps sessions from before out, and gives nothing
			}
			list = append(list, inlineAddr(name, text))
		}
	}
	if l.step(d).provider != nil && forMany(tagged(at(map[string]any(f), "Accounts", ownerAccount, "OIDC", d.providerARN(ownerAccount)))) {
		list = append(list, d.providerAddr())
	}
	return list
}

func (roleLimbs) powers(d design) []string {
	l, ok := d.layout.(backupLayout)
	if !ok {
		return actionPowers(d)
	}
	var list []string
	for _, p := range l.checks(nil, d) {
		list = append(list, p.Action)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// The doors that somebody could leave open.
const (
	anyExternalID = "any external ID"
	anyAccount    = "any account"
	anyBranch     = "any branch"
	anyRepository = "any repository"
	pullRequests  = "pull requests"
)

func (roleLimbs) excesses(d design) map[string]statement {
	all := tooMuch(d)
	switch d.grant.Who {
	case core.WhoAccount:
		all[anyExternalID], all[anyAccount] = statement{}, statement{}
	case core.WhoOIDC:
		all[anyBranch], all[anyRepository], all[pullRequests] = statement{}, statement{}, statement{}
	default: // asked, not tried, and of other buckets only what the checks ask
		maps.DeleteFunc(all, func(name string, s statement) bool {
			return strings.Contains(s.Resource[0], otherBucket) || name == "put everywhere" && d.grant.Literal
		})
	}
	return all
}

// tamper takes a power out of everything that gives it, and puts the excess
// into the first role. A door that is left open is the role's trust.
func (l roleLimbs) tamper(ctx context.Context, w *world, d design, drop, add string) {
	w.t.Helper()
	step := l.step(d)
	if trust := l.open(d, add); trust != "" {
		w.ok(w.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &step.roles[0].name, PolicyDocument: &trust}))
		add = ""
	}
	for i, r := range step.roles {
		for n, p := range r.wanted() {
			doc := &shelf{doc: map[string]json.RawMessage{}}
			there, err := openShelf(string(mustJSON(p.body)))
			w.ok(there, err)
			for _, raw := range there.statements {
				if kept := dropped(raw, drop); kept != nil {
					doc.statements = append(doc.statements, kept)
				}
			}
			if add != "" && i == 0 && n == 0 {
				doc.statements = append(doc.statements, mustJSON(l.excesses(d)[add]))
			}
			if text := doc.text(); text != "" {
				w.ok(w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &r.name, PolicyName: &p.name, PolicyDocument: &text}))
			} else {
				w.ok(w.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &r.name, PolicyName: &p.name}))
			}
		}
	}
	if step.policy == nil {
		return
	}
	var more *statement
	if add != "" && len(step.roles[0].wanted()) == 0 {
		s := l.excesses(d)[add]
		if strings.HasPrefix(s.Resource[0], d.bucketARN()) {
			s = principalStatement(d.sidStem()+"Documented9", d.layout.grantee(d, ownerAccount), s)
			more = &s
		} else {
			doc := policy{Version: policyVersion, Statement: []statement{s}}
			w.ok(w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &step.roles[0].name, PolicyName: aws.String(inlineName), PolicyDocument: aws.String(string(mustJSON(doc)))}))
		}
	}
	w.restate(ctx, d, tampered(New(Config{}).bucketStatements(d, d.layout.grantee(d, ownerAccount)), drop, more))
}

// restate writes the grant's statements in the bucket's policy anew.
func (w *world) restate(ctx context.Context, d design, want []statement) {
	w.t.Helper()
	out, err := w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String(d.bucket())})
	w.ok(out, err)
	there, err := openShelf(*out.Policy)
	w.ok(there, err)
	there.put(want, d.ownSid)
	w.ok(w.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(d.bucket()), Policy: aws.String(there.text())}))
}

// open is a trust policy that lets somebody else in; "" if add is about something else.
func (l roleLimbs) open(d design, add string) string {
	doc := l.step(d).roles[0].trust(ownerAccount)
	s := &doc.Statement[0]
	like := func(subject string) {
		s.Condition = map[string]map[string]texts{"StringEquals": {issuerHost + ":aud": {audience}}, "StringLike": {issuerHost + ":sub": {subject}}}
	}
	w, _ := d.workflow()
	switch add {
	case anyExternalID:
		s.Condition = nil
	case anyAccount:
		s.Principal = everybody
	case anyBranch:
		like("repo:acme*/shop*:*")
	case anyRepository:
		like("repo:acme*:" + strings.SplitN(w.subjects()[0], ":", 3)[2])
	case pullRequests:
		like("repo:acme*/shop*:*")
		s.Condition["StringLike"][issuerHost+":sub"] = append(w.subjects(), "repo:acme*/shop*:pull_request")
	default:
		return ""
	}
	return string(mustJSON(doc))
}

// dropped is a statement without one action; nil if nothing is left.
func dropped(raw json.RawMessage, action string) json.RawMessage {
	var s map[string]json.RawMessage
	if json.Unmarshal(raw, &s) != nil {
		return raw
	}
	left := lacking([]string{action}, actionsIn([]byte(`{"Statement":[`+string(raw)+`]}`)))
	if len(left) == 0 {
		return nil
	}
	s["Action"] = mustJSON(left)
	return mustJSON(s)
}

func (l roleLimbs) lose(ctx context.Context, w *world, d design) bool {
	w.t.Helper()
	roles := l.ownRoles(d, w.facts())
	for name, e := range roles {
		inline, _ := at(e, "Inline").([]any)
		for _, p := range inline {
			text, _ := at(p, "Name").(string)
			w.ok(w.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &text}))
		}
		w.ok(w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name}))
	}
	return len(roles) > 0
}

// foreignRoles takes out of an account's facts what is ours, and what changes when somebody takes a role on.
func foreignRoles(account any) {
	for kind, own := range map[string]func(map[string]string) bool{
		"Roles": func(tags map[string]string) bool { return tags[tagManaged] == managedBy },
		"OIDC":  forMany,
	} {
		entities := object(at(account, kind))
		for name, e := range entities {
			delete(object(e), "Used")
			if own(tagged(e)) {
				delete(entities, name)
			}
		}
	}
}
