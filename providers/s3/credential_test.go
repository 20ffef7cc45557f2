// What a cloud calls a key goes into names of files and commands only if it can be a key's name.
package s3

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func TestIDOfAKeyIsCheckedBeforeItIsUsed(t *testing.T) {
	for _, id := range []string{"../../.ssh/authorized", "AKIA; rm -rf ~ #AAAAA", "AKIA", "AKIAIOSFODNN7EXAMPLE\n", "akiaiosfodnn7example", strings.Repeat("A", 129)} {
		t.Run(id, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.keyless()
				t.Transport().Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
					if c.Op.Name != "iam:CreateAccessKey" {
						return cloudsim.Fault{}
					}
					return cloudsim.Fault{Reply: reply(http.StatusOK, fmt.Sprintf(`<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateAccessKeyResult><AccessKey><UserName>acme-events</UserName><AccessKeyId>%s</AccessKeyId><Status>Active</Status><SecretAccessKey>dummy</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>`, id))}
				}
				_, err := t.apply(eventDump(), core.ApplyOptions{NoProof: true})
				if !errors.Is(err, core.ErrUnknown) || len(t.hands.got) != 1 {
					t.Errorf("got error %v and %d deliveries, want %v and the first delivery only", err, len(t.hands.got), core.ErrUnknown)
				}
			})
		})
	}
}
