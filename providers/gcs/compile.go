// Compile: a grant in Google Cloud's own words, without a call.
package gcs

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// Compile turns g into a role, a binding on the bucket and the bucket's
// settings. It names everything that Google Cloud cannot accept.
func (p *Provider) Compile(g core.Grant) (core.Blueprint, error) {
	s, faults := readSettings(g)
	faults = append(faults, targetFaults(g)...)
	d := designOf(g, s)
	its := granteeOf(g).parts(d)
	where := "the bucket"
	if d.folder != "" {
		where = "the managed folder"
	}
	faults = append(faults, its.faults...)
	b := core.Blueprint{
		Cloud: p.Info().Name,
		Grant: g,
		Resources: []core.Resource{
			{Step: core.BucketStep, Addr: d.bucketAddr(), What: "bucket with " + bucketText(s) + ": nothing in it can be replaced"},
			{Step: core.RoleStep, Addr: d.roleAddr(), What: roleText(g)},
			{Step: core.RoleStep, Addr: d.bindingAddr(), What: "binding of the role on " + placeText(g)},
		},
		Documents: append([]core.Document{
			{Name: "role", Of: d.roleAddr(), Why: "exactly what the grant needs; held only where it is bound", Body: body(roleFor(g))},
			{Name: "binding", Of: d.bindingAddr(), Why: "on " + where + ", never on the project, where it would reach every bucket", Body: body(bindingFor(d, its.members))},
		}, its.documents...),
		Gaps:     gaps(g.Can, g.Who),
		Checks:   its.checks,
		Notes:    its.notes,
		Operator: operator(d, append(folderOperator(d), its.operator...)),
		Probes:   probesOf(g),
	}
	if d.folder != "" {
		its.resources = append(its.resources, core.Resource{Step: core.RoleStep, Addr: d.folderAddr(), What: "managed folder, a prefix with a policy of its own"})
	}
	for _, r := range its.resources {
		at := len(b.Resources)
		if r.Step == core.RoleStep {
			at = slices.IndexFunc(b.Resources, func(r core.Resource) bool { return r.Addr == d.bindingAddr() })
		}
		b.Resources = slices.Insert(b.Resources, at, r)
	}
	if g.Allows(core.Overwrite) || slices.Contains(permissions(g.Can, g.Who), "storage.objects.delete") {
		b.Resources[0].What = "bucket with " + bucketText(s)
	}
	if g.Target.Adopt {
		b.Resources[0].What = "bucket of somebody else: nothing of it is changed but " + additionText(d)
	} else {
		why := "no access control lists, nothing public; what is deleted can be restored for a while"
		if s.kmsKey != "" {
			why += "; the project's Cloud Storage service agent must be allowed to use the key"
		}
		b.Documents = append(b.Documents, core.Document{Name: "bucket", Of: d.bucketAddr(), Why: why, Body: body(bucketFor(g, s))})
	}
	return b, faults.Err()
}

// probesOf is what the keys of the proof's objects begin with.
func probesOf(g core.Grant) string { return g.Target.Prefix + ".bucketgrant-probe/" }

// What the resources are, for people.

func bucketText(s settings) string {
	return "uniform access, public access prevented, " + softDeleteText(s.softDelete) + ", no versioning"
}

func roleText(g core.Grant) string {
	return "custom role with " + strings.Join(permissions(g.Can, g.Who), ", ")
}

// additionText is what somebody else's bucket gets.
func additionText(d design) string {
	if d.folder != "" {
		return "the managed folder and the one binding on it"
	}
	return "the one binding"
}

func softDeleteText(days int) string {
	if days == 0 {
		return "no soft delete"
	}
	return "soft delete for " + strconv.Itoa(days) + " days"
}

var (
	// Safe on every cloud: no "_" and no ".", which need the ownership of a domain.
	// https://cloud.google.com/storage/docs/buckets#naming
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	// A region is "europe-west1"; multi-regions and pairs are "EU", "NAM4".
	// https://cloud.google.com/storage/docs/locations
	locationName = regexp.MustCompile(`^([a-z]{2,4}[0-9]{0,2}|[a-z]+-[a-z]+[0-9]{1,2})$`)
)

// location is a location as Cloud Storage spells it.
func location(region string) string { return strings.ToUpper(region) }

// targetFaults names what is wrong with the bucket, its location and what is granted.
func targetFaults(g core.Grant) core.Faults {
	var f core.Faults
	if rule := bucketRule(g.Target.Bucket); rule != "" {
		f = append(f, core.Fault{Field: "bucket", Value: g.Target.Bucket, Rule: rule,
			Accepts: `3 to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit, without "google", e.g. "acme-events"`})
	}
	const where = `a location, e.g. "EU", "US", "europe-west1"`
	switch region := g.Target.Region; {
	case region == "":
		f = append(f, core.Fault{Field: "location", Rule: "is missing; Cloud Storage would choose the United States", Accepts: where})
	case !locationName.MatchString(strings.ToLower(region)):
		f = append(f, core.Fault{Field: "location", Value: region, Rule: "is not the name of a location", Accepts: where})
	}
	if g.Target.Prefix != "" && g.Allows(core.Uploads) {
		f = append(f, core.Fault{Field: "can", Value: string(core.Uploads), Rule: "cannot be granted together with a prefix: Cloud Storage lists the unfinished uploads of a whole bucket or none",
			Accepts: "no uploads: a client that began an upload knows its ID, and the bucket gives up what nobody finishes; or a bucket of its own, without a prefix"})
	}
	if len(g.Limits.From) > 0 {
		// https://cloud.google.com/iam/docs/conditions-attribute-reference: an address
		// is known to IAP and to access levels, not to a bucket's bindings.
		f = append(f, core.Fault{Field: "from", Value: joinNetworks(g.Limits.From), Rule: "cannot be said on Cloud Storage: no condition of a binding knows where a request comes from",
			Accepts: "no from; networks are limited for a whole project by a perimeter of VPC Service Controls with an access level, or for a bucket by its IP filter"})
	}
	return append(f, folderFaults(g)...)
}

func joinNetworks(list []netip.Prefix) string {
	var words []string
	for _, p := range list {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}

// bucketRule returns the rule that name breaks, or "".
func bucketRule(name string) string {
	switch {
	case name == "":
		return "is missing"
	case !bucketName.MatchString(name):
		return "is not a bucket name that is safe on every cloud"
	case strings.HasPrefix(name, "goog"):
		return `begins with "goog", which Cloud Storage reserves`
	case strings.Contains(name, "google"), strings.Contains(name, "g00gle"):
		return `contains "google" or a look-alike, which Cloud Storage reserves`
	}
	return ""
}

// condition is the expression that limits the binding to the prefix, as far as
// the place that it is in does not; "" if nothing is left to say.
// https://cloud.google.com/storage/docs/access-control/iam#conditions
func condition(g core.Grant) string {
	place := ""
	if g.Target.Prefix != "" && !inFolder(g) {
		bucket := "projects/_/buckets/" + g.Target.Bucket
		place = "resource.name.startsWith(" + strconv.Quote(bucket+"/objects/"+g.Target.Prefix) + ")"
		if g.Allows(core.Locate) {
			place += ` || resource.name == ` + strconv.Quote(bucket)
		}
	}
	if g.Limits.Expires.IsZero() {
		return place
	}
	// https://cloud.google.com/iam/docs/conditions-attribute-reference#date-time
	end := "request.time < timestamp(" + strconv.Quote(g.Limits.Expires.Format(time.RFC3339)) + ")"
	if place == "" {
		return end
	}
	return "(" + place + ") && " + end
}
