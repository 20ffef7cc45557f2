// What only real processes can show, with gcsgrant.
package main

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

// seam is gcsgrant with its cloud beyond a wire.
func seam() clitest.Seam {
	return clitest.Seam{
		Cloud: cloud(),
		Open: func(snapshot []byte) (clitest.Fake, error) {
			if snapshot == nil {
				furnished, err := gcs.OpenSandbox(nil)
				if err == nil {
					snapshot, err = furnished.Snapshot()
				}
				if err != nil {
					return clitest.Fake{}, err
				}
			}
			c, err := fakegcp.Restore(snapshot)
			if err != nil {
				return clitest.Fake{}, err
			}
			return clitest.Fake{
				Handler: c, Writes: func(r *http.Request) bool { return c.Classify(r).Write }, Snapshot: c.Snapshot,
				Operator: c.Operator(), Secret: regexp.MustCompile(`"(?:privateKeyData|secret|access_token|accessToken)":\s*"([^"]+)"`),
			}, nil
		},
		Connect: func(wire http.RoundTripper, operator []byte) core.Provider {
			return gcs.New(gcs.Config{Transport: wire, Credentials: operator})
		},
	}
}

func TestWhateverHappensToAProcess(t *testing.T) { clitest.Processes(t, seam()) }
