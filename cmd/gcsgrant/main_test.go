// The stories of testdata/script, told by gcsgrant.
package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gcsgrant": func() { os.Exit(clitest.Program(seam())) }})
}

func TestStories(t *testing.T) { clitest.Run(t, cloud()) }

func TestLives(t *testing.T) { clitest.Lives(t, cloud()) }

func TestBinaryIsSmall(t *testing.T) { clitest.Binary(t, cloud(), 24) }

func TestServedSandboxNeedsConsent(t *testing.T) { clitest.Serve(t, cloud(), 11) }

func TestReadmeIsUnderstood(t *testing.T) { clitest.Readme(t, cloud()) }

func TestNobodyHasToListen(t *testing.T) { clitest.Pipe(t, cloud()) }

func TestADiskThatFailsLosesNoKeyAndLeavesNothingHalf(t *testing.T) {
	clitest.Disk(t, cloud(), "reissue")
}
