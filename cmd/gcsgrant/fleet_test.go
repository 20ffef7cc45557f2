// Fleets: two hundred sites in the time that a person is willing to watch.
package main

import (
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs"
)

func TestTwoHundredSitesAreDoneWithinTenSeconds(t *testing.T) {
	slow := cloud()
	slow.Sandbox = func(snapshot []byte) (cli.Sandbox, error) {
		s, err := gcs.OpenSandbox(snapshot)
		if err == nil {
			s.Transport().Latency = 50 * time.Millisecond
		}
		return s, err
	}
	clitest.Fleet(t, slow, core.WhoKey, 200, 10*time.Second)
}
