// Backup: the layout of roles that the service AWS Backup takes on.
package s3

import (
	"context"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// backupLayout is a role for backups and, if it is wanted, one for restores. The
// source document's own way is the account's default role with both.
type backupLayout struct{}

const (
	layoutBackup   = "backup-service" // as profiles call it
	backupService  = "backup.amazonaws.com"
	setRestoreRole = "restore-role"
)

func backupSettings() []core.Setting {
	return []core.Setting{
		{Name: setRestoreRole, Flag: true, Usage: "make the role for restores too; without it backups can be made and nothing can be overwritten", Example: yes, Only: []core.Who{core.WhoService}},
	}
}

// restores reports whether the grant includes restores.
func (backupLayout) restores(d design) bool {
	return d.grant.Literal || d.grant.Settings[setRestoreRole] == yes
}

// can is what the roles amount to, in abilities: the document says it in actions.
func (l backupLayout) can(d design) []core.Ability {
	can := []core.Ability{core.Read, core.List, core.Locate}
	if l.restores(d) {
		can = append(can, core.Create, core.Overwrite, core.Delete, core.Resume)
	}
	return can
}

func (l backupLayout) faults(d design) core.Faults {
	var f core.Faults
	fault := func(field, value, rule, accepts string) {
		f = append(f, core.Fault{Field: field, Value: value, Rule: rule, Accepts: accepts})
	}
	t, limits := d.grant.Target, d.grant.Limits
	if t.Prefix != "" {
		fault("prefix", t.Prefix, "is of no use: AWS Backup backs whole buckets up", "no prefix")
	}
	if len(limits.From) > 0 {
		fault("from", limits.From[0].String(), "cannot be demanded of a service of AWS, which has no network that you know", "no networks")
	}
	if !d.grant.Literal {
		return f
	}
	if d.partition.name != "aws" {
		fault("region", d.region, "is in partition "+d.partition.name+", which the document's policies do not name", "a region of partition aws, or the sound form without --as-documented")
	}
	if !limits.Expires.IsZero() {
		fault("expires", limits.Expires.Format("2006-01-02"), "is not in the document's policies, which have no end", "no end, or the sound form without --as-documented")
	}
	if d.grant.Settings[setRestoreRole] != "" {
		fault(setRestoreRole, d.grant.Settings[setRestoreRole], "is of no use: the document's one role restores as well", "no restore-role, or the sound form without --as-documented")
	}
	return f
}

// backupRole is a role and the policies of AWS's that it does the work of.
type backupRole struct {
	wantedRole
	does []managedPolicy
}

// pointsRemain is what the end of a role for backups leaves.
// https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html
const pointsRemain = "recovery points that AWS Backup made as this role cannot expire without it and go on costing: delete them first"

// both are the roles for backups and for restores; of the document, the one for both.
func (l backupLayout) both(d design) []backupRole {
	trust := func(string) policy { return serviceTrust(backupService, d.grant.Limits.Expires) }
	if d.grant.Literal {
		r := wantedRole{name: backups().Documented.Role, path: backups().Documented.Path, about: "Lets AWS Backup back up and restore S3. Made by bucketgrant.", trust: trust, lends: true,
			goodbye: pointsRemain + "; buckets that others back up as this role are so no more"}
		for _, p := range backups().Documented.Policies {
			r.inline = append(r.inline, inlinePolicy{name: p.Name, body: p.Document})
		}
		return []backupRole{{r, backups().Managed}}
	}
	own := func(verb string, m managedPolicy) backupRole {
		return backupRole{wantedRole{
			name: d.roleName() + "-" + verb, path: rolePath, about: "Lets AWS Backup " + verb + " the bucket " + d.bucket() + ". Made by bucketgrant.",
			trust: trust, inline: []inlinePolicy{{name: inlineName, body: m.policy(d)}},
		}, []managedPolicy{m}}
	}
	list := []backupRole{own("backup", backups().Managed[0]), own("restore", backups().Managed[1])}
	list[0].goodbye = pointsRemain // a restore makes none
	return list
}

// roles are those that the grant wants; former is the role for restores if it
// wants none, which goes if it is there.
func (l backupLayout) roles(d design) []backupRole {
	all := l.both(d)
	if !l.restores(d) {
		return all[:1]
	}
	return all
}

func (l backupLayout) former(d design) []backupRole { return l.both(d)[len(l.roles(d)):] }

func (l backupLayout) resources(d design) []core.Resource {
	var list []core.Resource
	add := func(addr, what string) {
		list = append(list, core.Resource{Step: core.RoleStep, Addr: addr, What: what})
	}
	for _, r := range l.roles(d) {
		add(roleAddr(r.name), "role that AWS Backup takes on")
		for _, p := range r.inline {
			add(inlineAddr(r.name, p.name), "policy inside of the role, after "+l.after(r))
		}
	}
	return list
}

// after names what the policies of a role follow.
func (l backupLayout) after(r backupRole) string {
	if r.lends {
		return backups().Documented.Source
	}
	return r.does[0].Name + " " + r.does[0].Version + ", for one bucket only"
}

func (l backupLayout) documents(_ *Provider, d design) []core.Document {
	var list []core.Document
	for i, r := range l.roles(d) {
		if i == 0 {
			list = append(list, document("trust", roleAddr(r.name), "who may take the role on: AWS Backup, and nobody else", r.trust("")))
		}
		for _, p := range r.inline {
			name, why := p.name, "the source document's policy, word for word"
			if !r.lends {
				name, why = strings.TrimPrefix(r.name, d.roleName()+"-")+"-policy", "what AWS Backup may do as "+r.name
			}
			list = append(list, document(name, inlineAddr(r.name, p.name), why, p.body))
		}
	}
	return list
}

func (l backupLayout) operator(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	roles := l.roles(d)
	for _, r := range roles {
		roleNeeds(&p, d, r.wantedRole, bearsClaims(r.wantedRole, roles[0].wantedRole))
	}
	for _, r := range l.former(d) {
		formerNeeds(&p, d, r.wantedRole)
	}
	for _, m := range backups().Managed {
		p.on(l.managedARN(d, m), verbs(core.ForPlan, core.ForApply), "iam:GetPolicy")
		p.because("tells whether AWS's own policy for the same has changed since " + m.Date)
		p.on(l.managedARN(d, m), verbs(core.ForRepair), "iam:GetPolicyVersion")
		p.because("if it has: tells how")
	}
	return p.list
}

func (backupLayout) managedARN(d design, m managedPolicy) string {
	return "arn:" + d.partition.name + ":iam::aws:policy/" + m.Name
}

func (l backupLayout) grantee(d design, account string) string {
	r := l.roles(d)[0]
	return d.roleARN(account, r.path, r.name)
}

// grantees are the roles that a probe of these actions is about: those that must
// be able to, or all of them if nobody may.
func (l backupLayout) grantees(d design, account string, actions []string, want core.Outcome) []string {
	var list []string
	for _, r := range l.roles(d) {
		var given []string
		for _, p := range r.inline {
			given = append(given, actionsIn(mustJSON(p.body))...)
		}
		if want != core.Allowed || len(lacking(given, actions)) == 0 {
			list = append(list, d.roleARN(account, r.path, r.name))
		}
	}
	return list
}

func (l backupLayout) step(s *session) piece {
	step := &assumeStep{session: s,
		further: func(ctx context.Context) (string, error) { return l.news(ctx, s) },
		demands: func(ctx context.Context) ([]core.Change, error) { return l.demands(ctx, s) },
	}
	for _, r := range l.roles(s.design) {
		step.roles = append(step.roles, r.wantedRole)
	}
	for _, r := range l.former(s.design) {
		step.former = append(step.former, r.wantedRole)
	}
	return step
}

// demands refuses a bucket of others without versioning, which AWS Backup needs
// and which is never switched on there.
// https://docs.aws.amazon.com/aws-backup/latest/devguide/s3-backups.html
func (backupLayout) demands(ctx context.Context, s *session) ([]core.Change, error) {
	if !s.grant.Target.Adopt {
		return nil, nil
	}
	b := &bucketStep{s}
	at, err := b.head(ctx, nil)
	if err != nil || !at.exists || at.closed || at.region != "" && at.region != s.region {
		return nil, err // the bucket's own step says what is wrong
	}
	owner, err := s.owner(ctx)
	if err != nil {
		return nil, err
	}
	_, on, err := b.checkVersioning(ctx, owner)
	if is(err, codeDenied) || err == nil && on {
		return nil, nil
	}
	c := roleChange(core.Refuse, s.partAddr(versioning), "AWS Backup needs versioning, and an adopted bucket is never changed")
	c.Hint = "aws s3api put-bucket-versioning --bucket " + s.bucket() + " --versioning-configuration Status=Enabled"
	return []core.Change{c}, err
}

func (backupLayout) issuer(*session) core.Issuer { return nil }

func (l backupLayout) outputs(s *session) func(context.Context) ([]core.Output, error) {
	return func(ctx context.Context) ([]core.Output, error) {
		o, err := s.operator(ctx)
		if err != nil {
			return nil, err
		}
		var list []core.Output
		for _, r := range l.roles(s.design) {
			name := "role_arn"
			if !r.lends {
				name = strings.TrimPrefix(r.name, s.roleName()+"-") + "_role_arn"
			}
			list = append(list, core.Output{Name: name, Value: s.roleARN(o.Account, r.path, r.name), Why: "the role to choose in AWS Backup"})
		}
		return append(list, core.Output{Name: "bucket_arn", Value: s.bucketARN(), Why: "the resource to assign to a backup plan"}), nil
	}
}
