//go:build bench

// What the guard costs on this cloud.
package gcs

import (
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/journal"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

func TestGuardCostsLittle(t *testing.T) {
	providertest.Guard(t, func(t *testing.T) providertest.World { return newWorld(t) }, func(dir string) (core.Journal, func() error, error) {
		j, err := journal.Open(dir, "guard", "bench")
		if err != nil {
			return nil, nil, err
		}
		return j, j.Close, nil
	})
}
