// Outputs: the bucket's and the folder's names, right for every part of AWS.
package s3

import (
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestPlacesAreNamedForTheirRegionAndPartition(t *testing.T) {
	for _, c := range []struct{ region, bucket, prefix, arn, url, uri string }{
		{"eu-west-1", "acme", "clickhouse/", "arn:aws:s3:::acme", "https://acme.s3.eu-west-1.amazonaws.com/clickhouse/", "s3://acme/clickhouse/"},
		{"us-east-1", "acme", "a/b/", "arn:aws:s3:::acme", "https://acme.s3.us-east-1.amazonaws.com/a/b/", "s3://acme/a/b/"},
		{"cn-north-1", "acme", "clickhouse/", "arn:aws-cn:s3:::acme", "https://acme.s3.cn-north-1.amazonaws.com.cn/clickhouse/", "s3://acme/clickhouse/"},
		{"us-gov-west-1", "acme", "clickhouse/", "arn:aws-us-gov:s3:::acme", "https://acme.s3.us-gov-west-1.amazonaws.com/clickhouse/", "s3://acme/clickhouse/"},
		{"eusc-de-east-1", "acme", "clickhouse/", "arn:aws-eusc:s3:::acme", "https://acme.s3.eusc-de-east-1.amazonaws.eu/clickhouse/", "s3://acme/clickhouse/"},
		{"eu-west-1", "acme.example.com", "clickhouse/", "arn:aws:s3:::acme.example.com", "https://s3.eu-west-1.amazonaws.com/acme.example.com/clickhouse/", "s3://acme.example.com/clickhouse/"},
		{"eu-west-1", "acme", "a+b/ü/", "arn:aws:s3:::acme", "https://acme.s3.eu-west-1.amazonaws.com/a%2Bb/%C3%BC/", "s3://acme/a+b/ü/"},
		{"eu-west-1", "acme", "", "arn:aws:s3:::acme", "https://acme.s3.eu-west-1.amazonaws.com/", "s3://acme/"},
	} {
		g := profiled(clickhouse(), "clickhouse", "")
		g.Target = core.Target{Bucket: c.bucket, Prefix: c.prefix, Region: c.region, Adopt: true}
		got := map[string]string{}
		for _, o := range placeOutputs(mustDraw(t, g)) {
			got[o.Name] = o.Value
		}
		for name, want := range map[string]string{"bucket_arn": c.arn, "folder_url": c.url, "s3_uri": c.uri} {
			if got[name] != want {
				t.Errorf("%s of %s in %s: got %q, want %q", name, c.bucket, c.region, got[name], want)
			}
		}
	}
}

func TestPluginIsToldBucketAndFolderInOne(t *testing.T) {
	for _, o := range placeOutputs(mustDraw(t, profiled(site(), "site-backup", ""))) {
		if o.Name == "path" && o.Value == "acme-sites/www.example.com" {
			return
		}
	}
	t.Error("got no path, want bucket/folder")
}

func TestDottedNamesAreForAdoptedBucketsOnly(t *testing.T) {
	for name, want := range map[string]bool{"acme.example.com": true, "a..b": false, "192.168.5.4": false, ".acme": false, "acme-.x": false, "xn--a.example": false} {
		g := eventDump()
		g.Target.Bucket = name
		if _, err := New(Config{}).Compile(g); err == nil {
			t.Errorf("%q: got success, want a bucket of ours without dots", name)
		}
		g.Target.Adopt = true
		if _, err := New(Config{}).Compile(g); (err == nil) != want {
			t.Errorf("%q adopted: got %v, want accepted %t", name, err, want)
		}
	}
}
