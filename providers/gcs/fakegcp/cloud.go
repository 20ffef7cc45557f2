// The cloud: how it is made, and how a test shapes it from outside the API.
package fakegcp

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// DefaultTokenURI is where exported keys ask for access tokens.
const DefaultTokenURI = "https://oauth2.googleapis.com/token" //nolint:gosec // an address, no secret

// Options shape a [Cloud]. The zero value is useful.
type Options struct {
	Project string        // ID of the first project; "acme-project" if empty
	Number  string        // its number; "123456789012" if empty
	Delay   time.Duration // how long an IAM change takes until authorization sees it; 0 = at once
	// Constraints are the enforced organisation policies:
	// "constraints/iam.disableServiceAccountKeyCreation". One that is a list of
	// allowed values has them after an equals sign, between commas:
	// "constraints/iam.workloadIdentityPoolProviders=https://token.actions.githubusercontent.com";
	// without any it allows none.
	Constraints []string
	TokenURI    string // token_uri of exported keys; [DefaultTokenURI] if empty
	// InstantOperations makes long-running operations done in the answer that
	// begins them; otherwise they are done when they are first looked at.
	InstantOperations bool
	ServiceAccounts   int // how many a project may have; 100 if zero
}

// Cloud is a Google Cloud. It is safe for concurrent use.
type Cloud struct {
	mu     sync.Mutex
	state  state
	ledger cloudsim.Ledger
	routes []route
	lent   *cloudsim.Lag // to the request that is served
}

// New makes a cloud with one project and its operator.
func New(o Options) *Cloud {
	c := &Cloud{}
	c.state.Settings = settings{
		Project:     or(o.Project, "acme-project"),
		TokenURI:    or(o.TokenURI, DefaultTokenURI),
		Delay:       o.Delay,
		Constraints: o.Constraints, InstantOperations: o.InstantOperations, ServiceAccounts: o.ServiceAccounts,
	}
	c.init()
	c.AddProject(c.state.Settings.Project, or(o.Number, "123456789012"))
	return c
}

// init completes a state whose maps may be missing.
func (c *Cloud) init() {
	s := &c.state
	s.Projects = made(s.Projects)
	s.Buckets = made(s.Buckets)
	s.Accounts = made(s.Accounts)
	s.Roles = made(s.Roles)
	s.Tokens = made(s.Tokens)
	s.Uploads = made(s.Uploads)
	s.HMACKeys = made(s.HMACKeys)
	s.Retired = made(s.Retired)
	s.Pools = made(s.Pools)
	s.Operations = made(s.Operations)
	s.Multiparts = made(s.Multiparts)
	s.Issuers = made(s.Issuers)
	s.AWSKeys = made(s.AWSKeys)
	c.routes = slices.Concat(tokenRoutes(), stsRoutes(), credentialRoutes(), bucketRoutes(), managedFolderRoutes(), objectRoutes(), uploadRoutes(), hmacRoutes(),
		roleRoutes(), accountRoutes(), keyRoutes(), poolRoutes(), providerRoutes(), projectRoutes(), lookRoutes(), troubleshootRoutes(), downloadRoutes(), xmlRoutes())
}

// operatorRoles are what a person who sets up grants usually holds. They are
// predefined roles: roles/owner holds nothing inside a bucket by itself.
var operatorRoles = []string{
	"roles/owner", "roles/storage.admin", "roles/storage.hmacKeyAdmin", "roles/iam.roleAdmin", "roles/iam.serviceAccountAdmin",
	"roles/iam.serviceAccountKeyAdmin", "roles/iam.workloadIdentityPoolAdmin", "roles/resourcemanager.projectIamAdmin", "roles/iam.securityReviewer", "roles/serviceusage.serviceUsageConsumer",
}

// AddProject adds a project and returns the key file of its operator, a
// service account with owner-like rights on that project and no other.
func (c *Cloud) AddProject(id, number string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &project{ID: id, Number: number, Created: moment()}
	c.state.Projects[id] = p
	a := c.newAccount(p, "operator", "", "", nil)
	for _, r := range operatorRoles {
		c.bind(p, r, a.member())
	}
	p.Operator = c.newKeyFile(a, nil)
	return p.Operator
}

// Operator returns the key file of the first project's operator.
func (c *Cloud) Operator() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Projects[c.state.Settings.Project].Operator
}

