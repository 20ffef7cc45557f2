// Names: one grant gives the same names for ever, and marks that say whose they are.
package gcs

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

const (
	managedBy    = "managed-by"
	grantLabel   = "bucketgrant-grant"
	profileLabel = "bucketgrant-profile"
	sharedLabel  = "bucketgrant-shared"
	ourTool      = "bucketgrant"
)

// names are how one grant's resources are called.
type names struct {
	project     string
	bucket      string
	prefix      string
	folder      string // managed folder that the role is bound on; "": the bucket
	grant       string
	shared      bool // the bucket is marked as shared, not as one grant's
	roleID      string
	roleName    string // full resource name
	accountID   string
	email       string
	accountName string // full resource name
}

// namesOf names g's resources in a project.
func namesOf(g core.Grant, project string) names {
	n := names{project: project, bucket: g.Target.Bucket, prefix: g.Target.Prefix, grant: g.Name, shared: g.Target.Shared}
	if inFolder(g) {
		n.folder = g.Target.Prefix
	}
	n.roleID = roleID(g.Name)
	n.roleName = "projects/" + project + "/roles/" + n.roleID
	n.accountID = accountID(g.Name)
	n.email = n.accountID + "@" + accountDomain(project)
	n.accountName = "projects/" + project + "/serviceAccounts/" + n.email
	return n
}

// roleID is 3 to 64 letters, digits, "_" and ".", and no hyphen. A grant's name
// holds no "_", so two names never become one.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.roles/create
func roleID(name string) string {
	const prefix, most = ourTool + "_", 64
	return prefix + strings.ReplaceAll(core.Stem(name, most-len(prefix)), "-", "_")
}

// accountID is 6 to 30 lower-case letters, digits and hyphens, and begins with a letter.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/create
func accountID(name string) string {
	const least, most = 6, 30
	if len(name) < least {
		sum := sha256.Sum256([]byte(name))
		return name + "-" + hex.EncodeToString(sum[:])[:8]
	}
	return core.Stem(name, most)
}

// accountDomain is what follows the @ in a service account's address. A project
// of a domain, "example.com:events", turns around in it.
// https://cloud.google.com/iam/docs/service-account-overview
func accountDomain(project string) string {
	if domain, id, ok := strings.Cut(project, ":"); ok {
		project = id + "." + domain
	}
	return project + ".iam.gserviceaccount.com"
}

func (n names) bucketAddr() string { return "gcs:bucket/" + n.bucket }
func (n names) folderAddr() string { return n.bucketAddr() + "/folder/" + n.folder }
func (n names) bindingAddr() string {
	if n.folder != "" {
		return n.folderAddr() + "binding/" + n.roleID
	}
	return n.bucketAddr() + "/binding/" + n.roleID
}
func (n names) roleAddr() string    { return "iam:role/" + n.roleID }
func (n names) accountAddr() string { return "iam:serviceAccount/" + n.email }
func (n names) member() string      { return "serviceAccount:" + n.email }

// keyAddr is the address of a key; "" is the one to be issued.
func (n names) keyAddr(id string) string {
	addr := "iam:key/" + n.email
	if id != "" {
		addr += "/" + id
	}
	return addr
}

// labels mark a bucket as ours. Label values hold at most 63 characters.
// https://cloud.google.com/storage/docs/tags-and-labels#bucket-labels
func labels(g core.Grant) map[string]string {
	const most = 63
	if g.Target.Shared {
		return map[string]string{managedBy: ourTool, sharedLabel: "true"}
	}
	return map[string]string{managedBy: ourTool, grantLabel: core.Stem(g.Name, most), profileLabel: core.Stem(labelValue(g.Profile), most)}
}

// labelValue replaces what a label cannot hold.
func labelValue(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
}

// ourLabels reports whether a bucket with these labels was made for the grant,
// or to be shared by grants like it.
func (n names) ourLabels(have map[string]string) bool {
	if n.shared {
		return have[managedBy] == ourTool && have[sharedLabel] == "true"
	}
	want := labels(core.Grant{Name: n.grant})
	return have[managedBy] == ourTool && have[grantLabel] == want[grantLabel] && have[sharedLabel] == ""
}

// madeFor says for which grant of this tool a bucket with these labels was
// made, in words; "" if for none.
func madeFor(have map[string]string) string {
	switch {
	case have[managedBy] == ourTool && have[sharedLabel] == "true":
		return "is shared by grants of its own kind"
	case have[managedBy] != ourTool || have[grantLabel] == "":
		return ""
	}
	return "was made for the grant " + strconv.Quote(have[grantLabel])
}

// mostDescribed is how many bytes a description holds.
const mostDescribed = 256

// description is the mark of things that have no labels:
// what they are for follows the mark that [names.ours] looks for.
func description(g core.Grant) string {
	return mark(g.Name) + "profile=" + core.Stem(labelValue(g.Profile), 70)
}

// roleDescription marks a role, and says for which identity it is and on which
// managed folder it is bound.
func roleDescription(g core.Grant) string {
	whose := description(g) + whoMark + whoText(g)
	if !inFolder(g) {
		return whose
	}
	return whose + folderMark + folderHash(g.Target.Prefix)
}

// folderHash is what a description has room for of a managed folder's name.
func folderHash(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])[:8]
}

const folderMark = "; folder="

// folderIn is what a role's description says of its folder; "" for none.
func folderIn(description string) string {
	_, rest, _ := strings.Cut(description, folderMark)
	folder, _, _ := strings.Cut(rest, ";")
	return folder
}

func mark(grant string) string { return managedBy + "=" + ourTool + "; grant=" + grant + "; " }

// markedFor is the grant and the profile that a description names; "" if it is no mark of ours.
func markedFor(description string) (grant, profile string) {
	rest, is := strings.CutPrefix(description, managedBy+"="+ourTool+"; grant=")
	grant, rest, whole := strings.Cut(rest, "; ")
	if !is || !whole {
		return "", ""
	}
	profile, _, _ = strings.Cut(strings.TrimPrefix(rest, "profile="), ";")
	return printable(grant), printable(profile)
}

// ours reports whether a thing with that description was made for the grant.
func (n names) ours(description string) bool {
	return strings.HasPrefix(description, mark(n.grant))
}
