// Bodies: their hash, their checksum, and the aws-chunked encoding.
package fakeaws

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	signedChunks    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

// maxBody is more than any request of a bucket's set-up or proof needs.
const maxBody = 1 << 30

func readBody(r *http.Request) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r.Body, maxBody))
}

// payload returns the body without its transfer coding, after checking what the
// signature says about it. s is nil for an anonymous request.
func payload(r *http.Request, s *signature, secret string, body []byte) ([]byte, http.Header, *apiError) {
	word := r.Header.Get("X-Amz-Content-Sha256")
	if s != nil {
		word = s.payload
	}
	trailer := http.Header{}
	switch {
	case strings.HasPrefix(word, "STREAMING-"):
		if word != unsignedTrailer && word != signedChunks && word != signedTrailer {
			return nil, nil, &apiError{Code: "NotImplemented", Status: 501, Message: "A header you provided implies functionality that is not implemented"}
		}
		var err *apiError
		if body, trailer, err = unchunk(body, s, secret, word != unsignedTrailer); err != nil {
			return nil, nil, err
		}
		if n := r.Header.Get("X-Amz-Decoded-Content-Length"); n != strconv.Itoa(len(body)) {
			return nil, nil, &apiError{Code: "IncompleteBody", Status: 400, Message: "You did not provide the number of bytes specified by the x-amz-decoded-content-length header"}
		}
	case word == unsignedPayload, s == nil:
	default:
		if word != hashHex(body) {
			return nil, nil, &apiError{Code: "XAmzContentSHA256Mismatch", Status: 400, Message: "The provided 'x-amz-content-sha256' header does not match what was computed."}
		}
	}
	return body, trailer, nil
}

// unchunk decodes aws-chunked: chunks of "size[;chunk-signature=…]\r\n data \r\n",
// an empty one at the end, then the trailing headers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func unchunk(body []byte, s *signature, secret string, signed bool) ([]byte, http.Header, *apiError) {
	broken := &apiError{Code: "IncompleteBody", Status: 400, Message: "The request body is not well formed aws-chunked data"}
	mismatch := &apiError{Code: "SignatureDoesNotMatch", Status: 403, Message: "The chunk signature we calculated does not match the signature you provided."}
	var out []byte
	previous := ""
	if s != nil {
		previous = s.value
	}
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		if !ok {
			return nil, nil, broken
		}
		size, extension, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil || n < 0 || n > int64(len(rest)) {
			return nil, nil, broken
		}
		data := rest[:n]
		if signed {
			got := strings.TrimPrefix(extension, "chunk-signature=")
			if s == nil || !s.validChunk(secret, previous, got, data) {
				return nil, nil, mismatch
			}
			previous = got
		}
		out = append(out, data...)
		body = rest[n:]
		if n == 0 {
			break
		}
		if !bytes.HasPrefix(body, []byte("\r\n")) {
			return nil, nil, broken
		}
		body = body[2:]
	}
	trailer := http.Header{}
	for line := range strings.SplitSeq(string(body), "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok {
			trailer.Set(k, strings.TrimSpace(v))
		}
	}
	if got := trailer.Get("X-Amz-Trailer-Signature"); signed && got != "" && !s.validTrailer(secret, previous, got, string(body)) {
		return nil, nil, mismatch
	}
	return out, trailer, nil
}

func (s *signature) validChunk(secret, previous, got string, data []byte) bool {
	empty, sum := sha256.Sum256(nil), sha256.Sum256(data)
	want := mac(s.signingKey(secret), s.stringToSign(algorithm+"-PAYLOAD", previous, hex.EncodeToString(empty[:]), hex.EncodeToString(sum[:])))
	raw, err := hex.DecodeString(got)
	return err == nil && hmac.Equal(raw, want)
}

func (s *signature) validTrailer(secret, previous, got, lines string) bool {
	var canonical strings.Builder
	for line := range strings.SplitSeq(lines, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && !strings.EqualFold(k, "x-amz-trailer-signature") {
			canonical.WriteString(strings.ToLower(k) + ":" + strings.TrimSpace(v) + "\n")
		}
	}
	sum := sha256.Sum256([]byte(canonical.String()))
	want := mac(s.signingKey(secret), s.stringToSign(algorithm+"-TRAILER", previous, hex.EncodeToString(sum[:])))
	raw, err := hex.DecodeString(got)
	return err == nil && hmac.Equal(raw, want)
}

// checksum returns the first checksum header that names a known algorithm and
// compares it with the body; other algorithms are taken on trust.
func checksum(h, trailer http.Header, body []byte) (name, value string, err *apiError) {
	if want := h.Get("Content-Md5"); want != "" {
		if sum := md5.Sum(body); want != base64.StdEncoding.EncodeToString(sum[:]) {
			return "", "", &apiError{Code: "BadDigest", Status: 400, Message: "The Content-MD5 you specified did not match what we received."}
		}
	}
	for _, kind := range []string{"Crc32", "Crc32c", "Sha1", "Sha256", "Crc64nvme"} {
		name := "X-Amz-Checksum-" + kind
		value := h.Get(name)
		if value == "" {
			value = trailer.Get(name)
		}
		if value == "" {
			continue
		}
		if want := digest(kind, body); want != "" && want != value {
			return "", "", &apiError{Code: "BadDigest", Status: 400, Message: "The " + strings.ToUpper(kind) + " you specified did not match the calculated checksum."}
		}
		return name, value, nil
	}
	return "", "", nil
}

// digest returns "" for an algorithm that it does not know.
func digest(kind string, body []byte) string {
	var sum []byte
	switch kind {
	case "Crc32":
		sum = binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	case "Crc32c":
		sum = binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	case "Sha1":
		h := sha1.Sum(body)
		sum = h[:]
	case "Sha256":
		h := sha256.Sum256(body)
		sum = h[:]
	default:
		return ""
	}
	return base64.StdEncoding.EncodeToString(sum)
}

func hashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// peek reads a body and puts it back.
func peek(r *http.Request) []byte {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.GetBody != nil {
		if again, err := r.GetBody(); err == nil {
			defer again.Close()
			b, _ := io.ReadAll(again)
			return b
		}
	}
	b, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b
}
