// Google's discovery documents judge what the provider sends and what the fake answers.
package gcs

import (
	"hash/fnv"
	"net/http"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest/contract"
)

// unheardOf is a field that Google may add one day, which a test plants.
const unheardOf = "notYetInvented"

// traffic is what was judged in all worlds.
var traffic contract.Tally

// judged is the cloud, which is watched in one world of so many.
func judged(t *testing.T, cloud http.Handler) http.Handler {
	t.Helper()
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.Name()))
	if h.Sum32()%oneWorldIn > 0 {
		return cloud
	}
	return contract.Watch(t, cloud, contract.OfGoogle, &traffic, unheardOf)
}
