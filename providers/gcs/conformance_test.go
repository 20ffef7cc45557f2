// The judge's verdict on this provider.
package gcs

import (
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.World { return newWorld(t) })
}
