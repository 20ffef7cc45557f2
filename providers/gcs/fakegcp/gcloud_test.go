// Promises about what gcloud itself sends and reads.
package fakegcp_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

func TestBoundaryInSingleQuotesIsUnderstood(t *testing.T) {
	for _, boundary := range []string{"'===============7330845974216740156=='", `"===============7330845974216740156=="`} {
		hands := acmeDumps(t)
		body := strings.ReplaceAll("--BB\r\nContent-Type: application/json\r\n\r\n{\"name\": \"events/a\"}\r\n--BB\r\nContent-Type: text/plain\r\n\r\nhello\r\n--BB--\r\n",
			"BB", "===============7330845974216740156==")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://storage.googleapis.com/upload/storage/v1/b/acme-dumps/o?uploadType=multipart", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "multipart/related; boundary="+boundary)
		if code, text := answerTo(t, hands, r); code != http.StatusOK || !strings.Contains(text, `"events/a"`) {
			t.Errorf("boundary %s: got %d %s, want the object stored", boundary, code, text)
		}
	}
}

func TestTimesHaveNoMoreDigitsThanGooglesDo(t *testing.T) {
	hands := acmeDumps(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://storage.googleapis.com/storage/v1/b/acme-dumps", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, text := answerTo(t, hands, r)
	if long := regexp.MustCompile(`"[^"]*\.[0-9]{4,}Z"`).FindString(text); long != "" || !strings.Contains(text, "timeCreated") {
		t.Errorf("got %s in %s, want milliseconds", long, text)
	}
}

// acmeDumps is a cloud with one bucket, and its operator's client.
func acmeDumps(t *testing.T) *http.Client {
	t.Helper()
	cloud := fakegcp.New(fakegcp.Options{})
	makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-dumps")
	return client(t, cloud, cloud.Operator())
}

func answerTo(t *testing.T, c *http.Client, r *http.Request) (int, string) {
	t.Helper()
	got, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(got.Body)
	if closed := got.Body.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
	return got.StatusCode, string(text)
}
