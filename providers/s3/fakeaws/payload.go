// Bodies: their hash, their checksum, and the aws-chunked encoding.
package fakeaws

import (
	"bytes"
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
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(b) > maxBody {
		return nil, io.ErrShortBuffer
	}
	return b, err
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
		if body, trailer, err = unchunk(body, s, secret, word); err != nil {
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

// peek reads a body and puts it back.
func peek(r *http.Request) []byte {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.GetBody != nil {
		if again, err := r.GetBody(); err == nil {
			b, _ := io.ReadAll(again)
			_ = again.Close()
			return b
		}
	}
	b, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b
}
