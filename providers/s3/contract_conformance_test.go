//go:build conformance

// The models of AWS's own clients judge what the provider sends and what the fake answers.
package s3

import (
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest/contract"
)

// models are read once, from the Python that make conformance installs.
var models = sync.OnceValues(func() (*contract.AWS, error) {
	dir, err := exec.Command("python3", "-c", "import botocore, os; print(os.path.join(os.path.dirname(botocore.__file__), 'data'))").Output()
	if err != nil {
		return nil, err
	}
	return contract.ReadAWS(strings.TrimSpace(string(dir)), "iam", "s3", "sts")
})

// traffic is what was judged in all worlds.
var traffic contract.Tally

// leastOperations is fewer than the conformance suite uses.
const leastOperations = 60

func traffics(t *testing.T) { t.Helper(); traffic.Print(t, leastOperations) }

// judged is the cloud, whose traffic is held up to the models.
func judged(t *testing.T, cloud http.Handler) http.Handler {
	t.Helper()
	aws, err := models()
	if err != nil {
		t.Fatal(err)
	}
	w := contract.Beside(cloud, aws)
	t.Cleanup(func() {
		for _, f := range w.Faults() {
			t.Errorf("AWS's models do not allow %s", f)
		}
		traffic.Add(w)
	})
	return w
}
