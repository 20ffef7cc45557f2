// Where a request is addressed to: bucket, key and region.
package fakeaws

import (
	"net/http"
	"slices"
	"strings"
)

// split takes bucket and key from the host (BUCKET.s3.REGION.amazonaws.com,
// BUCKET.localhost) or from the path.
func split(r *http.Request) (bucketName, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host, _, _ := strings.Cut(hostOf(r), ":")
	if before, ok := strings.CutSuffix(host, ".localhost"); ok {
		return before, path
	}
	labels := strings.Split(host, ".")
	i := slices.IndexFunc(labels, func(l string) bool { return l == "s3" || strings.HasPrefix(l, "s3-") })
	if i > 0 && strings.Contains(host, ".amazonaws.") {
		return strings.Join(labels[:i], "."), path
	}
	bucketName, key, _ = strings.Cut(path, "/")
	return bucketName, key
}

// hostOf is the host that a request is for, on either side of the wire.
func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// endpointRegion is the region of the host that a request was sent to; "" if the host does not say.
func endpointRegion(host string) string {
	host, _, _ = strings.Cut(host, ":")
	before, _, ok := strings.Cut(host, ".amazonaws.")
	if !ok {
		return ""
	}
	labels := strings.Split(before, ".")
	switch last := labels[len(labels)-1]; {
	case last == "s3":
		return "us-east-1"
	case strings.HasPrefix(last, "s3-"):
		return strings.TrimPrefix(last, "s3-")
	default:
		return last
	}
}

// rightRegion refuses a request that was sent to, or signed for, another region
// than the bucket's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func (k *s3Call) rightRegion(op s3Op) error {
	signed, host := scopeOf(k.r).region, hostOf(k.r)
	endpoint := endpointRegion(host)
	if k.bucket != nil && strings.HasPrefix(host, k.name+".s3.amazonaws.") { // the name leads to the bucket's region
		endpoint = k.bucket.Region
	}
	switch {
	case signed != "" && endpoint != "" && signed != endpoint:
		return k.wrongRegion(signed, endpoint)
	case k.bucket == nil || op.name == "CreateBucket":
		return nil
	case signed == k.bucket.Region, signed == "" && (endpoint == "" || endpoint == k.bucket.Region):
		return nil
	case op.name == "GetBucketLocation" && signed == "us-east-1": // answers for any region
		return nil
	}
	return &apiError{
		Code: "PermanentRedirect", Status: 301,
		Message: "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
		Extra:   map[string]string{"Bucket": k.name, "Endpoint": k.name + ".s3." + k.bucket.Region + "." + k.suffix()},
		Header:  map[string]string{"X-Amz-Bucket-Region": k.bucket.Region},
	}
}

func (k *s3Call) wrongRegion(got, want string) error {
	err := &apiError{
		Code: "AuthorizationHeaderMalformed", Status: 400,
		Message: "The authorization header is malformed; the region '" + got + "' is wrong; expecting '" + want + "'",
		Extra:   map[string]string{"Region": want},
	}
	if k.bucket != nil {
		err.Header = map[string]string{"X-Amz-Bucket-Region": k.bucket.Region}
	}
	return err
}

func (c *Cloud) suffix() string {
	switch c.state.Partition {
	case "aws-cn":
		return "amazonaws.com.cn"
	case "aws-eusc":
		return "amazonaws.eu"
	}
	return "amazonaws.com"
}
