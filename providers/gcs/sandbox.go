// Sandbox: a Google Cloud in this process, for first steps and demonstrations.
package gcs

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strconv"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// SandboxProject is the project that every sandbox has.
const SandboxProject = "acme-project"

// sandboxAccounts is how many service accounts a sandbox may have: enough to
// try a fleet, as in a project whose quota was raised.
const sandboxAccounts = 2000

// Sandbox is a cloud that enforces policies and forgets everything unless it
// is kept.
type Sandbox struct {
	mu        sync.Mutex
	cloud     *fakegcp.Cloud
	transport *cloudsim.Transport
}

// OpenSandbox restores a sandbox, or makes a fresh one of nil.
func OpenSandbox(snapshot []byte) (*Sandbox, error) {
	cloud := fakegcp.New(fakegcp.Options{ServiceAccounts: sandboxAccounts, Project: SandboxProject})
	if snapshot != nil {
		var err error
		if cloud, err = fakegcp.Restore(snapshot); err != nil {
			return nil, err
		}
	}
	s := &Sandbox{cloud: cloud, transport: &cloudsim.Transport{Handler: cloud, Classify: cloud.Classify}}
	if snapshot == nil {
		return s, s.furnish(SandboxProject, cloud.Operator(), neighbour)
	}
	return s, nil
}

// neighbour is a bucket of the sandbox's owner that no grant is about, so that a
// proof has another bucket to be refused in. Names are unique in the world:
// other projects have one with their number behind it.
const neighbour = "acme-payroll"

// furnish makes what a project has before anybody is granted anything.
func (s *Sandbox) furnish(project string, operator []byte, bucket string) error {
	side := &cloudsim.Transport{Handler: s.cloud} // nobody's calls are counted
	id, err := operatorIdentity(operator, side)
	if err != nil {
		return err
	}
	client, err := newCloud(id.credentials, side, google()).storage()
	if err != nil {
		return err
	}
	attrs := bucketDocument{Location: "EU", IAM: iamDocument{Public: pap, Uniform: enabledDocument{true}}}.attrs()
	return client.Bucket(bucket).Create(context.Background(), project, attrs)
}

// Provider acts as the operator of whatever project a grant names.
func (s *Sandbox) Provider() core.Provider {
	p := New(Config{Connection: core.Connection{AllowEndpoint: true}, Transport: s.transport, StandIn: everybodyElse{s.cloud}})
	p.operatorOf = s.operatorOf
	return p
}

// operatorOf is the operator's key in a project, which is made if there is none.
func (s *Sandbox) operatorOf(project string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key, ok := s.cloud.OperatorOf(project); ok {
		return key, nil
	}
	number := projectNumber(project)
	key := s.cloud.AddProject(project, number)
	return key, s.furnish(project, key, neighbour+"-"+number)
}

// projectNumber is a number of twelve digits for a project.
func projectNumber(project string) string {
	const smallest, span = 100_000_000_000, 900_000_000_000
	sum := sha256.Sum256([]byte(project))
	return strconv.FormatUint(smallest+binary.BigEndian.Uint64(sum[:])%span, 10)
}

// Transport is what every call of the sandbox crosses.
func (s *Sandbox) Transport() *cloudsim.Transport { return s.transport }

// Handler serves the sandbox to other programs.
func (s *Sandbox) Handler() http.Handler { return s.cloud }

// Snapshot is the whole state, the operator's key included.
func (s *Sandbox) Snapshot() ([]byte, error) { return s.cloud.Snapshot() }

// Environment is what other programs need to use the sandbox at host:port, an
// access token of its operator for an hour included. Keys made from then on ask
// that address for their tokens.
func (s *Sandbox) Environment(listen string) []string {
	at := "http://" + listen
	s.cloud.SetTokenURI(at + "/token")
	environment := []string{
		"GOOGLE_CLOUD_PROJECT=" + SandboxProject,
		"CLOUDSDK_CORE_PROJECT=" + SandboxProject,
		"STORAGE_EMULATOR_HOST=" + at,
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=" + at + "/storage/v1/",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM=" + at + "/",
	}
	if id, err := operatorIdentity(s.cloud.Operator(), s.transport); err == nil {
		if token, err := id.credentials.Token(context.Background()); err == nil {
			environment = append(environment, "CLOUDSDK_AUTH_ACCESS_TOKEN="+token.Value)
		}
	}
	return environment
}
