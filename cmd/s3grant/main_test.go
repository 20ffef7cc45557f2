// The stories of testdata/script, told by s3grant.
package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"s3grant": main})
}

func TestStories(t *testing.T) { clitest.Run(t, cloud()) }
