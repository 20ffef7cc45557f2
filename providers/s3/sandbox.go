// Sandbox: a whole AWS in memory, with an operator who may do everything in it.
package s3

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// Sandbox is a fake AWS. The provider on it is the real one.
type Sandbox struct {
	cloud     *fakeaws.Cloud
	transport *cloudsim.Transport
}

// OpenSandbox continues the sandbox of a snapshot; nil is a fresh one.
func OpenSandbox(snapshot []byte) (*Sandbox, error) {
	cloud := fakeaws.New(fakeaws.Options{})
	if snapshot != nil {
		var err error
		if cloud, err = fakeaws.Restore(snapshot); err != nil {
			return nil, err
		}
	}
	s := &Sandbox{cloud, &cloudsim.Transport{Handler: cloud, Classify: cloud.Classify}}
	if snapshot == nil {
		return s, s.furnish()
	}
	return s, nil
}

// neighbour is a bucket of the sandbox's owner that no grant is about, so that a
// proof has another bucket to be refused in.
const neighbour = "acme-payroll"

// furnish makes what an account has before anybody is granted anything.
func (s *Sandbox) furnish() error {
	id, secret := s.cloud.Operator()
	client := s3.New(s3.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), HTTPClient: &http.Client{Transport: s.transport}})
	_, err := client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String(neighbour)})
	s.transport.Reset()
	return err
}

// Provider acts as the sandbox's operator. It reads nothing of the user's own
// configuration and opens no socket.
func (s *Sandbox) Provider() core.Provider {
	id, secret := s.cloud.Operator()
	return New(Config{Transport: s.transport, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), Isolated: true, StandIn: played{s.cloud}})
}

// Handler serves S3, IAM and STS on one address.
func (s *Sandbox) Handler() http.Handler { return s.cloud }

// Transport is what every call of the provider crosses.
func (s *Sandbox) Transport() *cloudsim.Transport { return s.transport }

// Snapshot is the whole state, with the secrets of a cloud that does not exist.
func (s *Sandbox) Snapshot() ([]byte, error) { return s.cloud.Snapshot() }

// Environment is what points AWS's own tools at the sandbox when it is served on listen.
func (s *Sandbox) Environment(listen string) []string {
	id, secret := s.cloud.Operator()
	return []string{
		"AWS_ENDPOINT_URL=http://" + listen,
		"AWS_ACCESS_KEY_ID=" + id,
		"AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1", // what version 1 of the aws CLI reads
	}
}
