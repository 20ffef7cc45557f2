// The XML API: a bucket looked at and listed, by both versions of the listing.
package fakegcp

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (q *request) headBucket() (any, error) {
	b, err := q.needBucket("storage.buckets.get")
	if err != nil {
		return nil, err
	}
	return reply{Header: map[string]string{"X-Goog-Metageneration": itoa(b.Metageneration), "X-Goog-Bucket-Location": b.Config.Location}, Body: []byte{}}, nil
}

type locationResult struct {
	XMLName  xml.Name `xml:"LocationConstraint"`
	Location string   `xml:",chardata"`
}

func (q *request) locationXML() (any, error) {
	b, err := q.needBucket("storage.buckets.get")
	if err != nil {
		return nil, err
	}
	return xmlReply(locationResult{Location: b.Config.Location})
}

// listResult is a listing. Version 1 goes on after a marker, version 2 after a token.
// https://cloud.google.com/storage/docs/xml-api/get-bucket-list
type listResult struct {
	XMLName    xml.Name     `xml:"ListBucketResult"`
	Name       string       `xml:"Name"`
	Prefix     string       `xml:"Prefix"`
	Delimiter  string       `xml:"Delimiter,omitempty"`
	Marker     *string      `xml:"Marker"`
	NextMarker string       `xml:"NextMarker,omitempty"`
	Token      string       `xml:"ContinuationToken,omitempty"`
	NextToken  string       `xml:"NextContinuationToken,omitempty"`
	StartAfter string       `xml:"StartAfter,omitempty"`
	KeyCount   *int         `xml:"KeyCount"`
	MaxKeys    int          `xml:"MaxKeys"`
	Encoding   string       `xml:"EncodingType,omitempty"`
	Truncated  bool         `xml:"IsTruncated"`
	Contents   []xmlContent `xml:"Contents"`
	Prefixes   []xmlPrefix  `xml:"CommonPrefixes"`
}

type xmlContent struct {
	Key            string    `xml:"Key"`
	Generation     int64     `xml:"Generation"`
	Metageneration int64     `xml:"MetaGeneration"`
	Modified       time.Time `xml:"LastModified"`
	ETag           string    `xml:"ETag"`
	Size           int       `xml:"Size"`
	StorageClass   string    `xml:"StorageClass"`
}

type xmlPrefix struct {
	Prefix string `xml:"Prefix"`
}

func (q *request) listXML() (any, error) {
	b, err := q.needBucket("")
	if err != nil {
		return nil, err
	}
	v2 := q.query.Get("list-type") == "2"
	out := listResult{
		Name: b.Name, Prefix: q.query.Get("prefix"), Delimiter: q.query.Get("delimiter"), Encoding: q.query.Get("encoding-type"), MaxKeys: 1000,
		Token: q.query.Get("continuation-token"), StartAfter: q.query.Get("start-after"),
	}
	if !q.mayList("storage.objects.list", b, out.Prefix) {
		return nil, q.denied("storage.objects.list", "Storage bucket")
	}
	if text := q.query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, xmlFault(400, "InvalidArgument", "Invalid max-keys: %q", text)
		}
		out.MaxKeys = min(n, 1000)
	}
	after := or(out.Token, out.StartAfter)
	if !v2 {
		after = q.query.Get("marker")
		out.Marker = &after
	}
	entries := b.list(out.Prefix, out.Delimiter, "", "", false, false)
	slices.SortFunc(entries, func(a, b listed) int { return strings.Compare(a.key, b.key) })
	entries = slices.CompactFunc(entries, func(a, b listed) bool { return a.key == b.key })
	entries = slices.DeleteFunc(entries, func(e listed) bool { return e.key <= after })
	if len(entries) > out.MaxKeys {
		entries = entries[:out.MaxKeys]
		out.Truncated = true
	}
	if out.Truncated && len(entries) > 0 {
		if last := entries[len(entries)-1].key; v2 {
			out.NextToken = last
		} else {
			out.NextMarker = last
		}
	}
	if v2 {
		n := len(entries)
		out.KeyCount = &n
	}
	out.add(entries, b)
	return xmlReply(out)
}

func (r *listResult) add(entries []listed, b *bucket) {
	name := func(s string) string { return s }
	if r.Encoding == "url" {
		name = url.QueryEscape
	}
	for _, e := range entries {
		if e.prefix {
			r.Prefixes = append(r.Prefixes, xmlPrefix{name(e.key)})
			continue
		}
		o := e.object
		r.Contents = append(r.Contents, xmlContent{
			name(e.key), o.Generation, o.Metageneration, o.Updated, o.xmlETag(), len(o.Data), or(o.Meta.StorageClass, b.Config.StorageClass),
		})
	}
}
