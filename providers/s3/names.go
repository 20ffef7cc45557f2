// Names: one design of a grant, from which every name, ARN, tag and address follows.
package s3

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// design is a grant with its settings read. Everything that a name depends on is here.
type design struct {
	grant     core.Grant // with the bucket's full name
	region    string
	partition partition
	account   string // "" if it was not given
	regional  bool   // the bucket is in the account-regional namespace
	kmsKey    string
	boundary  string
	named     string // the folder that a recipe makes without limiting the grant to it, "" if there is none
	marker    bool   // the folder gets a marker
	inside    bool   // this runs where the grantee runs
	common    string // the group that serves many sites, "" if the grant has a group of its own
	native    native // what the profile says in AWS's own words
	layout    layout // how the permissions hang on the grantee; never nil
}

// mostName is the longest name of a user; groups and policies may be longer,
// but all three have the same name.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const mostName = 64

// ownPath is the IAM path under which all that is ours stands.
const ownPath = "/bucketgrant/"

// The tags of all that is ours. Groups cannot be tagged; their path marks them.
const (
	tagManaged = "managed-by"
	tagGrant   = "bucketgrant-grant"
	tagProfile = "bucketgrant-profile"
	tagShared  = "bucketgrant-shared"  // "true" in the place of the grant's name, for what serves several grants
	tagPurpose = "bucketgrant-purpose" // of a user: what its key is for
	tagBucket  = "bucketgrant-bucket"  // of a user: the bucket that it may use, which its own policies need not tell
	tagPrefix  = "bucketgrant-prefix"  // of a user: the folder, if a tag can hold its name
	tagSays    = "bucketgrant-says"    // of a shared policy: a hash of what it says
	tagRun     = "bucketgrant-run"     // of a bucket in us-east-1: which session has made it
	tagClaim   = "bucketgrant-claim"   // of a user or a role: which run is at work, or was last
	managedBy  = "bucketgrant"
	yes        = "true"
)

func (d design) bucket() string { return d.grant.Target.Bucket }

// stem is the name of the user, the group and the policy.
func (d design) stem() string { return core.Stem(d.grant.Name, mostName) }

func (d design) path() string { return ownPath + d.grant.Name + "/" }

// userName is the stem, or the folder's name where one policy serves many sites:
// there the user's name says which folder is its own.
func (d design) userName() string {
	if d.common != "" {
		return d.siteFolder()
	}
	return d.stem()
}

// carrier is the name of the group and of its policy.
func (d design) carrier() string {
	if d.common != "" {
		return d.common
	}
	return d.stem()
}

// carrierPath is the path of the group and of its policy.
func (d design) carrierPath() string {
	if d.common != "" {
		return ownPath + "shared/" + d.bucket() + "/"
	}
	return d.path()
}

// mark is the tags that our things carry from birth.
func (d design) mark() map[string]string {
	return map[string]string{tagManaged: managedBy, tagGrant: d.grant.Name, tagProfile: d.grant.Profile}
}

// marked reports whether tags say that something belongs to this grant. The
// profile is for people and does not decide.
func (d design) marked(tags map[string]string) bool {
	return tags[tagManaged] == managedBy && tags[tagGrant] == d.grant.Name
}

// sharedMark is what things carry that serve several grants.
func sharedMark() map[string]string {
	return map[string]string{tagManaged: managedBy, tagShared: yes}
}

// forMany reports whether tags say that something is ours and serves several grants.
func forMany(tags map[string]string) bool {
	return tags[tagManaged] == managedBy && tags[tagShared] == yes
}

// bucketMark is the tags of the bucket.
func (d design) bucketMark() map[string]string {
	if d.grant.Target.Shared {
		return sharedMark()
	}
	return d.mark()
}

// serves reports whether a bucket with these tags is there for this grant.
func (d design) serves(tags map[string]string) bool {
	if d.grant.Target.Shared {
		return forMany(tags)
	}
	return d.marked(tags)
}

// otherGrant is the grant whose mark tags carry, "" if they carry none or this one's.
func (d design) otherGrant(tags map[string]string) string {
	if tags[tagManaged] != managedBy || tags[tagGrant] == d.grant.Name {
		return ""
	}
	return tags[tagGrant]
}

func (d design) bucketARN() string { return "arn:" + d.partition.name + ":s3:::" + d.bucket() }

// reach is the prefix as the policy says it: for many sites at once, it is the
// folder of whoever asks.
func (d design) reach() string {
	if d.common != "" {
		return strings.TrimSuffix(d.grant.Target.Prefix, d.siteFolder()+"/") + "${aws:username}/"
	}
	return d.grant.Target.Prefix
}

// siteFolder is the last part of the prefix.
func (d design) siteFolder() string {
	parts := strings.Split(strings.TrimSuffix(d.grant.Target.Prefix, "/"), "/")
	return parts[len(parts)-1]
}

// objectsARN is every object inside the prefix.
func (d design) objectsARN() string { return d.bucketARN() + "/" + d.reach() + "*" }

// probes is what the keys of the proof begin with.
func (d design) probes() string { return d.grant.Target.Prefix + ".bucketgrant-probe/" }

// iamARN is the ARN of something of ours in an account; the account may be "*" in a policy.
func (d design) iamARN(account, kind string) string {
	path, name := d.carrierPath(), d.carrier()
	if kind == "user" {
		path, name = d.path(), d.userName()
	}
	return "arn:" + d.partition.name + ":iam::" + account + ":" + kind + path + name
}

// The parts of a bucket that are settled one by one.
const (
	publicAccess = "public-access-block"
	ownership    = "ownership"
	encryption   = "encryption"
	versioning   = "versioning"
	lifecycle    = "lifecycle"
	policyPart   = "policy"
)

func (d design) bucketAddr() string          { return "s3:bucket/" + d.bucket() }
func (d design) partAddr(part string) string { return d.bucketAddr() + "/" + part }
func (d design) userAddr() string            { return "iam:user/" + d.userName() }
func (d design) groupAddr() string           { return "iam:group/" + d.carrier() }
func (d design) policyAddr() string          { return "iam:policy/" + d.carrier() }
func (d design) attachAddr() string          { return d.groupAddr() + "/policy" }
func (d design) memberAddr() string          { return d.userAddr() + "/group" }

// keyAddr is the address of an access key; "" is the one to be issued.
func (d design) keyAddr(id string) string {
	return strings.TrimSuffix("iam:key/"+d.userName()+"/"+id, "/")
}

// sortedTags goes through tags in the order of their keys.
func sortedTags(tags map[string]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			if !yield(k, tags[k]) {
				return
			}
		}
	}
}
