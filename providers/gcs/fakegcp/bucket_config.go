// Buckets as the JSON API shows them: configuration, names, locations.
package fakegcp

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// bucketConfig is what a caller may set on a bucket. What has no consequence
// here is kept and returned as it was sent.
type bucketConfig struct {
	Location         string            `json:"location,omitempty"`
	StorageClass     string            `json:"storageClass,omitempty"`
	Labels           map[string]string `json:"labels,omitempty"`
	IAM              *iamConfig        `json:"iamConfiguration,omitempty"`
	Versioning       *enabled          `json:"versioning,omitempty"`
	SoftDelete       *softDelete       `json:"softDeletePolicy,omitempty"`
	Lifecycle        *lifecycle        `json:"lifecycle,omitempty"`
	Retention        *retention        `json:"retentionPolicy,omitempty"`
	Encryption       *encryption       `json:"encryption,omitempty"`
	EventHold        bool              `json:"defaultEventBasedHold,omitempty"`
	RPO              string            `json:"rpo,omitempty"`
	Autoclass        json.RawMessage   `json:"autoclass,omitempty"`
	Billing          json.RawMessage   `json:"billing,omitempty"`
	CORS             json.RawMessage   `json:"cors,omitempty"`
	Placement        json.RawMessage   `json:"customPlacementConfig,omitempty"`
	Hierarchical     json.RawMessage   `json:"hierarchicalNamespace,omitempty"`
	IPFilter         json.RawMessage   `json:"ipFilter,omitempty"`
	Logging          json.RawMessage   `json:"logging,omitempty"`
	ObjectRetention  json.RawMessage   `json:"objectRetention,omitempty"`
	Website          json.RawMessage   `json:"website,omitempty"`
	ACL              json.RawMessage   `json:"acl,omitempty"`
	DefaultObjectACL json.RawMessage   `json:"defaultObjectAcl,omitempty"`
}

type enabled struct {
	Enabled    bool       `json:"enabled"`
	LockedTime *time.Time `json:"lockedTime,omitempty"`
}

type iamConfig struct {
	Uniform    *enabled `json:"uniformBucketLevelAccess,omitempty"`
	PolicyOnly *enabled `json:"bucketPolicyOnly,omitempty"` // the older name of Uniform
	Prevention string   `json:"publicAccessPrevention,omitempty"`
}

type softDelete struct {
	Seconds   int64      `json:"retentionDurationSeconds,string"`
	Effective *time.Time `json:"effectiveTime,omitempty"`
}

type lifecycle struct {
	Rule []json.RawMessage `json:"rule,omitempty"`
}

type retention struct {
	Period    int64      `json:"retentionPeriod,string"`
	Effective *time.Time `json:"effectiveTime,omitempty"`
	Locked    bool       `json:"isLocked,omitempty"`
}

type encryption struct {
	DefaultKMSKey string          `json:"defaultKmsKeyName,omitempty"`
	Google        json.RawMessage `json:"googleManagedEncryptionEnforcementConfig,omitempty"`
	Managed       json.RawMessage `json:"customerManagedEncryptionEnforcementConfig,omitempty"`
	Supplied      json.RawMessage `json:"customerSuppliedEncryptionEnforcementConfig,omitempty"`
}

// bucketResource is a bucket in an answer.
type bucketResource struct {
	Kind           string    `json:"kind"`
	ID             string    `json:"id"`
	SelfLink       string    `json:"selfLink"`
	Name           string    `json:"name"`
	ProjectNumber  string    `json:"projectNumber"`
	Generation     int64     `json:"generation,string"`
	Metageneration int64     `json:"metageneration,string"`
	LocationType   string    `json:"locationType"`
	TimeCreated    time.Time `json:"timeCreated"`
	Updated        time.Time `json:"updated"`
	Etag           string    `json:"etag"`
	Owner          *owner    `json:"owner,omitempty"`
	bucketConfig
}

type owner struct {
	Entity string `json:"entity"`
}

