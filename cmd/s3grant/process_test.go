// What only real processes can show, with s3grant.
package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/s3"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// seam is s3grant with its cloud beyond a wire.
func seam() clitest.Seam {
	return clitest.Seam{
		Cloud: cloud(),
		Open: func(snapshot []byte) (clitest.Fake, error) {
			if snapshot == nil {
				furnished, err := s3.OpenSandbox(nil)
				if err == nil {
					snapshot, err = furnished.Snapshot()
				}
				if err != nil {
					return clitest.Fake{}, err
				}
			}
			c, err := fakeaws.Restore(snapshot)
			if err != nil {
				return clitest.Fake{}, err
			}
			id, secret := c.Operator()
			return clitest.Fake{
				Handler: c, Writes: func(r *http.Request) bool { return c.Classify(r).Write }, Snapshot: c.Snapshot,
				Operator: []byte(id + " " + secret), Secret: regexp.MustCompile(`<(?:SecretAccessKey|SessionToken)>([^<]+)<`),
			}, nil
		},
		Connect: func(wire http.RoundTripper, operator []byte) core.Provider {
			id, secret, _ := strings.Cut(string(operator), " ")
			return s3.New(s3.Config{Transport: wire, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), Isolated: true})
		},
	}
}

func TestWhateverHappensToAProcess(t *testing.T) { clitest.Processes(t, seam()) }
