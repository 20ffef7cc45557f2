// Backup advice: the service's limits, what differs from AWS's own policies, and what the simulator is asked.
package s3

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// notes are the service's limits, what differs from AWS's own policies, and what is left to others.
func (l backupLayout) notes(d design) []string {
	var list []string
	for i, m := range backups().Managed {
		name := fmt.Sprintf("%s %s of %s", m.Name, m.Version, m.Date)
		switch {
		case d.grant.Literal:
			list = append(list, "against AWS's own "+name+" the document's policy is "+difference(actionsIn(backups().Documented.Policies[i].Document), m.actions()))
		case i == 0 || l.restores(d):
			list = append(list, "against AWS's own "+name+": the same actions, but on the bucket "+d.bucket()+" and its key only instead of all")
		}
	}
	if d.kmsKey == "" && !d.grant.Literal {
		list = append(list, "nothing is allowed on KMS keys: objects that are encrypted with one need kms-key")
	}
	if d.grant.Target.Adopt {
		list = append(list, "an adopted bucket gets no lifecycle rule: without one that expires replaced versions, AWS Backup keeps them all, and each costs")
	}
	if !l.restores(d) {
		list = append(list, "no role for restores is made: apply again with restore-role true when one is needed, and without it afterwards")
	}
	if d.grant.Literal {
		list = append(list, "if "+backups().Documented.Role+" does not exist it is made without the policies that AWS's console gives it for other services: it serves S3 only")
	}
	list = append(list, "the trust has no condition on the account that AWS Backup works for: AWS's own default role has none either, and whoever starts a backup must be allowed to pass the role (iam:PassRole)")
	for _, limit := range backups().Limits {
		list = append(list, "AWS Backup: "+limit)
	}
	return list
}

// foreignBucket stands for every bucket that the grant is not about.
const foreignBucket = "bucketgrant-somebody-elses"

// checks ask for each action whether it is allowed on the bucket and, in the
// sound form, refused on others.
func (l backupLayout) checks(_ *Provider, d design) []core.Probe {
	var list []core.Probe
	seen := map[core.Probe]bool{}
	add := func(p core.Probe) {
		if !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	foreign := "arn:" + d.partition.name + ":s3:::" + foreignBucket
	for i, m := range backups().Managed {
		given := m.actions()
		if d.grant.Literal {
			given = actionsIn(backups().Documented.Policies[i].Document)
		} else if i > 0 && !l.restores(d) {
			continue
		}
		for _, place := range []struct{ on, end string }{{onBucket, ""}, {onObjects, "/object"}} {
			for _, action := range m.on(place.on) {
				if !slices.Contains(given, action) {
					continue
				}
				add(core.Probe{Where: core.Whole, Bucket: d.bucket(), Action: action, Key: d.bucketARN() + place.end, Want: core.Allowed})
				if !d.grant.Literal {
					add(core.Probe{Where: core.Elsewhere, Bucket: foreignBucket, Action: action, Key: foreign + place.end, Want: core.Denied})
				}
			}
		}
	}
	return list
}

// news compares AWS's own policies with those that this program knows.
func (l backupLayout) news(ctx context.Context, s *session) (string, error) {
	found := make([]string, len(backups().Managed))
	var reads []func(context.Context) error
	for i, m := range backups().Managed {
		reads = append(reads, func(ctx context.Context) (err error) { found[i], err = l.newsOf(ctx, s, m); return })
	}
	err := gather(ctx, reads...)
	return strings.Join(slices.DeleteFunc(found, func(s string) bool { return s == "" }), "; "), err
}

func (l backupLayout) newsOf(ctx context.Context, s *session, m managedPolicy) (string, error) {
	arn := aws.String(l.managedARN(s.design, m))
	now, err := s.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if gone(err) {
		return "AWS keeps no " + m.Name + " in this partition", nil
	}
	if err != nil {
		return "", failed("iam:policy/"+m.Name, "iam:GetPolicy", err)
	}
	version := now.Policy.DefaultVersionId
	if aws.ToString(version) == m.Version {
		return "", nil
	}
	out, err := s.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: version})
	if is(err, codeDenied) {
		return fmt.Sprintf("AWS's own %s is at %s by now; whoever runs this may not read how it has changed", m.Name, aws.ToString(version)), nil
	}
	if err != nil {
		return "", failed("iam:policy/"+m.Name, "iam:GetPolicyVersion", err)
	}
	text, err := decoded("iam:policy/"+m.Name, out.PolicyVersion.Document)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("AWS's own %s is at %s by now; against that this is %s", m.Name, aws.ToString(version), difference(m.actions(), actionsIn([]byte(text)))), nil
}