// etag is a number as Google's etags carry it: a protocol buffer with one field.
func etag(n int64) string {
	return base64.StdEncoding.EncodeToString(binary.AppendUvarint([]byte{8}, uint64(n))) //nolint:gosec // counts are not negative
}

func (c *Cloud) bucketResource(b *bucket) bucketResource {
	r := bucketResource{
		Kind: "storage#bucket", ID: b.Name, Name: b.Name, SelfLink: "https://www.googleapis.com/storage/v1/b/" + b.Name,
		ProjectNumber: c.state.Projects[b.Project].Number, Generation: b.Created.UnixMicro(), Metageneration: b.Metageneration,
		LocationType: locationType(b.Config.Location), TimeCreated: b.Created, Updated: b.Updated, Etag: etag(b.Metageneration),
		bucketConfig: b.Config,
	}
	r.ACL, r.DefaultObjectACL = nil, nil
	return r
}

// uniform says whether object ACLs are off.
func (b *bucket) uniform() bool { return b.Config.IAM.Uniform.Enabled }

// prevented says whether public access prevention is enforced on the bucket.
func (b *bucket) prevented() bool { return b.Config.IAM.Prevention == "enforced" }

func (b *bucket) versioned() bool { return b.Config.Versioning != nil && b.Config.Versioning.Enabled }

// complete fills in the defaults of a bucket and normalises what was sent.
// https://cloud.google.com/storage/docs/json_api/v1/buckets/insert
func (b *bucketConfig) complete(was *bucketConfig) *fault {
	b.Location = strings.ToUpper(or(b.Location, "US"))
	b.StorageClass = strings.ToUpper(or(b.StorageClass, "STANDARD"))
	if !locationRE.MatchString(b.Location) {
		return failed(400, "The specified location constraint is not valid.")
	}
	if !storageClasses[b.StorageClass] {
		return failed(400, "Invalid argument.")
	}
	if was != nil && was.Location != b.Location {
		return failed(400, "A bucket's location cannot be changed.")
	}
	if b.RPO == "" && locationType(b.Location) != "region" {
		b.RPO = "DEFAULT"
	}
	if f := b.completeIAM(was); f != nil {
		return f
	}
	if f := checkLabels(b.Labels); f != nil {
		return f
	}
	return b.completeRetention(was)
}

// uniformLock is how long uniform bucket-level access can be switched off again.
// https://cloud.google.com/storage/docs/uniform-bucket-level-access#lock
const uniformLock = 90 * 24 * time.Hour

func (b *bucketConfig) completeIAM(was *bucketConfig) *fault {
	sent := b.IAM
	if sent == nil {
		sent = &iamConfig{}
	}
	out := &iamConfig{Prevention: or(sent.Prevention, "inherited"), Uniform: &enabled{}}
	if sent.PolicyOnly != nil {
		out.Uniform.Enabled = sent.PolicyOnly.Enabled
	}
	if sent.Uniform != nil {
		out.Uniform.Enabled = sent.Uniform.Enabled
	}
	if out.Prevention == "unspecified" { // the older name
		out.Prevention = "inherited"
	}
	if out.Prevention != "inherited" && out.Prevention != "enforced" {
		return failed(400, "Invalid value for publicAccessPrevention: %q", out.Prevention)
	}
	var lock *time.Time
	if was != nil {
		lock = was.IAM.Uniform.LockedTime
	}
	switch {
	case out.Uniform.Enabled && lock == nil:
		t := moment().Add(uniformLock)
		out.Uniform.LockedTime = &t
	case out.Uniform.Enabled:
		out.Uniform.LockedTime = lock
	case lock != nil && time.Now().After(*lock):
		return failed(412, "Cannot disable uniform bucket-level access: it is locked.")
	}
	only := *out.Uniform
	out.PolicyOnly = &only
	b.IAM = out
	return nil
}

