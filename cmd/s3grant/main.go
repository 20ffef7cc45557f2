// s3grant grants access to buckets of Amazon S3.
package main

import (
	"os"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/s3"
)

func main() { os.Exit(cli.Main(cloud())) }

func cloud() cli.Cloud {
	return cli.Cloud{
		Program: "s3grant",
		Region:  "eu-west-1",
		Connect: func(c core.Connection) core.Provider { return s3.New(s3.Config{Connection: c}) },
		Sandbox: func(snapshot []byte) (cli.Sandbox, error) { return s3.OpenSandbox(snapshot) },
	}
}
