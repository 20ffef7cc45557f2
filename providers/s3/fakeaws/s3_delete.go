// Deleting objects and versions.
package fakeaws

import (
	"encoding/xml"
	"strings"
	"time"
)

func deleteObject(k *s3Call) error {
	version := k.q.Get("versionId")
	out, err := k.remove(k.key, version, k.r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	if out.marker {
		k.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	if out.version != "" {
		k.w.Header().Set("X-Amz-Version-Id", out.version)
	}
	k.w.WriteHeader(204)
	return nil
}

type removal struct {
	version string
	marker  bool
}

// remove deletes a version for good, or puts a delete marker on top.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
func (k *s3Call) remove(key, version, match string) (removal, error) {
	action := "s3:DeleteObject"
	if version != "" {
		action = "s3:DeleteObjectVersion"
	}
	if err := k.mayOn(action, k.bucket, key); err != nil {
		return removal{}, err
	}
	if match != "" {
		if match != "*" { // comparing an ETag is reading
			if err := k.mayOn("s3:GetObject", k.bucket, key); err != nil {
				return removal{}, err
			}
		}
		switch old := k.bucket.alive(key); {
		case old == nil:
			return removal{}, noSuchKey(key)
		case match != "*" && strings.Trim(match, `"`) != strings.Trim(old.ETag, `"`):
			return removal{}, preconditionFailed("If-Match")
		}
	}
	if version != "" {
		gone := k.bucket.drop(key, version)
		return removal{version, gone != nil && gone.Marker}, nil
	}
	if k.bucket.Versioning == "" {
		k.bucket.drop(key, "null")
		return removal{}, nil
	}
	o := &object{Key: key, Marker: true, Modified: time.Now().UTC().Truncate(time.Second)}
	k.bucket.add(o)
	return removal{o.Version, true}, nil
}

func deleteObjects(k *s3Call) error {
	var in struct {
		XMLName xml.Name
		Quiet   bool
		Object  []struct {
			Key       string
			VersionID string `xml:"VersionId"`
			ETag      string
		}
	}
	if err := k.parse(&in); err != nil {
		return err
	}
	if len(in.Object) == 0 || len(in.Object) > 1000 {
		return malformedXML()
	}
	if k.r.Header.Get("Content-Md5") == "" {
		if name, _, _ := checksum(k.r.Header, k.trailer, k.body); name == "" {
			return &apiError{Code: "InvalidRequest", Status: 400, Message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"}
		}
	}
	if _, _, bad := checksum(k.r.Header, k.trailer, k.body); bad != nil {
		return bad
	}
	type deleted struct {
		Key                   string
		VersionID             string `xml:"VersionId,omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	type failed struct {
		Key       string
		VersionID string `xml:"VersionId,omitempty"`
		Code      string
		Message   string
	}
	var out struct {
		Deleted []deleted
		Error   []failed
	}
	for _, o := range in.Object {
		got, err := k.remove(o.Key, o.VersionID, o.ETag)
		if err != nil {
			e := asAPIError(err)
			out.Error = append(out.Error, failed{o.Key, o.VersionID, e.Code, e.Message})
			continue
		}
		if in.Quiet {
			continue
		}
		d := deleted{Key: o.Key, VersionID: o.VersionID, DeleteMarker: got.marker}
		if got.marker {
			d.DeleteMarkerVersionID = got.version
		}
		out.Deleted = append(out.Deleted, d)
	}
	return k.reply("DeleteResult", out)
}
