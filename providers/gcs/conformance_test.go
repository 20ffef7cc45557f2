// The judge's verdict on this provider.
package gcs

import (
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// leastMethods is fewer than the conformance suite uses of Google's APIs.
const leastMethods = 30

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.World { return newWorld(t) })
	traffic.Print(t, leastMethods)
}
