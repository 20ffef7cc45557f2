// Outputs: what the grantee must be told besides its key.
package s3

import (
	"context"
	"fmt"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// keyOutputs are the names of the place that a key is for.
func keyOutputs(d design) func(context.Context) ([]core.Output, error) {
	list := placeOutputs(d)
	return func(context.Context) ([]core.Output, error) { return list, nil }
}

// placeOutputs are the bucket and the folder, as clients ask for them.
func placeOutputs(d design) []core.Output {
	folder := d.folder()
	list := []core.Output{
		{Name: "bucket_arn", Value: d.bucketARN(), Why: "names the bucket in policies"},
		{Name: "folder_url", Value: d.folderURL(), Why: "the folder's address, for clients that take a URL"},
		{Name: "s3_uri", Value: "s3://" + d.bucket() + "/" + folder, Why: "the same for clients that take a URI"},
	}
	if d.grant.Target.Shared {
		list = append(list, core.Output{Name: "path", Value: strings.TrimSuffix(d.bucket()+"/"+folder, "/"), Why: "bucket and folder in one, as backup plugins ask for them"})
	}
	return list
}

// folder is the folder that the grantee is told: the prefix, or the one that the recipe makes by name.
func (d design) folder() string {
	if d.grant.Target.Prefix != "" {
		return d.grant.Target.Prefix
	}
	return d.named
}

// folderURL is the folder's address. A name with dots would break TLS as part of a host name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func (d design) folderURL() string {
	host := "s3." + d.region + "." + d.partition.suffix
	if strings.Contains(d.bucket(), ".") {
		return "https://" + host + "/" + d.bucket() + "/" + escapeKey(d.folder())
	}
	return "https://" + d.bucket() + "." + host + "/" + escapeKey(d.folder())
}

// escapeKey is a key as part of a URL. Everything that is not unreserved is
// escaped, "+" too, because some servers read it as a space.
func escapeKey(key string) string {
	var b strings.Builder
	for _, c := range []byte(key) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
