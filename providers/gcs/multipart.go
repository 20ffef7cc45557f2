// Multipart: uploads in parts by the protocol of Amazon S3, begun, given up and looked for.
package gcs

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"slices"
)

// nobodys is the ID of an upload that does not exist: a request that names it
// takes no effect, but is only told so after it was authorized.
const nobodys = "bucketgrant-no-such-upload"

// multipart begins an upload in parts, sends none, and gives it up.
func (a *pairActor) multipart(ctx context.Context, bucket, key string) error {
	got, err := a.pair.send(ctx, xmlRequest{method: http.MethodPost, bucket: bucket, key: key, query: url.Values{"uploads": {""}}})
	if err != nil {
		return err
	}
	var begun struct {
		UploadID string `xml:"UploadId"`
	}
	if err := xml.Unmarshal(got.body, &begun); err != nil || begun.UploadID == "" {
		return errors.New("the upload that was begun has no ID")
	}
	_, err = a.pair.send(ctx, xmlRequest{method: http.MethodDelete, bucket: bucket, key: key, query: url.Values{"uploadId": {begun.UploadID}}})
	return err
}

// part sends a part of an upload that does not exist.
func (a *pairActor) part(ctx context.Context, bucket, key string) error {
	_, err := a.pair.send(ctx, xmlRequest{method: http.MethodPut, bucket: bucket, key: key, body: []byte(proof),
		query: url.Values{"uploadId": {nobodys}, "partNumber": {"1"}}})
	return err
}

// sweepUploads gives up the unfinished uploads to a key.
func (c *caretaker) sweepUploads(ctx context.Context, key string) error {
	got, err := repeat(ctx, func() (answer, error) {
		return c.cloud.sendXML(ctx, xmlRequest{method: http.MethodGet, bucket: c.bucket, query: url.Values{"uploads": {""}, "prefix": {key}}})
	})
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var list struct {
		Uploads []struct {
			Key      string `xml:"Key"`
			UploadID string `xml:"UploadId"`
		} `xml:"Upload"`
	}
	if err := xml.Unmarshal(got.body, &list); err != nil {
		return err
	}
	for _, u := range slices.Clip(list.Uploads) {
		if u.Key != key {
			continue
		}
		_, err := repeat(ctx, func() (answer, error) {
			return c.cloud.sendXML(ctx, xmlRequest{method: http.MethodDelete, bucket: c.bucket, key: key, query: url.Values{"uploadId": {u.UploadID}}})
		})
		if err != nil && !isMissing(err) {
			return err
		}
	}
	return nil
}
