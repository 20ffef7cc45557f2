// Everything that the cloud remembers, as plain data that can be saved and restored.
package fakegcp

import (
	"encoding/json"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// state is the whole cloud. [Cloud] guards it with one lock.
type state struct {
	Settings   settings                    `json:"settings"`
	Projects   map[string]*project         `json:"projects"`   // by project ID
	Buckets    map[string]*bucket          `json:"buckets"`    // by name: one namespace for all projects
	Accounts   map[string]*account         `json:"accounts"`   // by unique ID; deleted ones stay
	Roles      map[string]*role            `json:"roles"`      // custom roles, by full name
	Tokens     map[string]*token           `json:"tokens"`     // by the opaque access token
	Uploads    map[string]*upload          `json:"uploads"`    // resumable sessions, by upload ID
	Multiparts map[string]*multipartUpload `json:"multiparts"` // uploads in parts, by upload ID
	HMACKeys   map[string]*hmacKey         `json:"hmacKeys"`   // by access ID
	Pools      map[string]*pool            `json:"pools"`      // workload identity pools, by full name
	Operations map[string]*operation       `json:"operations"` // by full name
	Issuers    map[string]*issuer          `json:"issuers"`    // of tokens that pools may accept, by URL
	AWSKeys    map[string]*awsKey          `json:"awsKeys"`    // by access key ID
	Serial     int64                       `json:"serial"`     // source of unique numbers
	LastGen    int64                       `json:"lastGen"`    // last object generation given
	RSAKeys    int                         `json:"rsaKeys"`    // how many of the pool's keys are used
	Retired    map[string]time.Time        `json:"retired"`    // role names that cannot be created again before this time
}

type settings struct {
	Project           string        `json:"project"`
	TokenURI          string        `json:"tokenURI"`
	Delay             time.Duration `json:"delay"`
	Constraints       []string      `json:"constraints"`
	InstantOperations bool          `json:"instantOperations"`
	ServiceAccounts   int           `json:"serviceAccounts"`
}

// project is a project and what is granted on it.
type project struct {
	ID       string       `json:"id"`
	Number   string       `json:"number"`
	Created  time.Time    `json:"created"`
	Policy   policyRecord `json:"policy"`
	Disabled []string     `json:"disabled"` // services that are switched off
	Operator []byte       `json:"operator"` // the key file of its first operator
}

// account is a service account.
type account struct {
	UniqueID    string       `json:"uniqueId"`
	Project     string       `json:"project"`
	Email       string       `json:"email"`
	DisplayName string       `json:"displayName"`
	Description string       `json:"description"`
	ClientID    string       `json:"clientId"`
	Created     time.Time    `json:"created"`
	Known       visible      `json:"known"` // whether other services know the account
	Disabled    bool         `json:"disabled"`
	Deleted     time.Time    `json:"deleted"` // zero while the account lives
	Policy      policyRecord `json:"policy"`  // who may use the account
	Keys        []*key       `json:"keys"`
	Revision    int64        `json:"revision"`
}

type visible = cloudsim.Eventual[bool]

// key is the public half of a service account's key: Google keeps no other.
type key struct {
	ID          string    `json:"id"`
	Origin      string    `json:"origin"`
	Public      []byte    `json:"public"`      // PKIX
	Certificate []byte    `json:"certificate"` // PEM, for an uploaded key
	ValidAfter  time.Time `json:"validAfter"`
	ValidBefore time.Time `json:"validBefore"`
	Disabled    bool      `json:"disabled"`
	Reason      string    `json:"reason"`  // why it is disabled
	Exposed     bool      `json:"exposed"` // Google has found it in public
	Gone        bool      `json:"gone"`    // deleted; the token endpoint may not know it yet
	Usable      visible   `json:"usable"`  // whether the token endpoint accepts it
	Hidden      visible   `json:"hidden"`  // whether lists do not show it yet
}

// role is a custom role of a project or an organisation.
type role struct {
	Name     string                      `json:"name"`
	Body     cloudsim.Eventual[roleBody] `json:"body"`
	Revision int64                       `json:"revision"`
	Known    visible                     `json:"known"`   // whether other services know the role
	Deleted  time.Time                   `json:"deleted"` // zero while the role lives
}

type roleBody struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Stage       string   `json:"stage"`
	Permissions []string `json:"permissions"`
	Deleted     bool     `json:"deleted"`
}

// token is an access token: bound to the account, not to the key that got it.
type token struct {
	Account   string     `json:"account"`   // unique ID
	Federated *federated `json:"federated"` // instead of an account
	Scopes    []string   `json:"scopes"`
	Expires   time.Time  `json:"expires"`
}

// bucket is a bucket, its configuration as the API shows it, and its objects.
type bucket struct {
	Name           string                    `json:"name"`
	Project        string                    `json:"project"` // project ID
	Config         bucketConfig              `json:"config"`
	Created        time.Time                 `json:"created"`
	Updated        time.Time                 `json:"updated"`
	Metageneration int64                     `json:"metageneration"`
	Policy         policyRecord              `json:"policy"`
	Objects        map[string][]*object      `json:"objects"` // all generations of a name, oldest first
	Folders        map[string]*managedFolder `json:"folders"` // managed folders, by name
}

// object is one generation of an object.
type object struct {
	Meta           objectMeta `json:"meta"`
	Bucket         string     `json:"bucket"`
	Name           string     `json:"name"`
	Data           []byte     `json:"data"`
	Generation     int64      `json:"generation"`
	Metageneration int64      `json:"metageneration"`
	Components     int        `json:"components"`
	Multipart      bool       `json:"multipart"` // uploaded in parts by the XML API
	Owner          string     `json:"owner"`     // unique ID of the uploader
	Created        time.Time  `json:"created"`
	Updated        time.Time  `json:"updated"`
	Noncurrent     time.Time  `json:"noncurrent"`  // when it stopped being the live version
	SoftDeleted    time.Time  `json:"softDeleted"` // when it was soft-deleted
	HardDelete     time.Time  `json:"hardDelete"`  // when a soft-deleted one is gone for good
}

// upload is a resumable upload in progress. Whoever holds its URI may go on.
type upload struct {
	Account   string     `json:"account"`   // unique ID of who started it, "" if anonymous
	Federated *federated `json:"federated"` // who started it, if from elsewhere
	Bucket    string     `json:"bucket"`
	Name      string     `json:"name"`
	Meta      objectMeta `json:"meta"`
	Cond      conditions `json:"cond"`
	Data      []byte     `json:"data"`
	Done      *object    `json:"done"` // what it became
	Started   time.Time  `json:"started"`
}

type hmacKey struct {
	AccessID string    `json:"accessId"`
	Secret   string    `json:"secret"`
	Account  string    `json:"account"` // unique ID
	Project  string    `json:"project"`
	State    string    `json:"state"`
	Usable   visible   `json:"usable"` // whether it signs requests
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Revision int64     `json:"revision"`
}

// Snapshot returns the whole state as JSON, including the operators' keys.
func (c *Cloud) Snapshot() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(&c.state)
}

// Restore makes a cloud from a [Cloud.Snapshot].
func Restore(snapshot []byte) (*Cloud, error) {
	c := &Cloud{}
	if err := json.Unmarshal(snapshot, &c.state); err != nil {
		return nil, err
	}
	c.init()
	return c, nil
}
