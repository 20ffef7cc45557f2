// Which permission each call of S3 asks for.
package fakeaws_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// callVector is one call and the permissions that AWS documents for it.
type callVector struct {
	Name   string            `json:"name"`
	URL    string            `json:"url"`
	Method string            `json:"method"`
	Target string            `json:"target"`
	Header map[string]string `json:"header"`
	Body   string            `json:"body"`
	Asks   []ask             `json:"asks"`
}

type ask struct {
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

// stage is a cloud with a versioned bucket, two objects and an upload under way.
type stage struct {
	cloud    *fakeaws.Cloud
	operator key
	fill     *strings.Replacer
}

func newStage(t *testing.T) stage {
	t.Helper()
	c := fakeaws.New(fakeaws.Options{})
	s := stage{cloud: c}
	s.operator.id, s.operator.secret = c.Operator()
	do := func(method, target, body string, header map[string]string) answer {
		t.Helper()
		a := call(t, c, s.operator, method, target, body, header)
		if a.status/100 != 2 {
			t.Fatalf("%s %s: %d %s", method, target, a.status, a.body)
		}
		return a
	}
	newBucket(t, c, "acme-events")
	newBucket(t, c, "acme-empty")
	do("PUT", "/acme-events?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", nil)
	put := do("PUT", "/acme-events/events/a", "hello", map[string]string{"X-Amz-Tagging": "a=b"})
	do("PUT", "/acme-events/events/b", "hello", nil)
	upload := between(do("POST", "/acme-events/events/a?uploads", "", nil).body, "<UploadId>", "</UploadId>")
	part := do("PUT", "/acme-events/events/a?partNumber=1&uploadId="+upload, "part", nil)
	do("PUT", "/acme-empty?lifecycle", "<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>", nil)
	do("PUT", "/acme-empty?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-empty/none"}]}`, nil)
	s.fill = strings.NewReplacer("{upload}", upload, "{etag}", part.header.Get("ETag"), "{oetag}", put.header.Get("ETag"), "{version}", put.header.Get("X-Amz-Version-Id"))
	return s
}

// send sends the vector's call with k's key.
func (s stage) send(t *testing.T, v callVector, k key) answer {
	t.Helper()
	body := s.fill.Replace(v.Body)
	sum := md5.Sum([]byte(body))
	header := map[string]string{}
	for name, value := range v.Header {
		header[name] = strings.ReplaceAll(s.fill.Replace(value), "{md5}", base64.StdEncoding.EncodeToString(sum[:]))
	}
	return call(t, s.cloud, k, v.Method, s.fill.Replace(v.Target), body, header)
}

// user makes a user who may do exactly what is asked for.
func (s stage) user(t *testing.T, name string, asks []ask) key {
	t.Helper()
	type statement struct{ Effect, Action, Resource string }
	doc := struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"Allow", "s3:GetBucketCORS", "*"}}}
	for _, a := range asks {
		doc.Statement = append(doc.Statement, statement{"Allow", a.Action, a.Resource})
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return newKey(t, s.cloud, name, string(text))
}

func TestEveryCallNeedsExactlyItsDocumentedPermissions(t *testing.T) {
	for _, v := range readJSON[[]callVector](t, "../../../testdata/vectors/aws/calls.json") {
		t.Run(v.Name, func(t *testing.T) {
			s := newStage(t)
			if a := s.send(t, v, s.user(t, "all", v.Asks)); a.status/100 != 2 || strings.Contains(a.body, "AccessDenied") {
				t.Errorf("with %v: got %d %s, want success (%s)", v.Asks, a.status, a.body, v.URL)
			}
			for i, missing := range v.Asks {
				s := newStage(t)
				k := s.user(t, "less", slices.Delete(slices.Clone(v.Asks), i, i+1))
				if a := s.send(t, v, k); a.status != 403 && !strings.Contains(a.body, "AccessDenied") {
					t.Errorf("without %v: got %d %s, want a refusal (%s)", missing, a.status, a.body, v.URL)
				}
			}
		})
	}
}
