// The cloud as a whole: its options, its one lock, and the way of a request to its service.
package fakeaws

import (
	"crypto/rsa"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// Options shape a new [Cloud]. The zero value is useful.
type Options struct {
	Account   string // default "111122223333"
	Partition string // default "aws"

	// Delay is how long an IAM change takes until authorization and other
	// readers see it. With 0 they see it at once.
	Delay time.Duration

	// Settle is how long a write to a bucket's configuration keeps the bucket
	// busy: another one meanwhile is answered 409 OperationAborted. With 0
	// writes never collide.
	Settle time.Duration

	// PlainHTTP makes requests that arrive on a listener without TLS count as
	// insecure (aws:SecureTransport false). By default they count as secure,
	// because a sandbox on the loopback interface has no TLS; a request that a
	// client sent to an http:// URL through a [cloudsim.Transport] is always insecure.
	PlainHTTP bool

	// SourceIP is where requests without a socket come from (aws:SourceIp), as
	// those of a [cloudsim.Transport] do. Default "192.0.2.1". Requests that
	// arrive on a listener come from their own address. See also [Cloud.From].
	SourceIP string

	// IssuerKey returns the signing key of an identity provider, by its address.
	// With nil each gets a fresh one, which takes some 50 ms to make; tests with
	// many clouds can lend them the same keys.
	IssuerKey func(issuer string) *rsa.PrivateKey
}

// Cloud is an AWS made of memory. It is safe for concurrent use.
type Cloud struct {
	mu     sync.Mutex
	state  state
	ledger cloudsim.Ledger
	iam    map[string]iamOp
	sts    map[string]stsOp
	s3     []s3Op
	aws    map[string]*awsPolicy
	quotas map[string]int      // AWS's defaults
	parsed map[string]Document // of identity policies, which nobody changes in place

	issuerKey func(issuer string) *rsa.PrivateKey
	lent      *cloudsim.Lag // to the request that is served
}

// New returns a cloud with one account, its root user and its operator.
func New(o Options) *Cloud {
	if o.Account == "" {
		o.Account = "111122223333"
	}
	if o.Partition == "" {
		o.Partition = "aws"
	}
	c := assemble(state{
		Partition: o.Partition,
		Home:      o.Account,
		Settle:    o.Settle,
		PlainHTTP: o.PlainHTTP,
		SourceIP:  o.SourceIP,
		Accounts:  map[string]*account{},
		Keys:      map[string]*accessKey{},
		Buckets:   map[string]*bucket{},
	})
	if o.IssuerKey != nil {
		c.issuerKey = o.IssuerKey
	}
	c.AddAccount(o.Account)
	c.state.Delay = o.Delay // the first account is old news
	return c
}

func assemble(s state) *Cloud {
	return &Cloud{state: s, iam: iamOps(), sts: stsOps(), s3: s3Ops(), aws: awsPolicies(s.Partition), quotas: quotas(), parsed: map[string]Document{}, issuerKey: freshKey}
}

// AddAccount adds an account and returns the access key of its operator, an
// IAM user with an administrator's policy. An account that exists keeps its operator.
func (c *Cloud) AddAccount(id string) (keyID, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.state.Accounts[id]
	if a == nil {
		a = newAccount(id)
		c.state.Accounts[id] = a
		u := &user{entity: c.newEntity("AIDA", "operator", "/"), holder: holder{}}
		u.Exists.Set(true, nil)
		u.Attached.Set([]string{"arn:" + c.state.Partition + ":iam::aws:policy/AdministratorAccess"}, nil)
		a.Users["operator"] = u
		a.Operator = c.newKey(a, "operator", nil).ID
		a.Root = c.newKey(a, "", nil).ID
	}
	k := c.state.Keys[a.Operator]
	return k.ID, k.Secret
}

// Operator returns the access key of the first account's operator, the IAM user "operator".
func (c *Cloud) Operator() (id, secret string) { return c.AddAccount(c.state.Home) }

// Root returns the access key of the first account's root user.
func (c *Cloud) Root() (id, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.state.Keys[c.state.Accounts[c.state.Home].Root]
	return k.ID, k.Secret
}

// Ledger holds every authorization decision.
func (c *Cloud) Ledger() *cloudsim.Ledger { return &c.ledger }

// SetDelay changes [Options.Delay] for changes from here on.
func (c *Cloud) SetDelay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Delay = d
}

// lag is how a change that is made now reaches readers.
func (c *Cloud) lag() *cloudsim.Lag {
	if c.lent != nil {
		return c.lent
	}
	return cloudsim.After(c.state.Delay)
}

// ServeHTTP serves one request of any of the services.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, socket := r.Context().Value(http.LocalAddrContextKey).(net.Addr); !socket {
		r = sentFrom(r, c.sourceIP())
	}
	c.serve(w, r)
}

func (c *Cloud) serve(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		writeS3Error(w, r, requestID(), &apiError{Code: "IncompleteBody", Status: 400, Message: "The request body terminated unexpectedly"})
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lent = cloudsim.Lent(r)
	defer func() { c.lent = nil }()
	if c.serveIssuer(w, r) {
		return
	}
	switch serviceOf(r) {
	case "iam":
		c.serveIAM(w, r, body)
	case "sts":
		c.serveSTS(w, r, body)
	default:
		c.serveS3(w, r, body)
	}
}

// serviceOf names the service that a request is for: the one in the scope of
// its signature, else the one in its host name. So one address can stand for
// all services.
func serviceOf(r *http.Request) string {
	if s := scopeOf(r).service; s != "" {
		return s
	}
	host, rest, _ := strings.Cut(hostOf(r), ".")
	if (host == "iam" || host == "sts") && strings.Contains(rest, "amazonaws") {
		return host
	}
	// AssumeRoleWithWebIdentity is a query call without a signature.
	if r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return "sts"
	}
	return "s3"
}