func (b *bucketConfig) completeRetention(was *bucketConfig) *fault {
	now := moment()
	if b.SoftDelete == nil {
		b.SoftDelete = &softDelete{Seconds: 7 * 24 * 3600}
	}
	if s := b.SoftDelete.Seconds; s != 0 && (s < 7*24*3600 || s > 90*24*3600) {
		return failed(400, "The soft delete retention duration must be 0, or between 7 and 90 days.")
	}
	switch {
	case b.SoftDelete.Seconds == 0:
		b.SoftDelete.Effective = nil
	case was == nil || was.SoftDelete == nil || was.SoftDelete.Seconds != b.SoftDelete.Seconds:
		b.SoftDelete.Effective = &now
	default:
		b.SoftDelete.Effective = was.SoftDelete.Effective
	}
	var old *retention
	if was != nil {
		old = was.Retention
	}
	if old != nil && old.Locked && (b.Retention == nil || b.Retention.Period < old.Period) {
		return failed(403, "Cannot reduce retention duration of a locked Retention Policy for the bucket.")
	}
	if b.Retention != nil {
		b.Retention.Locked = old != nil && old.Locked
		b.Retention.Effective = &now
		if old != nil && old.Effective != nil {
			b.Retention.Effective = old.Effective
		}
		if b.versioned() {
			return failed(400, "Retention policies cannot be set on a bucket with Object Versioning.")
		}
	}
	return nil
}

func (b *bucketConfig) versioned() bool { return b.Versioning != nil && b.Versioning.Enabled }

var storageClasses = map[string]bool{
	"STANDARD": true, "NEARLINE": true, "COLDLINE": true, "ARCHIVE": true,
	"MULTI_REGIONAL": true, "REGIONAL": true, "DURABLE_REDUCED_AVAILABILITY": true,
}

var (
	locationRE   = regexp.MustCompile(`^(US|EU|ASIA|EUR[0-9]|NAM[0-9]|ASIA[0-9]|IN|[A-Z]+-[A-Z]+[0-9]+)$`)
	regionRE     = regexp.MustCompile(`-[A-Z]+[0-9]+$`)
	labelKeyRE   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValueRE = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
	nameRE       = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*[a-z0-9]$`)
)

func locationType(location string) string {
	switch {
	case regionRE.MatchString(location):
		return "region"
	case location == "US" || location == "EU" || location == "ASIA":
		return "multi-region"
	}
	return "dual-region"
}

// checkLabels applies https://cloud.google.com/storage/docs/tags-and-labels#bucket-labels
func checkLabels(labels map[string]string) *fault {
	if len(labels) > 64 {
		return failed(400, "Too many labels: %s, at most 64 are allowed.", strconv.Itoa(len(labels)))
	}
	for k, v := range labels {
		if !labelKeyRE.MatchString(k) {
			return failed(400, "Invalid label key: %q", k)
		}
		if !labelValueRE.MatchString(v) {
			return failed(400, "Invalid label value: %q", v)
		}
	}
	return nil
}

// checkName applies https://cloud.google.com/storage/docs/buckets#naming
func checkName(name string) *fault {
	bad := failed(400, "Invalid bucket name: '%s'", name)
	limit := 63
	if strings.Contains(name, ".") {
		limit = 222
	}
	if len(name) < 3 || len(name) > limit || !nameRE.MatchString(name) || net.ParseIP(name) != nil {
		return bad
	}
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || len(part) > 63 || strings.HasPrefix(part, "-") || strings.HasSuffix(part, "-") {
			return bad
		}
	}
	if strings.HasPrefix(name, "goog") || strings.Contains(name, "google") || strings.Contains(name, "g00gle") {
		return bad
	}
	if strings.Contains(name, ".") {
		// A name with dots is a domain name, whose owner must be known to Google.
		return failed(403, "The bucket you tried to create requires domain ownership verification. Please see "+
			"https://developers.google.com/storage/docs/bucketnaming?hl=en#verification for more details.")
	}
	return nil
}
