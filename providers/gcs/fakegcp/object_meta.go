// Objects as the JSON API shows them, and the preconditions on them.
package fakegcp

import (
	"crypto/md5" //nolint:gosec // Cloud Storage declares the MD5 of an object
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
)

// objectMeta is what a caller may set on an object.
type objectMeta struct {
	ContentType        string            `json:"contentType,omitempty"`
	CacheControl       string            `json:"cacheControl,omitempty"`
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	ContentEncoding    string            `json:"contentEncoding,omitempty"`
	ContentLanguage    string            `json:"contentLanguage,omitempty"`
	StorageClass       string            `json:"storageClass,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
	CustomTime         *time.Time        `json:"customTime,omitempty"`
	EventHold          bool              `json:"eventBasedHold,omitempty"`
	TemporaryHold      bool              `json:"temporaryHold,omitempty"`
	KMSKey             string            `json:"kmsKeyName,omitempty"`
	Retention          *objectRetention  `json:"retention,omitempty"`
	Contexts           json.RawMessage   `json:"contexts,omitempty"`
}

type objectRetention struct {
	Mode  string    `json:"mode"`
	Until time.Time `json:"retainUntilTime"`
}

// objectResource is an object in an answer.
type objectResource struct {
	Kind            string     `json:"kind"`
	ID              string     `json:"id"`
	SelfLink        string     `json:"selfLink"`
	MediaLink       string     `json:"mediaLink"`
	Name            string     `json:"name"`
	Bucket          string     `json:"bucket"`
	Generation      int64      `json:"generation,string"`
	Metageneration  int64      `json:"metageneration,string"`
	Size            uint64     `json:"size,string"`
	MD5             string     `json:"md5Hash,omitempty"`
	CRC32C          string     `json:"crc32c"`
	Etag            string     `json:"etag"`
	Components      int        `json:"componentCount,omitempty"`
	TimeCreated     time.Time  `json:"timeCreated"`
	Updated         time.Time  `json:"updated"`
	TimeFinalized   time.Time  `json:"timeFinalized"`
	TimeClass       time.Time  `json:"timeStorageClassUpdated"`
	TimeDeleted     *time.Time `json:"timeDeleted,omitempty"`
	SoftDeleteTime  *time.Time `json:"softDeleteTime,omitempty"`
	HardDeleteTime  *time.Time `json:"hardDeleteTime,omitempty"`
	RetentionExpiry *time.Time `json:"retentionExpirationTime,omitempty"`
	objectMeta
}

func (c *Cloud) objectResource(o *object) objectResource {
	link := "https://www.googleapis.com/storage/v1/b/" + o.Bucket + "/o/" + url.PathEscape(o.Name)
	generation := strconv.FormatInt(o.Generation, 10)
	r := objectResource{
		Kind: "storage#object", ID: o.Bucket + "/" + o.Name + "/" + generation, SelfLink: link,
		MediaLink: "https://storage.googleapis.com/download/storage/v1/b/" + o.Bucket + "/o/" + url.PathEscape(o.Name) + "?generation=" + generation + "&alt=media",
		Name:      o.Name, Bucket: o.Bucket, Generation: o.Generation, Metageneration: o.Metageneration, Size: uint64(len(o.Data)),
		CRC32C: crc32c(o.Data), Etag: etag(o.Generation ^ o.Metageneration<<1), Components: o.Components, TimeCreated: o.Created, Updated: o.Updated,
		TimeFinalized: o.Created, TimeClass: o.Created,
		TimeDeleted: optional(o.Noncurrent), SoftDeleteTime: optional(o.SoftDeleted), HardDeleteTime: optional(o.HardDelete), objectMeta: o.Meta,
	}
	if o.Components == 0 && !o.Multipart { // an object made of parts has no MD5
		r.MD5 = md5sum(o.Data)
	}
	if b := c.state.Buckets[o.Bucket]; b != nil {
		r.RetentionExpiry = optional(b.retainedUntil(o))
		if r.StorageClass == "" {
			r.StorageClass = b.Config.StorageClass
		}
	}
	return r
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func crc32c(data []byte) string {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

func md5sum(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// retainedUntil is when the bucket's retention policy or the object's own lets
// the object go; zero if nothing holds it.
func (b *bucket) retainedUntil(o *object) time.Time {
	var until time.Time
	if b.Config.Retention != nil {
		until = o.Created.Add(time.Duration(b.Config.Retention.Period) * time.Second)
	}
	if o.Meta.Retention != nil && o.Meta.Retention.Until.After(until) {
		until = o.Meta.Retention.Until
	}
	return until
}

// checkHeld refuses to delete or replace an object that is held or retained.
// https://cloud.google.com/storage/docs/bucket-lock
func (b *bucket) checkHeld(o *object) *fault {
	switch {
	case o.Meta.TemporaryHold:
		return held("Object '%s/%s' is under active Temporary hold and cannot be deleted, overwritten or archived until hold is removed.", o)
	case o.Meta.EventHold:
		return held("Object '%s/%s' is under active Event-Based hold and cannot be deleted, overwritten or archived until hold is removed.", o)
	case b.retainedUntil(o).After(time.Now()):
		return held("Object '%s/%s' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until "+
			b.retainedUntil(o).Format(time.RFC3339), o)
	}
	return nil
}

func held(format string, o *object) *fault {
	f := failed(403, format, o.Bucket, o.Name)
	f.Reason = "retentionPolicyNotMet"
	return f
}

// conditions are the preconditions of a request on an object.
// https://cloud.google.com/storage/docs/request-preconditions
type conditions struct {
	GenMatch, GenNotMatch, MetaMatch, MetaNotMatch *int64
}

func (q *request) conditions(prefix string) (conditions, error) {
	var c conditions
	for name, at := range map[string]**int64{
		"GenerationMatch": &c.GenMatch, "GenerationNotMatch": &c.GenNotMatch, "MetagenerationMatch": &c.MetaMatch, "MetagenerationNotMatch": &c.MetaNotMatch,
	} {
		text := q.query.Get(prefix + name)
		if text == "" {
			text = q.Header.Get("x-goog-if-" + map[string]string{
				"GenerationMatch": "generation-match", "GenerationNotMatch": "generation-not-match",
				"MetagenerationMatch": "metageneration-match", "MetagenerationNotMatch": "metageneration-not-match"}[name])
		}
		if text == "" || (prefix != "if" && q.query.Get(prefix+name) == "") {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return c, failed(400, "Invalid value for parameter %s%s: %q", prefix, name, text)
		}
		*at = &n
	}
	return c, nil
}

// check applies the preconditions to an object, nil if there is none: then its
// generation is 0.
func (c conditions) check(o *object, reading bool) error {
	var generation, metageneration int64
	if o != nil {
		generation, metageneration = o.Generation, o.Metageneration
	}
	unmet := func() error {
		if reading {
			return reply304()
		}
		return notMet("If-None-Match")
	}
	switch {
	case c.GenMatch != nil && *c.GenMatch != generation:
		return notMet("If-Match")
	case c.MetaMatch != nil && (o == nil || *c.MetaMatch != metageneration):
		return notMet("If-Match")
	case c.GenNotMatch != nil && *c.GenNotMatch == generation:
		return unmet()
	case c.MetaNotMatch != nil && o != nil && *c.MetaNotMatch == metageneration:
		return unmet()
	}
	return nil
}

// checkObjectName applies https://cloud.google.com/storage/docs/objects#naming
func checkObjectName(name string) *fault {
	switch {
	case name == "":
		return required("name")
	case len(name) > 1024 || !utf8.ValidString(name) || name == "." || name == "..":
		return failed(400, "Invalid object name: %q", name)
	}
	for _, r := range name {
		if r == '\n' || r == '\r' {
			return failed(400, "Disallowed unicode characters present in object name %q", name)
		}
	}
	return nil
}
