// The operator's permissions: what whoever runs this must be allowed to do, and nothing more.
package s3

import (
	"cmp"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// permit collects permissions of one step.
type permit struct {
	step core.StepName
	list []core.Permission
}

func (p *permit) on(resource string, verbs []string, actions ...string) {
	for _, a := range actions {
		p.list = append(p.list, core.Permission{Action: a, Resource: resource, Step: p.step, Verbs: verbs})
	}
}

// verbs is shorthand for the runs that need a permission.
func verbs(v ...string) []string { return v }

// because explains the permission that was added last.
func (p *permit) because(why string) { p.list[len(p.list)-1].Why = why }

// operator lists what plan, apply, prove and destroy take, and what it takes to
// repair what others have changed.
func operator(d design) []core.Permission {
	all := append(bucketPermissions(d), d.layout.operator(d)...)
	all = append(all, gateNeeds(d)...)
	if !d.tried() {
		all = append(all, simulatePermissions(d)...)
	}
	if d.marker {
		all = append(all, markerPermissions(d)...)
	}
	all = append(all, sharingPermissions(d)...)
	all = append(all, remainsNeeds(d)...)
	all = append(all, preflightPermissions(d)...)
	all = append(all, inspectPermissions(d)...)
	return merged(append(all, findPermissions(d)...))
}

// simulatePermissions are what it takes to ask IAM instead of trying.
func simulatePermissions(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	p.on(d.layout.grantee(d, d.accountOrNot("*")), verbs(core.ForProve), "iam:SimulatePrincipalPolicy")
	bucketsWord(&p, d)
	return p.list
}

// tried reports whether a proof tries things. A key that works in some networks
// only is tried there, and asked about elsewhere; a service of AWS always is.
func (d design) tried() bool {
	return d.grant.Who != core.WhoService && (len(d.grant.Limits.From) == 0 || d.inside)
}

// merged names every permission once: what two steps need, the first of them names for both.
func merged(all []core.Permission) []core.Permission {
	var list []core.Permission
	for _, p := range all {
		i := slices.IndexFunc(list, func(one core.Permission) bool { return one.Action == p.Action && one.Resource == p.Resource })
		if i < 0 {
			list = append(list, p)
			continue
		}
		for _, v := range p.Verbs {
			if !slices.Contains(list[i].Verbs, v) {
				list[i].Verbs = append(slices.Clone(list[i].Verbs), v)
			}
		}
		list[i].Why = cmp.Or(list[i].Why, p.Why)
	}
	return list
}

func bucketPermissions(d design) []core.Permission {
	p := permit{step: core.BucketStep}
	bucket := d.bucketARN()
	look, settle := verbs(core.ForPlan, core.ForApply), verbs(core.ForApply)
	p.on(bucket, verbs(core.ForPlan, core.ForApply, core.ForDestroy), "s3:ListBucket")
	p.because("tells whether the bucket exists, whose it is and where")
	if d.grant.Target.Adopt {
		p.on(bucket, look, "s3:GetBucketVersioning")
		p.because("tells whether objects that are replaced are kept")
	} else {
		p.on(bucket, verbs(core.ForPlan, core.ForApply, core.ForDestroy), "s3:GetBucketTagging")
		p.on(bucket, look,
			"s3:GetBucketPublicAccessBlock", "s3:GetBucketOwnershipControls", "s3:GetEncryptionConfiguration",
			"s3:GetBucketVersioning", "s3:GetLifecycleConfiguration", "s3:GetBucketPolicy")
		p.on(bucket, settle, "s3:CreateBucket", "s3:TagResource")
		p.because("the bucket is marked as ours in the call that makes it")
		p.on(bucket, settle, "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration", "s3:PutBucketPolicy")
		p.on(bucket, verbs(core.ForRepair), "s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls")
		if d.kmsKey != "" {
			p.on(bucket, settle, "s3:PutEncryptionConfiguration")
		} else {
			p.on(bucket, verbs(core.ForRepair), "s3:PutEncryptionConfiguration")
		}
		p.on(bucket, verbs(core.ForDestroy), "s3:DeleteBucket")
		p.because("only an empty bucket of ours, and only if asked for by name")
	}
	var sweep []string
	if d.tried() {
		sweep = append(sweep, core.ForProve)
	}
	if !d.grant.Target.Adopt {
		sweep = append(sweep, core.ForDestroy)
	}
	if len(sweep) > 0 {
		p.on(bucket, sweep, "s3:ListBucketVersions")
	}
	if d.tried() {
		p.on(bucket, verbs(core.ForProve), "s3:ListBucketMultipartUploads")
		p.on(d.bucketARN()+"/"+d.probes()+"*", verbs(core.ForProve), "s3:DeleteObjectVersion")
		p.because("removes what the proof has written")
		if !d.grant.Allows(core.Abort) && (d.grant.Allows(core.Create) || d.grant.Allows(core.Overwrite)) {
			p.on(d.bucketARN()+"/"+d.probes()+"*", verbs(core.ForProve), "s3:AbortMultipartUpload")
			p.because("gives up the uploads that the grantee may begin and not give up")
		}
		for _, stem := range core.Plants(d.grant, d.probes()) {
			p.on(d.bucketARN()+"/"+stem+"*", verbs(core.ForProve), "s3:PutObject")
			p.because("puts the objects that the grantee tries to read, replace and delete")
			p.on(d.bucketARN()+"/"+stem+"*", verbs(core.ForProve), "s3:DeleteObjectVersion")
			p.because("removes them")
		}
	}
	p.on("*", verbs(core.ForProve), "s3:ListAllMyBuckets")
	p.because("finds another bucket, to see that the grantee is refused there")
	return p.list
}

func rolePermissions(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	account := d.account
	if account == "" {
		account = "*"
	}
	user, group, policy := d.iamARN(account, "user"), d.iamARN(account, "group"), d.iamARN(account, "policy")
	look, settle, drop := verbs(core.ForPlan, core.ForApply, core.ForDestroy), verbs(core.ForApply), verbs(core.ForDestroy)

	// IAM knows the path of what exists only: it looks for a name at the root first.
	root := "arn:" + d.partition.name + ":iam::" + account
	p.on(root+":user/"+d.userName(), look, "iam:GetUser")
	p.because("a user that does not exist is asked for without its path")
	p.on(root+":group/"+d.carrier(), look, "iam:GetGroup")
	p.because("a group that does not exist is asked for without its path")
	p.on("*", look, "iam:ListPolicies")
	p.because("finds a policy of that name under any path")

	p.on(user, look, "iam:GetUser", "iam:ListGroupsForUser", "iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "iam:GetLoginProfile")
	p.on(group, look, "iam:GetGroup", "iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies")
	p.on(policy, look, "iam:GetPolicy")
	if d.grant.Target.Shared {
		p.on("arn:"+d.partition.name+":iam::"+account+":policy"+ownPath+"*", look, "iam:GetPolicyVersion")
		p.because("reads the policies of the other grants too, before a bucket that they share is dropped")
	} else {
		p.on(policy, verbs(core.ForPlan, core.ForApply), "iam:GetPolicyVersion")
	}
	p.on(policy, settle, "iam:CreatePolicy", "iam:TagPolicy")
	p.on(group, settle, "iam:CreateGroup", "iam:AttachGroupPolicy", "iam:AddUserToGroup")
	p.on(user, settle, "iam:CreateUser")
	claimNeeds(&p, user, "iam:TagUser", core.ForApply, core.ForDestroy, core.ForRotate)
	p.on(policy, verbs(core.ForRepair), "iam:CreatePolicyVersion", "iam:DeletePolicyVersion")
	if d.boundary != "" {
		p.on(user, verbs(core.ForRepair), "iam:PutUserPermissionsBoundary")
	}
	p.on(group, drop, "iam:RemoveUserFromGroup", "iam:DetachGroupPolicy", "iam:DeleteGroup")
	p.on(user, drop, "iam:DeleteUser")
	p.on(policy, drop, "iam:ListEntitiesForPolicy", "iam:ListPolicyVersions", "iam:DeletePolicy")
	if d.oneOfMany() {
		p.on("*", verbs(core.ForPlan, core.ForApply), "iam:GetAccountSummary")
		p.because("tells how many groups the account may still have")
	}
	return p.list
}

func keyPermissions(d design) []core.Permission {
	p := permit{step: core.CredentialStep}
	account := d.account
	if account == "" {
		account = "*"
	}
	user := d.iamARN(account, "user")
	p.on(user, verbs(core.ForRevoke), "iam:ListAttachedUserPolicies")
	p.on(user, verbs(core.ForPlan, core.ForApply, core.ForDestroy, core.ForRotate, core.ForRevoke), "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed")
	p.on(user, verbs(core.ForApply, core.ForRotate), "iam:CreateAccessKey")
	p.on(user, verbs(core.ForApply, core.ForDestroy, core.ForRotate, core.ForRevoke), "iam:UpdateAccessKey", "iam:DeleteAccessKey")
	p.because("a key that cannot be proven or delivered is retired at once")
	return p.list
}
