// The aws-chunked encoding of a body.
package fakeaws

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// unchunk decodes aws-chunked: chunks of "size[;chunk-signature=…]\r\n data \r\n",
// an empty one at the end, then the trailing headers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func unchunk(body []byte, s *signature, secret, word string) ([]byte, http.Header, *apiError) {
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
		if word != unsignedTrailer {
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
	if word == signedTrailer && !s.validTrailer(secret, previous, trailer.Get("X-Amz-Trailer-Signature"), string(body)) {
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
