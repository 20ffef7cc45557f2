// Who asks, and with which policies.
package fakeaws

import (
	"cmp"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// caller is the authenticated sender of a request. The zero caller is anonymous.
type caller struct {
	Principal
	account  *account
	key      *accessKey
	identity []Policy
	boundary *Policy
	region   string // of the signature's scope
	keys     map[string][]string
}

// callerOf resolves an access key to the principal that it speaks for, or to
// nil if there is no such principal any more.
func (c *Cloud) callerOf(k *accessKey) *caller {
	a := c.state.Accounts[k.Account]
	who := &caller{account: a, key: k, keys: map[string][]string{}}
	switch {
	case k.Session != nil && k.Session.Role != "":
		r := a.Roles[k.Session.Role]
		if r == nil || r.ID != k.Session.RoleID {
			return nil
		}
		who.Role = c.arn(a, "role", r.entity)
		who.ARN = "arn:" + c.state.Partition + ":sts::" + a.ID + ":assumed-role/" + r.Name + "/" + k.Session.Name
		who.ID = r.ID + ":" + k.Session.Name
		who.identity = c.policiesOf(a, r.holder)
		who.boundary = c.boundaryOf(a, r.Boundary)
		addTags(who.keys, "aws:PrincipalTag/", r.Tags)
		for key, v := range k.Session.Keys {
			who.keys[key] = v
		}
	case k.User == "":
		who.ARN = "arn:" + c.state.Partition + ":iam::" + a.ID + ":root"
		who.ID = a.ID
	default:
		u := a.Users[k.User]
		if u == nil || k.Session != nil && k.Session.UserID != u.ID {
			return nil
		}
		who.ARN = c.arn(a, "user", u.entity)
		who.ID = u.ID
		who.identity = c.policiesOf(a, u.holder)
		for _, name := range u.Groups.Seen() {
			if g := a.Groups[name]; g != nil {
				who.identity = append(who.identity, c.policiesOf(a, g.holder)...)
			}
		}
		who.boundary = c.boundaryOf(a, u.Boundary)
		addTags(who.keys, "aws:PrincipalTag/", u.Tags)
	}
	return who
}

// policiesOf returns what authorization sees of a holder's policies.
func (c *Cloud) policiesOf(a *account, h holder) []Policy {
	var list []Policy
	for _, arn := range h.Attached.Seen() {
		if text, ok := c.managed(a, arn, true); ok {
			list = c.appendPolicy(list, arn, text)
		}
	}
	for _, p := range h.Inline.Seen() {
		list = c.appendPolicy(list, p.Name, p.Document)
	}
	return list
}

// boundaryOf returns nil without a boundary, and a policy that allows nothing
// if the boundary's policy is gone.
func (c *Cloud) boundaryOf(a *account, b cloudsim.Eventual[string]) *Policy {
	arn := b.Seen()
	if arn == "" {
		return nil
	}
	text, _ := c.managed(a, arn, true)
	d, _ := c.parse(text)
	return &Policy{Name: arn, Document: d}
}

func (c *Cloud) appendPolicy(list []Policy, name, text string) []Policy {
	d, err := c.parse(text)
	if err != nil { // cannot be: documents are checked before they are kept
		return list
	}
	return append(list, Policy{Name: name, Document: d})
}

// parse reads a document once; every request reads its caller's policies anew.
func (c *Cloud) parse(text string) (Document, error) {
	if d, ok := c.parsed[text]; ok {
		return d, nil
	}
	d, err := ParseDocument(text)
	if err != nil {
		return d, err
	}
	if len(c.parsed) == 1000 {
		clear(c.parsed)
	}
	c.parsed[text] = d
	return d, nil
}

// authorize decides and writes the decision into the ledger.
func (c *Cloud) authorize(who *caller, r *http.Request, q Request) Verdict {
	q.Principal = who.Principal
	q.Identity, q.Boundary = who.identity, who.boundary
	if who.account != nil {
		q.Service = c.servicePolicies(who.account)
	}
	if who.key != nil && who.key.Session != nil {
		q.Session = who.key.Session.Policies
	}
	keys := c.requestKeys(r, who)
	for k, v := range q.Context {
		keys[k] = v
	}
	q.Context = keys
	v := Evaluate(q)
	c.ledger.Add(cloudsim.Decision{
		Principal: cmp.Or(who.ARN, who.Service, who.Federated), Action: q.Action, Resource: q.Resource, Allowed: v.Allowed, Because: v.Because,
	})
	return v
}

// requestKeys are the condition keys that every request has.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (c *Cloud) requestKeys(r *http.Request, who *caller) map[string][]string {
	now := time.Now().UTC()
	keys := map[string][]string{
		"aws:SecureTransport": {strconv.FormatBool(c.secure(r))},
		"aws:CurrentTime":     {now.Format(time.RFC3339)},
		"aws:EpochTime":       {strconv.FormatInt(now.Unix(), 10)},
		"aws:UserAgent":       {r.UserAgent()},
		"aws:ViaAWSService":   {"false"},

		"aws:PrincipalIsAWSService": {"false"},
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		keys["aws:SourceIp"] = []string{host}
	}
	if ref := r.Referer(); ref != "" {
		keys["aws:Referer"] = []string{ref}
	}
	if who.ARN != "" && !isRoot(who.ARN) {
		keys["aws:RequestedRegion"] = []string{who.region}
	}
	if who.key != nil && who.key.Session != nil {
		keys["aws:MultiFactorAuthPresent"] = []string{"false"} // long-term keys leave it out
		keys["aws:TokenIssueTime"] = []string{who.key.Created.Format(time.RFC3339)}
	}
	for k, v := range who.keys {
		keys[k] = v
	}
	return keys
}

// secure says whether the request came over TLS, or may be taken as if it had.
func (c *Cloud) secure(r *http.Request) bool {
	switch {
	case r.TLS != nil, r.URL.Scheme == "https":
		return true
	case r.URL.Scheme == "http":
		return false
	}
	return !c.state.PlainHTTP
}

func addTags(keys map[string][]string, prefix string, tags []tag) {
	for _, t := range tags {
		keys[prefix+t.Key] = []string{t.Value}
	}
}

// arn returns the ARN of an IAM entity of the given kind.
func (c *Cloud) arn(a *account, kind string, e entity) string {
	return "arn:" + c.state.Partition + ":iam::" + a.ID + ":" + kind + e.Path + e.Name
}

// deniedMessage words a refusal as AWS does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func deniedMessage(who *caller, v Verdict, action, resource string, quote bool) string {
	name := who.ARN
	if quote {
		resource = strconv.Quote(resource)
	}
	var b strings.Builder
	b.WriteString("User: " + name + " is not authorized to perform: " + action)
	if resource != "*" && resource != `"*"` {
		b.WriteString(" on resource: " + resource)
	}
	switch {
	case v.Explicit:
		article := "a "
		if v.Layer == layerIdentity {
			article = "an "
		}
		b.WriteString(" with an explicit deny in " + article + v.Layer)
	default:
		b.WriteString(" because no " + v.Layer + " allows the " + action + " action")
	}
	return b.String()
}
