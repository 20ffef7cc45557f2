// Judge: what a pillar's tests need to let a contract watch their clouds.
package contract

import (
	"net/http"
	"os/exec"
	"strings"
	"sync"
)

// apis are the services of Google's that gcsgrant talks to.
var apis = []string{"storage/v1/storage", "iam/v1/iam", "cloudresourcemanager/v1/cloudresourcemanager", "cloudresourcemanager/v3/cloudresourcemanager",
	"policytroubleshooter/v3/policytroubleshooter", "sts/v1/sts", "iamcredentials/v1/iamcredentials", "serviceusage/v1/serviceusage", "orgpolicy/v2/orgpolicy"}

// OfGoogle reads the discovery documents once, from the module of Google's Go clients.
var OfGoogle = sync.OnceValues(func() (Contract, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		return nil, err
	}
	return readGoogle(strings.TrimSpace(string(dir)), apis...)
})

// OfAWS reads the models once, from the Python clients that make conformance installs.
var OfAWS = sync.OnceValues(func() (Contract, error) {
	dir, err := exec.Command("python3", "-c", "import botocore, os; print(os.path.join(os.path.dirname(botocore.__file__), 'data'))").Output()
	if err != nil {
		return nil, err
	}
	return readAWS(strings.TrimSpace(string(dir)), "iam", "s3", "sts")
})

// T is what a judge needs of a test.
type T interface {
	Helper()
	Cleanup(f func())
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Watch is cloud, whose traffic is held up to a contract until the test ends, and
// counted in all. Faults that name one of the words in planted are a test's own.
func Watch(t T, cloud http.Handler, of func() (Contract, error), all *Tally, planted ...string) http.Handler {
	t.Helper()
	c, err := of()
	if err != nil {
		t.Fatalf("what the vendor has published cannot be read: %v", err)
	}
	w := Beside(cloud, c)
	t.Cleanup(func() {
		all.add(w)
		for _, f := range w.Faults() {
			if !named(f, planted) {
				t.Errorf("the vendor's contract does not allow %s", f)
			}
		}
	})
	return w
}

func named(fault string, words []string) bool {
	for _, w := range words {
		if strings.Contains(fault, w) {
			return true
		}
	}
	return false
}
