// STS: who am I, and taking on a role.
package fakeaws

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// stsOp is one call of STS.
type stsOp func(*stsCall) (any, error)

type stsCall struct {
	*Cloud
	who  *caller
	form url.Values
	r    *http.Request
}

// webIdentity is the one call that nobody signs.
const webIdentity = "AssumeRoleWithWebIdentity"

func stsOps() map[string]stsOp {
	return map[string]stsOp{
		"GetCallerIdentity": getCallerIdentity,
		"AssumeRole":        assumeRole,
		"GetSessionToken":   getSessionToken,
		webIdentity:         assumeWithToken,
	}
}

func (c *Cloud) serveSTS(w http.ResponseWriter, r *http.Request, body []byte) {
	id := requestID()
	who, body, _, err := c.authenticate(r, body)
	f := form(r, body)
	action := f.Get("Action")
	if err == nil && who.account == nil && action != webIdentity {
		err = &apiError{Code: "MissingAuthenticationToken", Status: 403, Message: "Request is missing Authentication Token"}
	}
	if err != nil {
		writeQueryError(w, stsNamespace, id, err)
		return
	}
	k := &stsCall{c, who, f, r}
	op, known := c.sts[action]
	if !known {
		writeQueryError(w, stsNamespace, id, &apiError{Code: "InvalidAction", Status: 400, Message: "Could not find operation " + action + " for version 2011-06-15"})
		return
	}
	result, failed := op(k)
	if failed != nil {
		writeQueryError(w, stsNamespace, id, asAPIError(failed))
		return
	}
	writeQuery(w, stsNamespace, action, id, result)
}

// getCallerIdentity needs no permission, not even one that is explicitly denied.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func getCallerIdentity(k *stsCall) (any, error) {
	return struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}{k.who.ARN, k.who.ID, k.who.account.ID}, nil
}

var (
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
)

func assumeRole(k *stsCall) (any, error) {
	arn, name, external := k.form.Get("RoleArn"), k.form.Get("RoleSessionName"), k.form.Get("ExternalId")
	if !sessionName.MatchString(name) {
		return nil, invalid("roleSessionName", name, `Member must satisfy regular expression pattern: [\w+=,.@-]* and have length between 2 and 64`)
	}
	if k.form.Has("ExternalId") && (!externalID.MatchString(external) || len(external) < 2 || len(external) > 1224) {
		return nil, invalid("externalId", external, `Member must satisfy regular expression pattern: [\w+=,.@:\/-]* and have length between 2 and 1224`)
	}
	r := k.findRole(arn)
	q := Request{Action: "sts:AssumeRole", Resource: arn, ResourceAccount: accountOf(arn), Demand: true, Context: map[string][]string{
		"sts:RoleSessionName": {name},
	}}
	if external != "" {
		q.Context["sts:ExternalId"] = []string{external}
	}
	if r != nil {
		q.Attached = &Policy{"trust policy of " + r.Name, k.document(r.Trust.Seen())}
	}
	if v := k.authorize(k.who, k.r, q); !v.Allowed || isRoot(k.who.ARN) { // root cannot take on a role
		return nil, &apiError{Code: "AccessDenied", Status: 403, Message: "User: " + k.who.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + arn}
	}
	if n, err := strconv.Atoi(k.form.Get("DurationSeconds")); err == nil && n > 3600 && k.who.Role != "" {
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
		return nil, &apiError{Code: "ValidationError", Status: 400, Message: "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"}
	}
	return k.newSession(k.state.Accounts[accountOf(arn)], r, name, nil)
}

// findRole returns the role of an ARN, or nil if readers see none.
func (k *stsCall) findRole(arn string) *role {
	a := k.state.Accounts[accountOf(arn)]
	if a == nil {
		return nil
	}
	r := a.Roles[strings.ToLower(arn[strings.LastIndex(arn, "/")+1:])]
	if r == nil || !r.Exists.Seen() || k.arn(a, "role", r.entity) != arn {
		return nil
	}
	return r
}

// maxSession is the size of a session policy.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const maxSession = 2048

type credentialsXML struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumedXML struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string
}

type assumeXML struct {
	Credentials     credentialsXML
	AssumedRoleUser assumedXML
}

// newSession makes the temporary credentials of a role.
func (k *stsCall) newSession(a *account, r *role, name string, keys map[string][]string) (assumeXML, error) {
	seconds := 3600
	if s := k.form.Get("DurationSeconds"); s != "" {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil || n < 900:
			return assumeXML{}, invalid("durationSeconds", s, "Member must have value greater than or equal to 900")
		case n > 43200:
			return assumeXML{}, invalid("durationSeconds", s, "Member must have value less than or equal to 43200")
		case n > r.MaxSession:
			return assumeXML{}, &apiError{Code: "ValidationError", Status: 400, Message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."}
		}
		seconds = n
	}
	var policies []Policy
	if text := k.form.Get("Policy"); text != "" {
		if err := checkIdentityDocument(text, maxSession); err != nil {
			return assumeXML{}, err
		}
		policies = k.appendPolicy(policies, "session policy", text)
	}
	for i := 1; k.form.Has("PolicyArns.member." + itoa(i) + ".arn"); i++ {
		arn := k.form.Get("PolicyArns.member." + itoa(i) + ".arn")
		text, ok := k.managed(a, arn, true)
		if !ok {
			return assumeXML{}, &apiError{Code: "InvalidParameterValue", Status: 400, Message: "PolicyArn " + arn + " does not exist"}
		}
		policies = k.appendPolicy(policies, arn, text)
	}
	key := k.temporary(a, "", time.Duration(seconds)*time.Second)
	key.Session.Role, key.Session.RoleID, key.Session.Name = strings.ToLower(r.Name), r.ID, name
	key.Session.Policies, key.Session.Keys = policies, keys
	return assumeXML{
		credentialsXML{key.ID, key.Secret, key.Session.Token, stamp(key.Session.Expires)},
		assumedXML{r.ID + ":" + name, "arn:" + k.state.Partition + ":sts::" + a.ID + ":assumed-role/" + r.Name + "/" + name},
	}, nil
}
