// Vocabulary: the names of Google Cloud's permissions. A custom role with a word that is none is refused, or worse, a page that names one is believed.
package gcs

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/nearest"
)

// permissionsText holds a line for each kind of resource: its name, then the
// verbs of its permissions. It is taken from Google's reference through
// github.com/iann0036/iam-dataset (MIT), as of vocabularyDate.
//
//go:embed permissions.txt
var permissionsText string

const (
	vocabularySource = "https://cloud.google.com/iam/docs/permissions-reference"
	vocabularyDate   = "2026-08-22"
)

func vocabulary() core.Vocabulary {
	return core.Vocabulary{Noun: "permission", Source: vocabularySource, Date: vocabularyDate, Lookup: lookup}
}

// mistaken are words for permissions: calls of the JSON API, verbs of other
// systems, and actions of Amazon S3. The permission is what it mostly takes.
// https://cloud.google.com/storage/docs/access-control/iam-json
func mistaken() map[string]string {
	return map[string]string{
		"storage.objects.insert":          "storage.objects.create",
		"storage.objects.write":           "storage.objects.create",
		"storage.objects.put":             "storage.objects.create",
		"storage.objects.upload":          "storage.objects.create",
		"storage.objects.copy":            "storage.objects.create",
		"storage.objects.rewrite":         "storage.objects.create",
		"storage.objects.compose":         "storage.objects.create",
		"storage.objects.overwrite":       "storage.objects.delete",
		"storage.objects.read":            "storage.objects.get",
		"storage.objects.head":            "storage.objects.get",
		"storage.objects.download":        "storage.objects.get",
		"storage.objects.view":            "storage.objects.get",
		"storage.objects.patch":           "storage.objects.update",
		"storage.buckets.insert":          "storage.buckets.create",
		"storage.buckets.patch":           "storage.buckets.update",
		"storage.buckets.listObjects":     "storage.objects.list",
		"s3:PutObject":                    "storage.objects.create",
		"s3:GetObject":                    "storage.objects.get",
		"s3:ListBucket":                   "storage.objects.list",
		"s3:ListObjectsV2":                "storage.objects.list",
		"s3:DeleteObject":                 "storage.objects.delete",
		"s3:GetBucketLocation":            "storage.buckets.get",
		"s3:AbortMultipartUpload":         "storage.multipartUploads.abort",
		"s3:ListMultipartUploadParts":     "storage.multipartUploads.listParts",
		"s3:ListBucketMultipartUploads":   "storage.multipartUploads.list",
		"iam.serviceAccountKeys.upload":   "iam.serviceAccountKeys.create",
		"iam.serviceAccounts.keys.create": "iam.serviceAccountKeys.create",
	}
}

// lookup tells what is known of a word.
func lookup(word string) core.Word {
	all := knownPermissions()
	switch {
	case slices.Contains(all, word):
		return core.Word{Known: true}
	case strings.HasPrefix(word, "roles/"):
		return core.Word{Because: "it is a role, which holds permissions"}
	case strings.ContainsAny(word, "*?"):
		return core.Word{Because: "a custom role names every permission by itself"}
	}
	for name, permission := range mistaken() {
		if strings.EqualFold(name, word) {
			return core.Word{Meant: permission, Because: fmt.Sprintf("it takes %s", permission)}
		}
	}
	if i := slices.IndexFunc(all, func(p string) bool { return strings.EqualFold(p, word) }); i >= 0 {
		return core.Word{Meant: all[i], Because: "the case of its letters counts"}
	}
	return suggested(word, all)
}

// knownPermissions are all of the list.
func knownPermissions() []string {
	var all []string
	for line := range strings.Lines(permissionsText) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		// Some are listed by the service's full name, and written by its short one in messages and roles.
		kinds := []string{words[0]}
		if service, rest, full := strings.Cut(words[0], ".googleapis.com/"); full {
			kinds = []string{service + "." + rest, words[0]}
		}
		for _, kind := range kinds {
			for _, verb := range words[1:] {
				all = append(all, kind+"."+verb)
			}
		}
	}
	return all
}

// suggested looks for the permission that was probably meant. A word without
// its service, such as the name of a method in a client's message, is compared
// with the ends of permissions.
func suggested(word string, all []string) core.Word {
	w := core.Word{Because: "Google Cloud has no permission of this name"}
	least := len(word)/3 + 1
	for _, p := range all {
		end := p
		if extra := strings.Count(p, ".") - strings.Count(word, "."); extra > 0 {
			end = strings.SplitN(p, ".", extra+1)[extra]
		}
		if away := nearest.Distance(strings.ToLower(word), strings.ToLower(end)); away < least {
			w.Meant, least = p, away
		}
	}
	return w
}
