// The stories of testdata/script, told by s3grant.
package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"s3grant": func() { os.Exit(clitest.Program(seam())) }})
}

func TestStories(t *testing.T) { clitest.Run(t, cloud()) }

func TestLives(t *testing.T) { clitest.Lives(t, cloud()) }

func TestBinaryIsSmall(t *testing.T) { clitest.Binary(t, cloud(), 20) }

func TestServedSandboxNeedsConsent(t *testing.T) { clitest.Serve(t, cloud(), 0) }

func TestSignalEndsARunThatWaits(t *testing.T) {
	clitest.Interrupt(t, cloud(), func(address string) []string {
		return []string{"AWS_ENDPOINT_URL=http://" + address, "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=none"}
	})
}

func TestReadmeIsUnderstood(t *testing.T) { clitest.Readme(t, cloud()) }

func TestNobodyHasToListen(t *testing.T) { clitest.Pipe(t, cloud()) }

func TestADiskThatFailsLosesNoKeyAndLeavesNothingHalf(t *testing.T) {
	clitest.Disk(t, cloud(), "apply", "apply in a sandbox's file", "rotate start", "rotate finish", "rotate abort", "reissue", "revoke", "restore", "destroy", "plan", "man")
}
