// What the cloud remembers: plain data that can be kept in a file.
package fakeaws

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// state is everything that a [Cloud] remembers.
type state struct {
	Partition string
	Home      string // the first account
	Delay     time.Duration
	Settle    time.Duration
	PlainHTTP bool
	SourceIP  string
	Quotas    map[string]int // what differs from AWS's defaults
	Accounts  map[string]*account
	Keys      map[string]*accessKey // of all accounts
	Buckets   map[string]*bucket    // names are unique in a partition
	Issuers   map[string]*issuer    // identity providers of the world outside, by their address
}

// account holds the IAM entities of one account. Users, groups and roles are
// found by their name in lower case: names are unique without regard to case
// and to path.
type account struct {
	ID       string
	Operator string // access key ID
	Root     string // access key ID
	Users    map[string]*user
	Groups   map[string]*group
	Roles    map[string]*role
	Policies map[string]*policy // by name in lower case
	OIDC     map[string]*oidcProvider
	Service  []inlinePolicy // service control policies of the organisation; none: the account is in no organisation
}

func newAccount(id string) *account {
	return &account{
		ID:    id,
		Users: map[string]*user{}, Groups: map[string]*group{}, Roles: map[string]*role{},
		Policies: map[string]*policy{}, OIDC: map[string]*oidcProvider{},
	}
}

// entity is what all IAM entities share.
type entity struct {
	Name    string
	Path    string
	ID      string
	Created time.Time
	Exists  cloudsim.Eventual[bool]
	Tags    []tag
}

func (c *Cloud) newEntity(prefix, name, path string) entity {
	e := entity{Name: name, Path: path, ID: uniqueID(prefix), Created: time.Now().UTC().Truncate(time.Second)}
	e.Exists.Set(true, c.lag())
	return e
}

type tag struct {
	Key   string
	Value string
}

// holder is what users, groups and roles share: policies.
type holder struct {
	Attached cloudsim.Eventual[[]string] // ARNs, in order of attachment
	Inline   cloudsim.Eventual[[]inlinePolicy]
}

type inlinePolicy struct {
	Name     string
	Document string
}

type user struct {
	entity
	holder
	Groups   cloudsim.Eventual[[]string] // names in lower case
	Boundary cloudsim.Eventual[string]   // ARN
	Login    *time.Time                  // when a console password was set
	Doors    []door                      // further credentials
}

type group struct {
	entity
	holder
}

type role struct {
	entity
	holder
	Boundary    cloudsim.Eventual[string]
	Trust       cloudsim.Eventual[pinned]
	Description string
	MaxSession  int
	Used        *keyUse
}

type policy struct {
	entity
	Description string
	Default     cloudsim.Eventual[string] // version ID
	Versions    []policyVersion           // oldest first
	Next        int                       // number of the next version
	Updated     time.Time
}

type policyVersion struct {
	ID       string
	Document string
	Created  time.Time
}

type oidcProvider struct {
	ARN         string
	URL         string
	Exists      cloudsim.Eventual[bool]
	Clients     cloudsim.Eventual[[]string]
	Thumbprints []string
	Created     time.Time
	Tags        []tag
}

// accessKey is a long-term key of a user or of the root user, or a session of a user or a role.
type accessKey struct {
	ID      string
	Secret  string
	Account string
	User    string                    // name in lower case; "" for the root user and for roles
	Status  cloudsim.Eventual[string] // "Active", "Inactive"; "" before it is born and after it is deleted
	Created time.Time
	Used    *keyUse
	Session *session
}

type keyUse struct {
	At      time.Time
	Service string
	Region  string
}

type session struct {
	Token    string
	Expires  time.Time
	UserID   string // of the user that it was made by; "" for a role's
	Role     string // name in lower case; "" for a user's
	RoleID   string
	Name     string
	Policies []Policy
	Keys     map[string][]string // condition keys of the token it was made from
}

// Snapshot returns the whole state as JSON, with every secret in it.
func (c *Cloud) Snapshot() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.state.Keys, func(_ string, k *accessKey) bool {
		gone := k.Status.Now == "" && k.Status.Seen() == ""
		return gone || k.Session != nil && time.Now().After(k.Session.Expires)
	})
	return json.Marshal(c.state)
}

// Restore returns the cloud of a [Cloud.Snapshot], with an empty ledger.
func Restore(snapshot []byte) (*Cloud, error) {
	var s state
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return nil, fmt.Errorf("snapshot of a fake AWS: %w", err)
	}
	if s.Accounts[s.Home] == nil || s.Keys == nil || s.Buckets == nil {
		return nil, fmt.Errorf("snapshot of a fake AWS: account %q is missing", s.Home)
	}
	for address, i := range s.Issuers {
		if _, err := x509.ParsePKCS8PrivateKey(i.Key); err != nil {
			return nil, fmt.Errorf("snapshot of a fake AWS: key of issuer %q: %w", address, err)
		}
	}
	return assemble(s), nil
}
