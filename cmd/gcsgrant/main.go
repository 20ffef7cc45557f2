// gcsgrant grants access to buckets of Google Cloud Storage.
package main

import (
	"os"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs"
)

func main() { os.Exit(cli.Main(cloud())) }

func cloud() cli.Cloud {
	return cli.Cloud{
		Program: "gcsgrant",
		Region:  "EU",
		Connect: func(c core.Connection) core.Provider { return gcs.New(gcs.Config{Connection: c}) },
		Sandbox: func(snapshot []byte) (cli.Sandbox, error) { return gcs.OpenSandbox(snapshot) },
	}
}
