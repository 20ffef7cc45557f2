// Settings: what S3 alone asks for, and what is wrong with a grant on S3.
package s3

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// The names of the settings.
const (
	setAccount   = "account"
	setNamespace = "namespace"
	setKMSKey    = "kms-key"
	setBoundary  = "permissions-boundary"
	setMarker    = "folder-marker"
	setFolder    = "folder"
	setGroup     = "shared-group"

	namespaceGlobal   = "global"
	namespaceRegional = "account-regional"
)

func settings() []core.Setting {
	return slices.Concat([]core.Setting{
		{Name: setAccount, Usage: "12 digits; the caller must be in this account", Example: "111122223333"},
		{Name: setNamespace, Usage: "global, or account-regional: the bucket is called NAME-ACCOUNT-REGION-an, and no other account can ever take that name", Example: namespaceRegional},
		{Name: setKMSKey, Usage: "full ARN of the KMS key that the bucket encrypts with", Example: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
		{Name: setBoundary, Usage: "ARN of the policy that bounds what the user may do", Example: "arn:aws:iam::111122223333:policy/boundary"},
		{Name: setMarker, Flag: true, Usage: "make the folder visible in consoles before anything is in it: an empty object is put under the prefix", Example: yes},
		{Name: setFolder, Usage: "a folder to make where the grant is for the whole bucket, as a source document wants it", Example: "clickhouse/", Only: []core.Who{core.WhoKey}},
		{Name: setGroup, Usage: "name of one group for many sites: each user is called like its site's folder, and the one policy confines it there", Example: "sites", Only: []core.Who{core.WhoKey}},
	}, vendorSettings(), workflowSettings(), backupSettings())
}

// names of the settings, for people.
func names(list []core.Setting) string {
	var words []string
	for _, s := range list {
		words = append(words, s.Name)
	}
	return strings.Join(words, ", ")
}

var (
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	dottedName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	dottedNumber = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$`)
	siteName     = regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]{1,64}$`)
	groupWord    = regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]{1,128}$`)
	kmsKeyARN    = regexp.MustCompile(`^arn:(aws[a-z-]*):kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+$`)
	boundaryARN  = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::([0-9]{12}|aws):policy/[!-~]+$`)
)

// draw reads g's settings into a design and names everything that S3 cannot accept.
func draw(g core.Grant) (design, core.Faults) {
	d := design{grant: g, region: g.Target.Region, partition: partitionOf(g.Target.Region)}
	var f core.Faults
	fault := func(field, value, rule, accepts string) {
		f = append(f, core.Fault{Field: field, Value: value, Rule: rule, Accepts: accepts})
	}
	switch {
	case d.region == "":
		fault("region", "", "is missing", `the name of a region, e.g. "eu-west-1"`)
	case !regionName.MatchString(d.region):
		fault("region", d.region, "is not the name of a region", `e.g. "eu-west-1"`)
	}
	if g.Allows(core.Abort) && !g.Allows(core.Create) && !g.Allows(core.Overwrite) {
		fault("can", string(core.Abort), "is of no use without create: beginning an upload takes s3:PutObject", `"create" as well`)
	}
	for _, name := range slices.Sorted(maps.Keys(g.Settings)) {
		if !slices.ContainsFunc(settings(), func(s core.Setting) bool { return s.Name == name }) {
			fault(name, g.Settings[name], "is not a setting of Amazon S3", names(settings()))
		}
	}
	if d.account = g.Settings[setAccount]; d.account != "" && !accountID.MatchString(d.account) {
		fault(setAccount, d.account, "is not an account", `12 digits, e.g. "111122223333"`)
	}
	switch v := g.Settings[setNamespace]; v {
	case "", namespaceGlobal:
	case namespaceRegional:
		d.regional = true
		if d.account == "" {
			fault(setAccount, "", "is missing: it is part of the bucket's name in the account-regional namespace", "12 digits")
		}
		if tail := d.regionalTail(); !strings.HasSuffix(g.Target.Bucket, tail) {
			d.grant.Target.Bucket += tail
		}
	default:
		fault(setNamespace, v, "is not a namespace", `"global" or "account-regional"`)
	}
	if d.kmsKey = g.Settings[setKMSKey]; d.kmsKey != "" {
		m := kmsKeyARN.FindStringSubmatch(d.kmsKey)
		switch {
		case m == nil:
			fault(setKMSKey, d.kmsKey, "is not the full ARN of a KMS key (an alias would be looked up in the writer's account)", "arn:PARTITION:kms:REGION:ACCOUNT:key/ID")
		case m[1] != d.partition.name || m[2] != d.region:
			fault(setKMSKey, d.kmsKey, "is not in the bucket's region", "a key in "+d.region)
		case g.Target.Adopt && g.Who != core.WhoService: // whose roles need the key that others have chosen
			fault(setKMSKey, d.kmsKey, "would change the encryption of an adopted bucket", "no kms-key together with adopt")
		}
	}
	if d.boundary = g.Settings[setBoundary]; d.boundary != "" {
		if m := boundaryARN.FindStringSubmatch(d.boundary); m == nil || m[1] != d.partition.name {
			fault(setBoundary, d.boundary, "is not the ARN of a policy in this partition", "arn:"+d.partition.name+":iam::ACCOUNT:policy/NAME")
		}
	}
	f = append(append(f, d.readFolders()...), sourceFaults(g.Limits.From)...)
	n, more := readNative(g.Native)
	d.native, f = n, append(f, more...)
	d.layout, more = layoutOf(g.Who, n.Layout)
	f = append(append(f, more...), d.layout.faults(d)...)
	if l, ok := d.layout.(backupLayout); ok {
		d.grant.Can = l.can(d)
	}
	if len(g.Native) > 0 && len(d.grant.Can)+len(n.Statements) == 0 {
		fault("profile", g.Profile, "grants nothing", "a profile with at least one ability")
	}
	f = append(f, d.literalFaults()...)
	if rule := d.bucketRule(); rule != "" {
		fault("bucket", d.bucket(), rule, `3 to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit, e.g. "acme-events"`)
	}
	return d, f
}

// regionalTail is what a name in the account-regional namespace ends in.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
func (d design) regionalTail() string { return "-" + d.account + "-" + d.region + "-an" }

// bucketRule returns the rule that the bucket's full name breaks, or "".
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func (d design) bucketRule() string {
	name := d.bucket()
	switch {
	case name == "":
		return "is missing"
	case len(name) < 3:
		return "is shorter than 3 characters"
	case len(name) > 63:
		return "is longer than 63 characters"
	case strings.Contains(name, ".") && d.grant.Target.Adopt: // it is there already; requests name it in their path
		if !dottedName.MatchString(name) || dottedNumber.MatchString(name) {
			return "is not a bucket name"
		}
	case strings.Contains(name, "."):
		return `has a ".", which breaks TLS with the bucket's host name`
	case !bucketName.MatchString(name):
		return "is not a bucket name"
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, p) {
			return `begins with "` + p + `", which AWS keeps for itself`
		}
	}
	for _, s := range []string{"-s3alias", "--ol-s3", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, s) {
			return `ends in "` + s + `", which AWS keeps for itself`
		}
	}
	if strings.HasSuffix(name, "-an") && !d.regional {
		return `ends in "-an", which only names in the account-regional namespace may`
	}
	return ""
}
