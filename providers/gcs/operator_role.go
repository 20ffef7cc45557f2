// Operator's roles: the smallest custom roles that hold what the person who runs this needs.
package gcs

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// operatorRole is a custom role as gcloud takes it from a file.
// https://cloud.google.com/sdk/gcloud/reference/iam/roles/create
type operatorRole struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Stage       string   `json:"stage"`
	Permissions []string `json:"includedPermissions"`
}

// apart lists permissions that no custom role of a project can hold.
type apart struct {
	Permissions []string `json:"permissions"`
}

// OperatorPolicy writes needs down as one role for the project and one for the
// bucket. What no custom role of a project can hold is named apart.
func (p *Provider) OperatorPolicy(b core.Blueprint, needs []core.Permission) []core.Document {
	s, _ := readSettings(b.Grant)
	d := designOf(b.Grant, s)
	var project, bucket, above []string
	for _, n := range needs {
		action := spelledForRole(n.Action)
		switch {
		case !inProjectRole(action):
			above = append(above, action)
		case strings.HasPrefix(n.Resource, "projects/_/buckets/"):
			bucket = append(bucket, action)
		default:
			project = append(project, action)
		}
	}
	project, bucket, above = ordered(project), ordered(bucket), ordered(above)
	bucket = slices.DeleteFunc(bucket, func(a string) bool { return slices.Contains(project, a) }) // the project's reaches the bucket
	var docs []core.Document
	if len(project) > 0 {
		id := operatorRoleID(d, "")
		docs = append(docs, core.Document{Name: "operator-project", Of: "projects/" + d.project, Body: body(roleOfOperator(d, "on the project", project)),
			Why: "on the project: " + createRole(d, id, "operator-project") + ", then " + bindOnProject(d, id)})
	}
	if len(bucket) > 0 {
		id := operatorRoleID(d, "Bucket")
		docs = append(docs, core.Document{Name: "operator-bucket", Of: "projects/_/buckets/" + d.bucket, Body: body(roleOfOperator(d, "on the bucket", bucket)),
			Why: whereOnBucket(d, id)})
	}
	if len(above) > 0 {
		docs = append(docs, core.Document{Name: "operator-apart", Of: "projects/" + d.project, Body: body(apart{above}),
			Why: "no custom role of a project can hold these: a predefined role gives them, or a custom role of the organisation; see https://cloud.google.com/iam/docs/custom-roles-permissions-support"})
	}
	return docs
}

// whereOnBucket says how little the role for the bucket can be bound to.
func whereOnBucket(d design, id string) string {
	onBucket := "gcloud storage buckets add-iam-policy-binding gs://" + d.bucket + " --member user:YOU --role projects/" + d.project + "/roles/" + id
	create := createRole(d, id, "operator-bucket")
	if d.grant.Target.Adopt {
		return "on the bucket, not on the project: " + create + ", then " + onBucket
	}
	return "on the bucket, not on the project, once it is there: " + create + ", then " + onBucket +
		"; until then on the project, where this condition keeps it to the one bucket, though no preflight can see that: " +
		"resource.name == " + strconv.Quote("projects/_/buckets/"+d.bucket) + " || resource.name.startsWith(" + strconv.Quote("projects/_/buckets/"+d.bucket+"/") + ")"
}

func createRole(d design, id, file string) string {
	return "gcloud iam roles create " + id + " --project " + d.project + " --file " + file + ".json"
}

func bindOnProject(d design, id string) string {
	return "gcloud projects add-iam-policy-binding " + d.project + " --member user:YOU --role projects/" + d.project + "/roles/" + id + " --condition None"
}

func roleOfOperator(d design, where string, permissions []string) operatorRole {
	const longestTitle, longestText = 100, 256
	return operatorRole{
		Title:       core.Stem("bucketgrant operator of "+d.names.grant, longestTitle),
		Description: core.Stem("What the operator of the grant "+d.names.grant+" needs "+where+", and nothing else", longestText),
		Stage:       stageGA,
		Permissions: permissions,
	}
}

// operatorRoleID differs from the IDs of grantees' roles in what it begins with,
// so that it is never taken for one.
func operatorRoleID(d design, place string) string {
	const most = 64
	prefix := ourTool + "Operator" + place + "_"
	return prefix + strings.ReplaceAll(core.Stem(d.names.grant, most-len(prefix)), "-", "_")
}

// spelledForRole is a permission as roles have it: those of workload identity
// pools bear the full name of their service, which messages leave out.
// https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#required-roles
func spelledForRole(action string) string {
	if rest, is := strings.CutPrefix(action, "iam.workloadIdentityPool"); is {
		return "iam." + universe + "/workloadIdentityPool" + rest
	}
	return action
}

// inProjectRole reports whether a custom role of a project can hold a permission:
// none that is about what is above projects.
// https://cloud.google.com/iam/docs/custom-roles-permissions-support
func inProjectRole(action string) bool {
	return action != "resourcemanager.projects.list" && !strings.HasPrefix(action, "resourcemanager.folders.") && !strings.HasPrefix(action, "resourcemanager.organizations.")
}

func ordered(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
