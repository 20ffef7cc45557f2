// Compile: from a grant to this cloud's own words. It makes no call and reads nothing but the grant.
package s3

import (
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// The rules of the bucket's life that keep it from growing without end.
const (
	abortDays  = 7  // an unfinished upload in parts is given up
	expireDays = 30 // an object that was replaced or deleted is gone for ever
)

// Compile turns g into names, policies and the operator's permissions.
func (p *Provider) Compile(g core.Grant) (core.Blueprint, error) {
	d, faults := draw(g)
	d.inside = p.config.Inside
	b := core.Blueprint{
		Cloud:     cloudName,
		Grant:     d.grant,
		Resources: resources(d),
		Gaps:      p.gaps(d),
		Operator:  operator(d),
		Probes:    d.probes(),
		Notes:     p.notes(d),
		Checks:    p.checks(d),
	}
	b.Documents = append(b.Documents, d.layout.documents(p, d)...)
	if !g.Target.Adopt {
		b.Documents = append(b.Documents,
			document("bucket-policy", d.partAddr(policyPart), "refuses requests without TLS, whoever sends them", bucketPolicy(d)),
			document("lifecycle", d.partAddr(lifecycle), "removes the parts of broken uploads and, later, replaced objects", lifecycleDocument()))
	}
	return b, faults.Err()
}

// resources lists what the grant consists of. An adopted bucket is not part of it.
func resources(d design) []core.Resource {
	var list []core.Resource
	bucket := func(addr, what string) {
		if !d.grant.Target.Adopt {
			list = append(list, core.Resource{Step: core.BucketStep, Addr: addr, What: what})
		}
	}
	bucket(d.bucketAddr(), "bucket in "+d.region)
	for _, part := range parts() {
		bucket(d.partAddr(part), partWhat(d, part))
	}
	own := d.layout.resources(d)
	if d.marker {
		i := slices.IndexFunc(own, func(r core.Resource) bool { return r.Step == core.CredentialStep })
		if i < 0 {
			i = len(own)
		}
		own = slices.Insert(own, i, markerResource(d))
	}
	return append(list, own...)
}

// parts are the parts of a bucket in the order in which they are settled.
func parts() []string {
	return []string{publicAccess, ownership, encryption, versioning, lifecycle, policyPart}
}

// partWhat says what a part is settled to.
func partWhat(d design, part string) string {
	switch part {
	case publicAccess:
		return "all public access is blocked"
	case ownership:
		return "every object belongs to the bucket's owner, access lists are off"
	case encryption:
		if d.kmsKey != "" {
			return "objects are encrypted with " + d.kmsKey
		}
		return "objects are encrypted with keys that S3 manages"
	case versioning:
		return "replaced objects are kept as versions"
	case lifecycle:
		return "unfinished uploads go after 7 days, replaced versions after 30"
	case policyPart:
		return "requests without TLS are refused"
	}
	return ""
}

// lifecycleRule is one rule that we write, in the form of S3's own JSON.
type lifecycleRule struct {
	ID                             string
	Status                         string
	Filter                         lifecycleFilter
	AbortIncompleteMultipartUpload *abortRule  `json:",omitempty"`
	NoncurrentVersionExpiration    *expireRule `json:",omitempty"`
}

type (
	lifecycleFilter struct{ Prefix string }
	abortRule       struct{ DaysAfterInitiation int32 }
	expireRule      struct{ NoncurrentDays int32 }
)

// lifecycleRules are our rules, for the whole bucket.
func lifecycleRules() []lifecycleRule {
	return []lifecycleRule{
		{ID: "bucketgrant-abort-uploads", Status: "Enabled", AbortIncompleteMultipartUpload: &abortRule{abortDays}},
		{ID: "bucketgrant-expire-replaced", Status: "Enabled", NoncurrentVersionExpiration: &expireRule{expireDays}},
	}
}

func lifecycleDocument() any {
	return struct{ Rules []lifecycleRule }{lifecycleRules()}
}
