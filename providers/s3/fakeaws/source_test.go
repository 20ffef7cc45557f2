// Where a request comes from, and that policies can tell.
package fakeaws_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const fromOffice = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}}]}`

func TestPoliciesSeeWhereARequestComesFrom(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	newBucket(t, cloud, "acme-events")
	k := newKey(t, cloud, "alice", fromOffice)
	put := func(h http.Handler) int { return call(t, h, k, "PUT", "/acme-events/x", "x", nil).status }
	if got := put(cloud); got != 403 {
		t.Errorf("from nowhere in particular: got %d, want 403", got)
	}
	for ip, want := range map[string]int{"203.0.113.7": 200, "203.0.114.7": 403, "2001:db8::1": 200, "2001:db9::1": 403} {
		if got := put(cloud.From(ip)); got != want {
			t.Errorf("from %s: got %d, want %d", ip, got, want)
		}
		cloud.SetSourceIP(ip)
		if got := put(cloud); got != want {
			t.Errorf("with the cloud's source at %s: got %d, want %d", ip, got, want)
		}
	}
	b, err := cloud.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fakeaws.Restore(b)
	if err != nil {
		t.Fatal(err)
	}
	again.SetSourceIP("203.0.113.7")
	if got := put(again); got != 200 {
		t.Errorf("restored: got %d, want 200", got)
	}
}

func TestASocketIsBelievedAboutItsAddress(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{SourceIP: "203.0.113.7"})
	newBucket(t, cloud, "acme-events")
	k := newKey(t, cloud, "alice", fromOffice)
	server := httptest.NewServer(cloud)
	defer server.Close()
	r := request(t, "PUT", "/acme-events/x", "x", nil)
	r.URL.Scheme, r.URL.Host = "http", server.Listener.Addr().String()
	r.Host = ""
	resp, err := server.Client().Do(signAt(t, r, k, now()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 403 {
		t.Errorf("from the loopback interface: got %d, want 403", resp.StatusCode)
	}
	if a := call(t, cloud, k, "PUT", "/acme-events/x", "x", nil); a.status != 200 {
		t.Errorf("without a socket: got %d %s, want 200", a.status, a.body)
	}
}
