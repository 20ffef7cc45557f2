// Bodies whose every chunk is signed.
package fakeaws_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// chunked builds a PUT whose chunks are signed as
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html says.
func chunked(t *testing.T, k key, trailer string, chunks ...string) *http.Request {
	t.Helper()
	at := time.Now().UTC()
	r := request(t, "PUT", "/acme-events/x", "", map[string]string{
		"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": fmt.Sprint(len(strings.Join(chunks, ""))),
	})
	r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
	if trailer != "" {
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	}
	r.ContentLength = -1
	signAt(t, r, k, at)
	sum := func(b []byte, text string) []byte {
		h := hmac.New(sha256.New, b)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	hash := func(text string) string {
		h := sha256.Sum256([]byte(text))
		return hex.EncodeToString(h[:])
	}
	day := at.Format("20060102")
	signing := sum(sum(sum(sum([]byte("AWS4"+k.secret), day), "eu-west-1"), "s3"), "aws4_request")
	_, previous, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	var body strings.Builder
	for _, chunk := range append(chunks, "") {
		text := strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", at.Format("20060102T150405Z"), day + "/eu-west-1/s3/aws4_request", previous, hash(""), hash(chunk)}, "\n")
		previous = hex.EncodeToString(sum(signing, text))
		fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n", len(chunk), previous)
		if chunk != "" {
			body.WriteString(chunk + "\r\n")
		}
	}
	if trailer != "" {
		line := "x-amz-checksum-crc32:" + trailer
		text := strings.Join([]string{"AWS4-HMAC-SHA256-TRAILER", at.Format("20060102T150405Z"), day + "/eu-west-1/s3/aws4_request", previous, hash(line + "\n")}, "\n")
		fmt.Fprintf(&body, "%s\r\nx-amz-trailer-signature:%x\r\n", line, sum(signing, text))
	}
	body.WriteString("\r\n")
	r.Body = http.NoBody
	return withBody(r, body.String())
}

func TestEveryChunkOfASignedStreamIsChecked(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	k := newKey(t, c, "alice", anything)
	if a := send(t, c, chunked(t, k, "", "first ", "second")); a.status != 200 {
		t.Fatalf("well signed: got %d %s", a.status, a.body)
	}
	if a := call(t, c, k, "GET", "/acme-events/x", "", nil); a.body != "first second" {
		t.Errorf("got %q, want the chunks' content", a.body)
	}
	for name, change := range map[string]struct {
		old, new string
		want     int
	}{
		"another chunk":  {"second", "secon!", 403},
		"a missing tail": {"\r\nsecond\r\n", "\r\nsec", 403},
	} {
		r := chunked(t, k, "", "first ", "second")
		body := readAll(t, r)
		if a := send(t, c, withBody(r, strings.Replace(body, change.old, change.new, 1))); a.status != change.want {
			t.Errorf("%s: got %d %s, want %d", name, a.status, a.body, change.want)
		}
	}
}

func TestASignedTrailerIsChecked(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	k := newKey(t, c, "alice", anything)
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte("first second"))))
	for _, v := range []struct {
		name, sum, old, new string
		want                int
	}{
		{"well signed", sum, "", "", 200},
		{"a wrong checksum, well signed", "AAAAAA==", "", "", 400},
		{"another checksum than the signed one", sum, sum, "AAAAAA==", 403},
		{"no signature", sum, "x-amz-trailer-signature", "x-amz-other", 403},
	} {
		r := chunked(t, k, v.sum, "first ", "second")
		body := readAll(t, r)
		if v.old != "" {
			body = strings.Replace(body, v.old, v.new, 1)
		}
		if a := send(t, c, withBody(r, body)); a.status != v.want {
			t.Errorf("%s: got %d %s, want %d", v.name, a.status, a.body, v.want)
		}
	}
}
