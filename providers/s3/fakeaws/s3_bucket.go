// Buckets: their birth, their name, their end.
package fakeaws

import (
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// bucket is one bucket with its settings and its content.
type bucket struct {
	Name       string
	Owner      string // account
	Region     string
	Created    time.Time
	Tags       []tag
	Access     *publicAccess
	Ownership  string // "" if the controls were deleted
	Encryption []encryptionRule
	Versioning string // "", "Enabled" or "Suspended"
	Lifecycle  *lifecycle
	Policy     cloudsim.Eventual[pinned]
	Objects    map[string][]*object // all versions of a key, newest last
	Uploads    map[string]*upload
	Busy       time.Time // until when a write to the configuration is going on
}

func bucketOps() []s3Op {
	return []s3Op{
		{name: "ListBuckets", method: "GET", on: onService, run: listBuckets},
		{name: "HeadBucket", method: "HEAD", on: onBucket, action: "s3:ListBucket", run: headBucket},
		{name: "CreateBucket", method: "PUT", on: onBucket, write: true, run: createBucket},
		{name: "DeleteBucket", method: "DELETE", on: onBucket, write: true, action: "s3:DeleteBucket", run: deleteBucket},
	}
}

type createConfiguration struct {
	LocationConstraint string
	Tags               []tag `xml:"Tags>Tag"`
}

func createBucket(k *s3Call) error {
	var in createConfiguration
	if len(k.body) > 0 {
		if err := k.parse(&in); err != nil {
			return err
		}
	}
	region, err := k.newRegion(in.LocationConstraint)
	if err != nil {
		return err
	}
	if k.who.account == nil {
		return accessDenied("Access Denied")
	}
	if err := k.checkBucketName(region); err != nil {
		return err
	}
	candidate := &bucket{
		Name: k.name, Owner: k.who.account.ID, Region: region, Created: time.Now().UTC().Truncate(time.Second),
		Tags: in.Tags, Objects: map[string][]*object{}, Uploads: map[string]*upload{},
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
		Access: &publicAccess{true, true, true, true}, Ownership: ownerEnforced,
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html
		Encryption: defaultEncryption(),
	}
	if err := k.mayCreate(candidate, in); err != nil {
		return err
	}
	if old := k.bucket; old != nil {
		switch {
		case old.Owner != k.who.account.ID:
			return &apiError{Code: "BucketAlreadyExists", Status: 409, Message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
		case old.Region != "us-east-1" || region != "us-east-1":
			return &apiError{Code: "BucketAlreadyOwnedByYou", Status: 409, Message: "Your previous request to create the named bucket succeeded and you already own it."}
		}
		k.w.Header().Set("Location", "/"+k.name) // us-east-1 answers as if it had created it
		return nil
	}
	if o := k.r.Header.Get("X-Amz-Object-Ownership"); o != "" {
		if !validOwnership(o) {
			return &apiError{Code: "InvalidArgument", Status: 400, Message: "Invalid x-amz-object-ownership header: " + o}
		}
		candidate.Ownership = o
	}
	if acl := k.r.Header.Get("X-Amz-Acl"); acl != "" && acl != "private" && candidate.Ownership == ownerEnforced {
		return &apiError{Code: "InvalidBucketAclWithObjectOwnership", Status: 400, Message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"}
	}
	k.state.Buckets[k.name] = candidate
	location := "/" + k.name
	if region != "us-east-1" {
		location = "http://" + k.name + ".s3." + k.suffix() + "/"
	}
	k.w.Header().Set("Location", location)
	return nil
}

// mayCreate asks for everything that the request's headers and body need.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func (k *s3Call) mayCreate(b *bucket, in createConfiguration) error {
	actions := []string{"s3:CreateBucket"}
	if len(in.Tags) > 0 {
		actions = append(actions, "s3:TagResource")
	}
	if k.r.Header.Get("X-Amz-Object-Ownership") != "" {
		actions = append(actions, "s3:PutBucketOwnershipControls")
	}
	if acl := k.r.Header.Get("X-Amz-Acl"); acl != "" && acl != "private" {
		actions = append(actions, "s3:PutBucketAcl")
	}
	if k.r.Header.Get("X-Amz-Bucket-Object-Lock-Enabled") == "true" {
		actions = append(actions, "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning")
		b.Versioning = "Enabled"
	}
	for _, action := range actions {
		if err := k.mayCreateWith(action, b, in); err != nil {
			return err
		}
	}
	return checkTags(in.Tags)
}

func (k *s3Call) mayCreateWith(action string, b *bucket, in createConfiguration) error {
	resource := "arn:" + k.state.Partition + ":s3:::" + b.Name
	q := Request{Action: action, Resource: resource, ResourceAccount: b.Owner, Context: k.context(action, b, "")}
	if in.LocationConstraint != "" {
		q.Context["s3:LocationConstraint"] = []string{in.LocationConstraint}
	}
	for _, t := range in.Tags {
		q.Context["aws:RequestTag/"+t.Key] = []string{t.Value}
		q.Context["aws:TagKeys"] = append(q.Context["aws:TagKeys"], t.Key)
	}
	if v := k.authorize(k.who, k.r, q); !v.Allowed {
		return k.denied(v, action, resource, b)
	}
	return nil
}

// newRegion is where a bucket is to be: in us-east-1 it must not be named, elsewhere it must be.
func (k *s3Call) newRegion(constraint string) (string, error) {
	endpoint := endpointRegion(hostOf(k.r))
	if endpoint == "" {
		endpoint = scopeOf(k.r).region
	}
	switch {
	case constraint == "us-east-1":
		return "", &apiError{Code: "InvalidLocationConstraint", Status: 400, Message: "The specified location-constraint is not valid", Extra: map[string]string{"LocationConstraint": constraint}}
	case constraint != "" && constraint != "EU" && !regionText.MatchString(constraint):
		return "", &apiError{Code: "InvalidLocationConstraint", Status: 400, Message: "The specified location-constraint is not valid", Extra: map[string]string{"LocationConstraint": constraint}}
	case endpoint == "us-east-1" && constraint == "":
		return "us-east-1", nil
	case constraint == "":
		return "", &apiError{Code: "IllegalLocationConstraintException", Status: 400, Message: "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."}
	case endpoint != "us-east-1" && constraint != endpoint && (constraint != "EU" || endpoint != "eu-west-1"):
		return "", &apiError{Code: "IllegalLocationConstraintException", Status: 400, Message: "The " + constraint + " location constraint is incompatible for the region specific endpoint this request was sent to."}
	case constraint == "EU":
		return "eu-west-1", nil
	}
	return constraint, nil
}

var (
	regionText = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	bucketText = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

// checkBucketName enforces the rules for names, and the account-regional namespace.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func (k *s3Call) checkBucketName(region string) error {
	bad := &apiError{Code: "InvalidBucketName", Status: 400, Message: "The specified bucket is not valid.", Extra: map[string]string{"BucketName": k.name}}
	if !bucketText.MatchString(k.name) || strings.Contains(k.name, "..") {
		return bad
	}
	if _, err := netip.ParseAddr(k.name); err == nil {
		return bad
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(k.name, p) {
			return bad
		}
	}
	for _, s := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(k.name, s) {
			return bad
		}
	}
	regional := strings.HasSuffix(k.name, "-"+k.who.account.ID+"-"+region+"-an")
	switch ns := k.r.Header.Get("X-Amz-Bucket-Namespace"); {
	case ns == "account-regional" && !regional, ns != "account-regional" && strings.HasSuffix(k.name, "-an"):
		return bad
	case ns != "" && ns != "account-regional" && ns != "global":
		return &apiError{Code: "InvalidArgument", Status: 400, Message: "Invalid x-amz-bucket-namespace header: " + ns}
	}
	return nil
}

func headBucket(k *s3Call) error {
	k.w.Header().Set("X-Amz-Bucket-Arn", "arn:"+k.state.Partition+":s3:::"+k.name)
	k.w.Header().Set("X-Amz-Access-Point-Alias", "false")
	k.w.WriteHeader(200)
	return nil
}

func getBucketLocation(k *s3Call) error {
	region := k.bucket.Region
	if region == "us-east-1" {
		region = ""
	}
	return k.reply("LocationConstraint", struct {
		Region string `xml:",chardata"`
	}{region})
}

type ownerXML struct {
	ID string
}

// canonicalID is the 64-character name that S3 has for an account.
func canonicalID(account string) ownerXML { return ownerXML{hashHex([]byte("canonical " + account))} }

func listBuckets(k *s3Call) error {
	if k.who.account == nil {
		return accessDenied("Access Denied")
	}
	v := k.authorize(k.who, k.r, Request{Action: "s3:ListAllMyBuckets", Resource: "arn:" + k.state.Partition + ":s3:::*"})
	if !v.Allowed {
		return accessDenied(deniedMessage(k.who, v, "s3:ListAllMyBuckets", "arn:"+k.state.Partition+":s3:::*", true))
	}
	type entry struct {
		Name         string
		CreationDate string
		BucketRegion string
		BucketArn    string
	}
	out := struct {
		Owner   ownerXML
		Buckets struct{ Bucket []entry }
		Prefix  string `xml:",omitempty"`
	}{Owner: canonicalID(k.who.account.ID), Prefix: k.q.Get("prefix")}
	for _, b := range sorted(k.state.Buckets) {
		if b.Owner == k.who.account.ID && strings.HasPrefix(b.Name, k.q.Get("prefix")) && (k.q.Get("bucket-region") == "" || k.q.Get("bucket-region") == b.Region) {
			out.Buckets.Bucket = append(out.Buckets.Bucket, entry{b.Name, stampMilli(b.Created), b.Region, "arn:" + k.state.Partition + ":s3:::" + b.Name})
		}
	}
	return k.reply("ListAllMyBucketsResult", out)
}

func stampMilli(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func deleteBucket(k *s3Call) error {
	if len(k.bucket.Objects) > 0 {
		message := "The bucket you tried to delete is not empty"
		if k.bucket.Versioning != "" {
			message += ". You must delete all versions in the bucket."
		}
		return &apiError{Code: "BucketNotEmpty", Status: 409, Message: message, Extra: map[string]string{"BucketName": k.name}}
	}
	delete(k.state.Buckets, k.name)
	k.w.WriteHeader(204)
	return nil
}
