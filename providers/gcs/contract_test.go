// Google's discovery documents judge what the provider sends and what the fake answers.
package gcs

import (
	"hash/fnv"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest/contract"
)

// discovery is read once; a module that is in go.mod is there.
var discovery = sync.OnceValues(func() (*contract.Google, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		return nil, err
	}
	return contract.ReadGoogle(strings.TrimSpace(string(dir)), "storage/v1/storage", "iam/v1/iam", "cloudresourcemanager/v1/cloudresourcemanager", "cloudresourcemanager/v3/cloudresourcemanager",
		"policytroubleshooter/v3/policytroubleshooter", "sts/v1/sts", "iamcredentials/v1/iamcredentials", "serviceusage/v1/serviceusage", "orgpolicy/v2/orgpolicy")
})

// unheardOf is a field that Google may add one day, which a test plants.
const unheardOf = "notYetInvented"

// traffic is what was judged in all worlds.
var traffic contract.Tally

// judged is the cloud, whose traffic is held up to the discovery documents in one
// world of so many.
func judged(t *testing.T, cloud http.Handler) http.Handler {
	t.Helper()
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.Name()))
	if h.Sum32()%oneWorldIn > 0 {
		return cloud
	}
	google, err := discovery()
	if err != nil {
		t.Fatal(err)
	}
	w := contract.Beside(cloud, google)
	t.Cleanup(func() {
		for _, f := range w.Faults() {
			if strings.Contains(f, unheardOf) {
				continue
			}
			t.Errorf("Google's discovery documents do not allow %s", f)
		}
		traffic.Add(w)
	})
	return w
}
