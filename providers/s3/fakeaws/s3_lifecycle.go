// Lifecycle rules: kept and checked, never carried out.
package fakeaws

import "slices"

type lifecycle struct {
	MinimumSize string // of x-amz-transition-default-minimum-object-size
	Rules       []lifecycleRule
}

type lifecycleRule struct {
	ID                             string
	Prefix                         *string          `xml:",omitempty"` // the form before Filter
	Filter                         *lifecycleFilter `xml:",omitempty"`
	Status                         string
	Expiration                     *expiration  `xml:",omitempty"`
	Transition                     []transition `xml:",omitempty"`
	NoncurrentVersionTransition    []transition `xml:",omitempty"`
	NoncurrentVersionExpiration    *noncurrent  `xml:",omitempty"`
	AbortIncompleteMultipartUpload *abortAfter  `xml:",omitempty"`
}

type lifecycleFilter struct {
	Prefix                *string       `xml:",omitempty"`
	Tag                   *tag          `xml:",omitempty"`
	ObjectSizeGreaterThan *int64        `xml:",omitempty"`
	ObjectSizeLessThan    *int64        `xml:",omitempty"`
	And                   *lifecycleAnd `xml:",omitempty"`
}

type lifecycleAnd struct {
	Prefix                *string `xml:",omitempty"`
	Tag                   []tag   `xml:",omitempty"`
	ObjectSizeGreaterThan *int64  `xml:",omitempty"`
	ObjectSizeLessThan    *int64  `xml:",omitempty"`
}

type expiration struct {
	Days                      int    `xml:",omitempty"`
	Date                      string `xml:",omitempty"`
	ExpiredObjectDeleteMarker *bool  `xml:",omitempty"`
}

type transition struct {
	Days                    *int   `xml:",omitempty"`
	Date                    string `xml:",omitempty"`
	NoncurrentDays          int    `xml:",omitempty"`
	NewerNoncurrentVersions int    `xml:",omitempty"`
	StorageClass            string
}

type noncurrent struct {
	NoncurrentDays          int `xml:",omitempty"`
	NewerNoncurrentVersions int `xml:",omitempty"`
}

type abortAfter struct {
	DaysAfterInitiation int
}

type lifecycleConfiguration struct {
	Rule []lifecycleRule
}

const minimumSizeHeader = "X-Amz-Transition-Default-Minimum-Object-Size"

func getLifecycle(k *s3Call) error {
	if k.bucket.Lifecycle == nil {
		return &apiError{Code: "NoSuchLifecycleConfiguration", Status: 404, Message: "The lifecycle configuration does not exist", Extra: map[string]string{"BucketName": k.name}}
	}
	k.w.Header().Set(minimumSizeHeader, k.bucket.Lifecycle.MinimumSize)
	return k.reply("LifecycleConfiguration", lifecycleConfiguration{k.bucket.Lifecycle.Rules})
}

func putLifecycle(k *s3Call) error {
	var in lifecycleConfiguration
	if err := k.parse(&in); err != nil {
		return err
	}
	if len(in.Rule) == 0 || len(in.Rule) > 1000 {
		return malformedXML()
	}
	seen := map[string]bool{}
	for i := range in.Rule {
		r := &in.Rule[i]
		if r.ID == "" {
			r.ID = opaque(36)
		}
		if seen[r.ID] {
			return &apiError{Code: "InvalidArgument", Status: 400, Message: "Rule ID must be unique. Found same ID for more than one rule"}
		}
		seen[r.ID] = true
		if err := checkRule(*r); err != nil {
			return err
		}
	}
	size := k.r.Header.Get(minimumSizeHeader)
	if size == "" { // left out means the default, whatever was there
		size = "all_storage_classes_128K"
	}
	k.bucket.Lifecycle = &lifecycle{size, in.Rule}
	k.w.Header().Set(minimumSizeHeader, size)
	return nil
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
func checkRule(r lifecycleRule) error {
	refuse := func(message string) error {
		return &apiError{Code: "InvalidArgument", Status: 400, Message: message}
	}
	switch {
	case r.Status != "Enabled" && r.Status != "Disabled", (r.Prefix == nil) == (r.Filter == nil):
		return malformedXML()
	case len(r.ID) > 255:
		return refuse("ID length should not exceed allowed limit of 255")
	case r.Expiration == nil && r.Transition == nil && r.NoncurrentVersionTransition == nil && r.NoncurrentVersionExpiration == nil && r.AbortIncompleteMultipartUpload == nil:
		return &apiError{Code: "InvalidRequest", Status: 400, Message: "At least one action needs to be specified in a rule"}
	case r.Expiration != nil && r.Expiration.Days < 0:
		return refuse("'Days' for Expiration action must be a positive integer")
	case r.NoncurrentVersionExpiration != nil && r.NoncurrentVersionExpiration.NoncurrentDays <= 0:
		return refuse("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
	case r.AbortIncompleteMultipartUpload != nil && r.AbortIncompleteMultipartUpload.DaysAfterInitiation <= 0:
		return refuse("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
	case r.AbortIncompleteMultipartUpload != nil && r.Filter != nil && (r.Filter.Tag != nil || r.Filter.And != nil && len(r.Filter.And.Tag) > 0):
		return &apiError{Code: "InvalidRequest", Status: 400, Message: "AbortIncompleteMultipartUpload cannot be specified with Tags"}
	}
	classes := []string{"GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR"}
	for _, t := range slices.Concat(r.Transition, r.NoncurrentVersionTransition) {
		if !slices.Contains(classes, t.StorageClass) {
			return malformedXML()
		}
	}
	return nil
}

func deleteLifecycle(k *s3Call) error {
	k.bucket.Lifecycle = nil
	k.w.WriteHeader(204)
	return nil
}
