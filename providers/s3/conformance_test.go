// The conformance suite, on the fake AWS.
package s3

import (
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, newWorld)
	traffic.Print(t, leastOperations)
}
