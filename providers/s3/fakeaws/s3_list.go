// Listings of a bucket: objects, versions, uploads.
package fakeaws

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func listOps() []s3Op {
	return []s3Op{
		{name: "ListObjectVersions", method: "GET", on: onBucket, query: "versions", action: "s3:ListBucketVersions", run: listVersions},
		{name: "ListObjectsV2", method: "GET", on: onBucket, query: "list-type", action: "s3:ListBucket", run: listObjects},
		{name: "GetBucketAcl", method: "GET", on: onBucket, query: "acl", action: "s3:GetBucketAcl", run: (*s3Call).replyACL},
		{name: "GetBucketLocation", method: "GET", on: onBucket, query: "location", action: "s3:GetBucketLocation", run: getBucketLocation},
		{name: "ListMultipartUploads", method: "GET", on: onBucket, query: "uploads", action: "s3:ListBucketMultipartUploads", run: listUploads},
		{name: "ListObjects", method: "GET", on: onBucket, action: "s3:ListBucket", run: listObjects},
	}
}

type objectXML struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
	StorageClass string
}

type prefixXML struct {
	Prefix string
}

// listing walks the keys after start in order and folds them at the delimiter.
type listing struct {
	prefix, delimiter string
	most              int
	escape            func(string) string
}

func (k *s3Call) listing() (listing, error) {
	l := listing{prefix: k.q.Get("prefix"), delimiter: k.q.Get("delimiter"), most: 1000, escape: func(s string) string { return s }}
	if s := k.q.Get("max-keys"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return l, &apiError{Code: "InvalidArgument", Status: 400, Message: "Provided max-keys not an integer or within integer range"}
		}
		l.most = min(n, 1000)
	}
	if k.q.Get("encoding-type") == "url" {
		l.escape = func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }
	}
	return l, nil
}

// walk returns the keys and folded prefixes after start, and where the next page begins.
func (l listing) walk(keys []string, start string) (found []string, folded []string, next string) {
	for _, key := range keys {
		if key <= start || !strings.HasPrefix(key, l.prefix) {
			continue
		}
		fold := ""
		if l.delimiter != "" {
			if i := strings.Index(key[len(l.prefix):], l.delimiter); i >= 0 {
				fold = key[:len(l.prefix)+i+len(l.delimiter)]
			}
		}
		if fold != "" && (slices.Contains(folded, fold) || strings.HasPrefix(start, fold)) {
			continue
		}
		if len(found)+len(folded) == l.most {
			return found, folded, next
		}
		if fold != "" {
			folded, next = append(folded, fold), fold+"\U0010ffff"
			continue
		}
		found, next = append(found, key), key
	}
	return found, folded, ""
}

func listObjects(k *s3Call) error {
	l, err := k.listing()
	if err != nil {
		return err
	}
	start := k.q.Get("marker")
	v2 := k.q.Get("list-type") == "2"
	if v2 {
		start = k.q.Get("start-after")
		if t := k.q.Get("continuation-token"); t != "" {
			if start, err = url.PathUnescape(t); err != nil {
				return &apiError{Code: "InvalidArgument", Status: 400, Message: "The continuation token provided is incorrect"}
			}
		}
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(k.bucket.Objects)) {
		if k.bucket.alive(key) != nil {
			keys = append(keys, key)
		}
	}
	found, folded, next := l.walk(keys, start)
	out := struct {
		Name                  string
		Prefix                string
		Delimiter             string  `xml:",omitempty"`
		Marker                *string `xml:",omitempty"`
		NextMarker            string  `xml:",omitempty"`
		StartAfter            string  `xml:",omitempty"`
		ContinuationToken     string  `xml:",omitempty"`
		NextContinuationToken string  `xml:",omitempty"`
		KeyCount              *int    `xml:",omitempty"`
		MaxKeys               int
		EncodingType          string `xml:",omitempty"`
		IsTruncated           bool
		Contents              []objectXML
		CommonPrefixes        []prefixXML
	}{
		Name: k.name, Prefix: l.escape(l.prefix), Delimiter: l.escape(l.delimiter), MaxKeys: l.most,
		EncodingType: k.q.Get("encoding-type"), IsTruncated: next != "",
	}
	if v2 {
		n := len(found) + len(folded)
		out.KeyCount, out.StartAfter, out.ContinuationToken = &n, l.escape(k.q.Get("start-after")), k.q.Get("continuation-token")
		out.NextContinuationToken = url.PathEscape(next)
	} else {
		marker := l.escape(start)
		out.Marker, out.NextMarker = &marker, l.escape(next)
	}
	for _, key := range found {
		o := k.bucket.alive(key)
		out.Contents = append(out.Contents, objectXML{l.escape(key), stampMilli(o.Modified), o.ETag, len(o.Body), "STANDARD"})
	}
	for _, p := range folded {
		out.CommonPrefixes = append(out.CommonPrefixes, prefixXML{l.escape(p)})
	}
	return k.reply("ListBucketResult", out)
}

type versionEntry struct {
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         *int   `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
	Owner        ownerXML
}

// listVersions pages by key: all versions of a key come in one page.
func listVersions(k *s3Call) error {
	l, err := k.listing()
	if err != nil {
		return err
	}
	found, folded, next := l.walk(slices.Sorted(maps.Keys(k.bucket.Objects)), k.q.Get("key-marker"))
	out := struct {
		Name                string
		Prefix              string
		KeyMarker           string
		VersionIDMarker     string `xml:"VersionIdMarker"`
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
		MaxKeys             int
		Delimiter           string `xml:",omitempty"`
		EncodingType        string `xml:",omitempty"`
		IsTruncated         bool
		Version             []versionEntry
		DeleteMarker        []versionEntry
		CommonPrefixes      []prefixXML
	}{
		Name: k.name, Prefix: l.escape(l.prefix), KeyMarker: l.escape(k.q.Get("key-marker")), VersionIDMarker: k.q.Get("version-id-marker"),
		NextKeyMarker: l.escape(next), MaxKeys: l.most, Delimiter: l.escape(l.delimiter), EncodingType: k.q.Get("encoding-type"), IsTruncated: next != "",
	}
	if next != "" {
		out.NextVersionIDMarker = "null"
	}
	for _, key := range found {
		list := k.bucket.Objects[key]
		for i, o := range slices.Backward(list) {
			e := versionEntry{Key: l.escape(key), VersionID: o.Version, IsLatest: i == len(list)-1, LastModified: stampMilli(o.Modified), Owner: canonicalID(k.bucket.Owner)}
			if o.Marker {
				out.DeleteMarker = append(out.DeleteMarker, e)
				continue
			}
			size := len(o.Body)
			e.ETag, e.Size, e.StorageClass = o.ETag, &size, "STANDARD"
			out.Version = append(out.Version, e)
		}
	}
	for _, p := range folded {
		out.CommonPrefixes = append(out.CommonPrefixes, prefixXML{l.escape(p)})
	}
	return k.reply("ListVersionsResult", out)
}
