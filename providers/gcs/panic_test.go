// A bug in one of several reads is an error that shows no value.
package gcs

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func TestPanicOfAReadIsAnErrorWithoutItsValue(t *testing.T) {
	for _, op := range []string{"storage.buckets.list", "iam.projects.roles.get", "iam.projects.serviceAccounts.keys.list"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
				if c.Op.Name == op {
					panic("hunter2")
				}
				return cloudsim.Fault{}
			}
			_, err := w.engine().Plan(t.Context(), eventDump(), core.Present)
			if err == nil || !strings.Contains(err.Error(), "internal error at ") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: got %v, want an internal error without the panic's value", op, err)
			}
		})
	}
}