// OperatorOf returns the key file of a project's operator, and whether the
// project has one.
func (c *Cloud) OperatorOf(projectID string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.state.Projects[projectID]
	if p == nil || p.Operator == nil {
		return nil, false
	}
	return p.Operator, true
}

// AddOperator adds a service account whose rights on the project are exactly
// these permissions, visible at once, and returns its key file. It lives in a
// project of its own, so that it does not appear among the project's accounts.
func (c *Cloud) AddOperator(projectID, name string, permissions ...string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	home := projectID + "-staff"
	if c.state.Projects[home] == nil {
		c.state.Projects[home] = &project{ID: home, Number: c.serial(12), Created: moment()}
	}
	a := c.newAccount(c.state.Projects[home], name, "", "", nil)
	c.grant(c.state.Projects[projectID], a.member(), permissions)
	return c.newKeyFile(a, nil)
}

// Grant gives a member exactly these permissions on a project, at once. They
// come from a role of the organisation, as a custom role of the project would
// show among the project's roles.
func (c *Cloud) Grant(projectID, who string, permissions ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := member{Text: who}
	if email, ok := strings.CutPrefix(who, "serviceAccount:"); ok {
		if a := c.accountByEmail(email); a != nil {
			m = a.member()
		}
	}
	c.grant(c.state.Projects[projectID], m, permissions)
}

func (c *Cloud) grant(p *project, m member, permissions []string) {
	name := fmt.Sprintf("organizations/100/roles/grant%s", c.serial(6))
	r := &role{Name: name}
	r.Known.Set(true, nil)
	r.Body.Set(roleBody{Title: "Grant", Stage: "GA", Permissions: slices.Clone(permissions)}, nil)
	c.state.Roles[name] = r
	c.bind(p, name, m)
}

// bind adds a member to a project's policy, at once.
func (c *Cloud) bind(p *project, role string, m member) {
	now := p.Policy.Policy.Now.clone()
	now.Bindings = append(now.Bindings, binding{Role: role, Members: []member{m}})
	p.Policy.set(now, nil)
}

// Ledger returns the ledger of every authorization decision.
func (c *Cloud) Ledger() *cloudsim.Ledger { return &c.ledger }

// SetDelay changes how long later IAM changes take until authorization sees them.
func (c *Cloud) SetDelay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Settings.Delay = d
}

// lag is how a change that is made now reaches readers.
func (c *Cloud) lag() *cloudsim.Lag { return c.lagWithin(c.state.Settings.Delay) }

// lagWithin is the lag of a change that takes at most so long.
func (c *Cloud) lagWithin(most time.Duration) *cloudsim.Lag {
	if c.lent != nil {
		return c.lent
	}
	return cloudsim.After(min(c.state.Settings.Delay, most))
}

// SetTokenURI changes the token_uri of the key files made from now on, and of the operators'.
func (c *Cloud) SetTokenURI(uri string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Settings.TokenURI = uri
	for _, p := range c.state.Projects {
		if p.Operator != nil {
			p.Operator = withTokenURI(p.Operator, uri)
		}
	}
}

// SetConstraints replaces the enforced organisation policies.
func (c *Cloud) SetConstraints(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Settings.Constraints = slices.Clone(names)
}

// DisableAPI switches a service off for a project: "iam.googleapis.com".
func (c *Cloud) DisableAPI(projectID, service string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.state.Projects[projectID]
	p.Disabled = append(p.Disabled, service)
}

// enforced says whether an organisation policy is on.
func (c *Cloud) enforced(constraint string) bool {
	return slices.ContainsFunc(c.state.Settings.Constraints, func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return name == constraint
	})
}

// allowedBy are the values that an organisation policy allows.
func (c *Cloud) allowedBy(constraint string) []string {
	for _, s := range c.state.Settings.Constraints {
		if name, values, _ := strings.Cut(s, "="); name == constraint && values != "" {
			return strings.Split(values, ",")
		}
	}
	return nil
}

// serial returns a unique number of n digits.
func (c *Cloud) serial(n int) string {
	c.state.Serial++
	return "1" + fmt.Sprintf("%0*d", n-1, c.state.Serial)
}

// projectNamed finds a project by ID or number.
func (c *Cloud) projectNamed(name string) *project {
	if p := c.state.Projects[name]; p != nil {
		return p
	}
	for _, p := range c.state.Projects {
		if p.Number == name {
			return p
		}
	}
	return nil
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func made[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}
