//go:build conformance

// The models of AWS's own clients judge what the provider sends and what the fake answers.
package s3

import (
	"net/http"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest/contract"
)

// traffic is what was judged in all worlds.
var traffic contract.Tally

// leastOperations is fewer than the conformance suite uses.
const leastOperations = 60

// policyBoundary is what kind of boundary there is: "Policy" by the words of AWS's page,
// "PermissionsBoundaryPolicy" by its list of values and by the models. The fake follows the words.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachedPermissionsBoundary.html
const policyBoundary = `PermissionsBoundary.PermissionsBoundaryType: got "Policy"`

func judged(t *testing.T, cloud http.Handler) http.Handler {
	t.Helper()
	return contract.Watch(t, cloud, contract.OfAWS, &traffic, policyBoundary)
}
