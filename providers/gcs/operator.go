// Operator: exactly what the person who runs the tool must be allowed to do.
package gcs

import "github.com/bucketgrant/bucketgrant/core"

// operator lists the permissions for the resources of d; its are the grantee's.
func operator(d design, its []core.Permission) []core.Permission {
	project, bucket := "projects/"+d.project, "projects/_/buckets/"+d.bucket
	list := []core.Permission{
		{Action: "storage.buckets.list", Resource: project, Step: core.BucketStep, Verbs: []string{core.ForPlan, core.ForApply, core.ForProve, core.ForDestroy},
			Why: "tells the project's own buckets from strangers', and names another bucket for the proof"},
		{Action: "storage.buckets.get", Resource: bucket, Step: core.BucketStep, Verbs: []string{core.ForPlan, core.ForApply, core.ForDestroy}},
	}
	if !d.grant.Target.Adopt {
		list = append(list,
			core.Permission{Action: "storage.buckets.create", Resource: project, Step: core.BucketStep, Verbs: []string{core.ForApply}},
			core.Permission{Action: "storage.buckets.update", Resource: bucket, Step: core.BucketStep, Verbs: []string{core.ForRepair},
				Why: "puts settings back that drifted"},
			core.Permission{Action: "storage.buckets.delete", Resource: bucket, Step: core.BucketStep, Verbs: []string{core.ForDestroy},
				Why: "only if the bucket is to go as well"})
	}
	if d.shared {
		list = append(list, core.Permission{Action: "storage.managedFolders.list", Resource: bucket, Step: core.BucketStep, Verbs: []string{core.ForDestroy},
			Why: "only if the bucket is to go as well: tells whether other grants use it"})
	}
	list = append(list,
		core.Permission{Action: "storage.buckets.getIamPolicy", Resource: bucket, Step: core.RoleStep, Verbs: []string{core.ForPlan, core.ForApply, core.ForDestroy}},
		setBucketPolicy(d, bucket),
		core.Permission{Action: "iam.roles.get", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForPlan, core.ForApply, core.ForDestroy}},
		core.Permission{Action: "iam.roles.create", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForApply}},
		core.Permission{Action: "iam.roles.update", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForApply, core.ForDestroy, core.ForRotate},
			Why: "tells other machines, in the role's description, which run is at work; puts permissions back that drifted, or disables the role and enables it again"},
		core.Permission{Action: "iam.roles.undelete", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForRepair},
			Why: "a deleted role keeps its ID for seven days"},
		core.Permission{Action: "iam.roles.delete", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForDestroy}},
	)
	list = append(list, its...)
	if !actsAsOwn(d.grant) {
		list = alsoForRevoke(list)
	}
	if granteeOf(d.grant).identity().Form == "" {
		list = append(list, core.Permission{Action: "resourcemanager.projects.getIamPolicy", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForProve},
			Why: "where the grantee cannot be tried, Policy Troubleshooter answers from the policies that the operator may read"})
	}
	if w := whoText(d.grant); w == string(core.WhoOIDC) || w == string(WhoAWSRole) {
		list = append(list, core.Permission{Action: "storage.managedFolders.getIamPolicy", Resource: bucket, Step: core.RoleStep, Verbs: []string{core.ForProve},
			Why: "a managed folder has a policy of its own, which may give the grantee more than the grant does"})
	}
	if len(core.Plants(d.grant, probesOf(d.grant))) > 0 {
		list = append(list, core.Permission{Action: "storage.objects.create", Resource: bucket, Step: core.CredentialStep, Verbs: []string{core.ForProve},
			Why: "puts the objects that must be out of the grantee's reach, or that it cannot put itself"})
	}
	return looking(d, append(list,
		core.Permission{Action: "storage.objects.list", Resource: bucket, Step: core.CredentialStep, Verbs: []string{core.ForProve, core.ForDestroy},
			Why: "finds the objects that the proof wrote, and tells whether a bucket is empty"},
		core.Permission{Action: "storage.objects.delete", Resource: bucket, Step: core.CredentialStep, Verbs: []string{core.ForProve},
			Why: "removes the objects that the proof wrote"},
	))
}

// setBucketPolicy is for the binding; a grant on a managed folder has none on
// the bucket, unless it had before it began to list.
func setBucketPolicy(d design, bucket string) core.Permission {
	p := core.Permission{Action: "storage.buckets.setIamPolicy", Resource: bucket, Step: core.RoleStep, Verbs: []string{core.ForApply, core.ForDestroy}}
	if d.folder != "" {
		p.Verbs, p.Why = []string{core.ForRepair}, "takes the binding from the bucket that an earlier shape of the grant had"
	}
	return p
}
