// The conformance suite, on the fake AWS.
package s3

import (
	"flag"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, newWorld)
	if whole := !strings.Contains(flag.Lookup("test.run").Value.String(), "/"); whole {
		traffics(t)
	}
}
