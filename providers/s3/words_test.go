// Words: what a grant means on S3, as a table that knows no policy.
package s3_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// deed is one thing that somebody tries: an action at a resource, and how.
type deed struct {
	action string
	bucket string // "" for what is in no bucket
	key    string // of an object, if object is set
	object bool
	kms    string // the key for encryption, if it is about one

	prefix *string // that a listing asks for
	when   time.Time
	from   string
	tls    bool
}

// resource is what the deed is done to.
func (d deed) resource(partition string) string {
	switch {
	case d.kms != "":
		return d.kms
	case d.bucket == "":
		return "*"
	case d.object:
		return "arn:" + partition + ":s3:::" + d.bucket + "/" + d.key
	}
	return "arn:" + partition + ":s3:::" + d.bucket
}

// meanings are the actions that each ability takes, and on what.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var meanings = map[core.Ability]struct{ onObject, onBucket, onKey string }{
	core.Create:    {onObject: "s3:PutObject", onKey: "kms:GenerateDataKey"},
	core.Overwrite: {onObject: "s3:PutObject"},
	core.Abort:     {onObject: "s3:AbortMultipartUpload", onKey: "kms:Decrypt"},
	core.Read:      {onObject: "s3:GetObject", onKey: "kms:Decrypt"},
	core.Delete:    {onObject: "s3:DeleteObject"},
	core.Resume:    {onObject: "s3:ListMultipartUploadParts"},
	core.List:      {onBucket: "s3:ListBucket"},
	core.Locate:    {onBucket: "s3:GetBucketLocation"},
	core.Uploads:   {onBucket: "s3:ListBucketMultipartUploads"},
}

// means says whether g, whose bucket has its full name, allows d.
func means(g core.Grant, d deed) bool {
	if !g.Limits.Expires.IsZero() && !d.when.Before(g.Limits.Expires) {
		return false
	}
	if d.kms == "" && !d.tls && d.bucket == g.Target.Bucket && !g.Target.Adopt {
		return false
	}
	if d.kms == "" && len(g.Limits.From) > 0 && !slices.ContainsFunc(g.Limits.From, func(n netip.Prefix) bool { return n.Contains(netip.MustParseAddr(d.from)) }) {
		return false
	}
	if recipe := recipeOf(g); recipe != nil {
		return slices.ContainsFunc(recipe, func(r recipeLine) bool { return r.means(g, d) })
	}
	return slices.ContainsFunc(g.Can, func(a core.Ability) bool {
		m := meanings[a]
		switch {
		case d.kms != "":
			return d.action == m.onKey && d.kms == g.Settings["kms-key"]
		case d.bucket != g.Target.Bucket:
			return false
		case d.object:
			return d.action == m.onObject && strings.HasPrefix(d.key, g.Target.Prefix)
		case a == core.List && g.Target.Prefix != "":
			return d.action == m.onBucket && d.prefix != nil && strings.HasPrefix(*d.prefix, g.Target.Prefix)
		}
		return d.action == m.onBucket
	})
}

// recipeLine is one line of a source document's recipe, which says itself what it is on.
type recipeLine struct {
	Actions []string
	On      []string
}

func (r recipeLine) means(g core.Grant, d deed) bool {
	if !slices.ContainsFunc(r.Actions, func(a string) bool {
		stem, any := strings.CutSuffix(a, "*")
		return a == d.action || any && strings.HasPrefix(d.action, stem)
	}) {
		return false
	}
	return slices.ContainsFunc(r.On, func(on string) bool {
		switch on {
		case "everything":
			return true
		case "key":
			return d.kms != "" && d.kms == g.Settings["kms-key"]
		case "bucket":
			return d.kms == "" && d.bucket == g.Target.Bucket && !d.object
		case "objects":
			return d.kms == "" && d.bucket == g.Target.Bucket && d.object && strings.HasPrefix(d.key, g.Target.Prefix)
		}
		return false
	})
}

// recipeOf are the lines of g's recipe; nil if its abilities say everything.
func recipeOf(g core.Grant) []recipeLine {
	if g.Who == core.WhoService {
		return backupLines[g.Profile]
	}
	var native struct{ Statements []recipeLine }
	_ = json.Unmarshal(g.Native, &native)
	return native.Statements
}

// The names under which a grant to AWS Backup is judged, one for each of its roles.
const (
	backupRole  = "backup"
	restoreRole = "restore"
)

// backupLines are what the service's roles may do, from the copy of AWS's own policies.
var backupLines = func() map[string][]recipeLine {
	raw, err := os.ReadFile("backup.json")
	if err != nil {
		panic(err)
	}
	var data struct {
		Managed []struct {
			Statements []struct {
				On      string
				Actions []string
			}
		}
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		panic(err)
	}
	lines := map[string][]recipeLine{}
	for i, role := range []string{backupRole, restoreRole} {
		for _, s := range data.Managed[i].Statements {
			lines[role] = append(lines[role], recipeLine{s.Actions, []string{s.On}})
		}
	}
	return lines
}()
