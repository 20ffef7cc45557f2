// Digests: ETags, hashes of bodies, and the checksums that clients send along.
package fakeaws

import (
	"crypto/md5"  //nolint:gosec // what S3 makes its ETags of
	"crypto/sha1" //nolint:gosec // one of S3's checksums, no signature
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net/http"
	"strings"
)

// checksum returns the first checksum header that names a known algorithm and
// compares it with the body; other algorithms are taken on trust.
func checksum(h, trailer http.Header, body []byte) (name, value string, err *apiError) {
	if want := h.Get("Content-Md5"); want != "" {
		if want != base64.StdEncoding.EncodeToString(md5Of(body)) {
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
		h := sha1.Sum(body) //nolint:gosec // as S3 does
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

// etagOf is the entity tag of a body that was written in one piece.
func etagOf(b []byte) string {
	return `"` + hex.EncodeToString(md5Of(b)) + `"`
}

func md5Of(b []byte) []byte {
	sum := md5.Sum(b) //nolint:gosec // as S3 does
	return sum[:]
}
