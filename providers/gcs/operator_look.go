// Operator's looks: what an inspection, a list of every grant and a preflight read beyond a plan.
package gcs

import (
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// looking adds to list what the looks take for the grant of d. A permission is
// named once: where it is there already, its verbs grow.
func looking(d design, list []core.Permission) []core.Permission {
	project, bucket := "projects/"+d.project, "projects/_/buckets/"+d.bucket
	add := func(action, resource string, step core.StepName, why string, verbs ...string) {
		i := slices.IndexFunc(list, func(p core.Permission) bool { return p.Action == action && p.Resource == resource })
		if i < 0 {
			list = append(list, core.Permission{Action: action, Resource: resource, Step: step, Verbs: verbs, Why: why})
			return
		}
		list[i].Verbs = slices.Clone(list[i].Verbs)
		for _, v := range verbs {
			if !slices.Contains(list[i].Verbs, v) {
				list[i].Verbs = append(list[i].Verbs, v)
			}
		}
	}
	const bucketStep, roleStep, credentialStep = core.BucketStep, core.RoleStep, core.CredentialStep
	add("storage.buckets.list", project, bucketStep, "finds the buckets of every grant", core.ForList, core.ForPreflight)
	add("storage.buckets.getIamPolicy", project, roleStep, "finds whom roles of ours are bound to", core.ForList)
	add("storage.managedFolders.list", project, roleStep, "finds bindings on managed folders", core.ForList)
	add("storage.managedFolders.getIamPolicy", project, roleStep, "reads those bindings", core.ForList)
	add("storage.managedFolders.list", bucket, roleStep, "finds further bindings of the grantee", core.ForStatus)
	add("storage.managedFolders.getIamPolicy", bucket, roleStep, "reads further bindings of the grantee", core.ForStatus)
	add("iam.roles.list", project, roleStep, "finds roles by their marks, and counts them before another is made", core.ForList, core.ForPreflight)
	add("iam.serviceAccounts.list", project, roleStep, "finds service accounts by their marks, and counts them before another is made", core.ForList, core.ForPreflight)
	add("resourcemanager.projects.getIamPolicy", project, roleStep, "finds roles of the grantee that reach every bucket of the project", core.ForStatus)
	add("serviceusage.services.get", project, roleStep, "tells whether the APIs are enabled", core.ForPreflight)
	add("orgpolicy.policy.get", project, roleStep, "tells whether an organisation policy forbids what the grant needs", core.ForPreflight)
	add("iam.serviceAccountKeys.list", project, credentialStep, "tells how old keys are, and whether Google has disabled one", core.ForList)
	add("storage.hmacKeys.list", project, credentialStep, "tells how old HMAC keys are", core.ForList)
	add("iam.workloadIdentityPools.list", project, roleStep, "finds pools by their marks", core.ForList)
	add("iam.workloadIdentityPoolProviders.list", project, roleStep, "tells whom they let in", core.ForList)
	if accountOf(d) {
		add("iam.serviceAccounts.getIamPolicy", project, roleStep, "tells who else may act as the service account", core.ForStatus)
	}
	return list
}

// accountOf reports whether a service account of ours stands for the grantee of d.
func accountOf(d design) bool {
	members := granteeOf(d.grant).parts(d).members
	return len(members) > 0 && members[0] == d.member()
}
