// IAM's table of calls, and the way of each call through authorization.
package fakeaws

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// iamOp is one call of IAM.
type iamOp struct {
	on    string // the kind of resource that the action is on: user, group, role, policy, oidc, or "" for none
	write bool
	run   func(*iamCall) (any, error)
}

// iamCall is one call under way.
type iamCall struct {
	*Cloud
	who    *caller
	acct   *account
	action string
	form   url.Values
	r      *http.Request
}

func iamOps() map[string]iamOp {
	ops := map[string]iamOp{}
	for _, room := range []map[string]iamOp{
		userOps(), doorOps(), groupOps(), policyOps(), versionOps(), attachOps(), inlineOps(), keyOps(), roleOps(), oidcOps(), accountOps(), simulateOps(), detailOps(),
	} {
		maps.Copy(ops, room)
	}
	return ops
}

func (c *Cloud) serveIAM(w http.ResponseWriter, r *http.Request, body []byte) {
	id := requestID()
	who, body, _, err := c.authenticate(r, body)
	if err == nil && who.account == nil {
		err = &apiError{Code: "MissingAuthenticationToken", Status: 403, Message: "Request is missing Authentication Token"}
	}
	if err == nil {
		err = who.barred()
	}
	if err != nil {
		writeQueryError(w, iamNamespace, id, err)
		return
	}
	f := form(r, body)
	op, known := c.iam[f.Get("Action")]
	if !known {
		writeQueryError(w, iamNamespace, id, &apiError{Code: "InvalidAction", Status: 400, Message: "Could not find operation " + f.Get("Action") + " for version 2010-05-08"})
		return
	}
	k := &iamCall{Cloud: c, who: who, acct: who.account, action: f.Get("Action"), form: f, r: r}
	result, failed := k.do(op)
	if failed != nil {
		writeQueryError(w, iamNamespace, id, asAPIError(failed))
		return
	}
	writeQuery(w, iamNamespace, k.action, id, result)
}

func (k *iamCall) do(op iamOp) (any, error) {
	if err := k.may("iam:"+k.action, k.target(op.on)); err != nil {
		return nil, err
	}
	return op.run(k)
}

// may refuses what the caller's policies do not allow.
func (k *iamCall) may(action, resource string) error {
	v := k.authorize(k.who, k.r, Request{Action: action, Resource: resource, Context: k.context()})
	if v.Allowed {
		return nil
	}
	return &apiError{Code: "AccessDenied", Status: 403, Message: deniedMessage(k.who, v, action, resource, false)}
}

// context holds IAM's own condition keys.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
func (k *iamCall) context() map[string][]string {
	keys := map[string][]string{}
	if arn := k.form.Get("PolicyArn"); arn != "" {
		keys["iam:PolicyARN"] = []string{arn}
	}
	if b := k.form.Get("PermissionsBoundary"); b != "" {
		keys["iam:PermissionsBoundary"] = []string{b}
	}
	if !strings.HasPrefix(k.action, "Create") || k.action == "CreateAccessKey" {
		k.resourceKeys(keys)
	}
	tags, _ := k.tags()
	for _, t := range tags {
		keys["aws:RequestTag/"+t.Key] = []string{t.Value}
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], t.Key)
	}
	return keys
}

// resourceKeys adds what the user, role or policy that exists already has.
func (k *iamCall) resourceKeys(keys map[string][]string) {
	boundary, tags := "", []tag(nil)
	if u := k.acct.Users[strings.ToLower(k.form.Get("UserName"))]; u != nil {
		boundary, tags = u.Boundary.Seen(), u.Tags
	}
	if r := k.acct.Roles[strings.ToLower(k.form.Get("RoleName"))]; r != nil {
		boundary, tags = r.Boundary.Seen(), r.Tags
	}
	if p := k.policyByARN(k.acct, k.form.Get("PolicyArn")); p != nil && tags == nil {
		tags = p.Tags
	}
	if p := k.acct.OIDC[k.form.Get("OpenIDConnectProviderArn")]; p != nil && tags == nil {
		tags = p.Tags
	}
	if boundary != "" && keys["iam:PermissionsBoundary"] == nil {
		keys["iam:PermissionsBoundary"] = []string{boundary}
	}
	addTags(keys, "aws:ResourceTag/", tags)
	addTags(keys, "iam:ResourceTag/", tags)
}

// target is the ARN of what the call is about, whether or not it exists.
func (k *iamCall) target(kind string) string {
	path := k.form.Get("Path")
	if path == "" {
		path = "/"
	}
	named := func(param string, found *entity) string {
		if found != nil {
			return k.arn(k.acct, kind, *found)
		}
		return k.arn(k.acct, kind, entity{Path: path, Name: k.form.Get(param)})
	}
	switch kind {
	case "policy source":
		return k.form.Get("PolicySourceArn")
	case "key's user":
		if key := k.state.Keys[k.form.Get("AccessKeyId")]; key != nil && key.Account == k.acct.ID && k.acct.Users[key.User] != nil {
			return k.arn(k.acct, "user", k.acct.Users[key.User].entity)
		}
	case "user":
		name := strings.ToLower(k.form.Get("UserName"))
		if name == "" && k.action != "CreateUser" {
			return k.who.ARN
		}
		if u := k.acct.Users[name]; u != nil && k.action != "CreateUser" {
			return named("UserName", &u.entity)
		}
		return named("UserName", nil)
	case "group":
		if g := k.acct.Groups[strings.ToLower(k.form.Get("GroupName"))]; g != nil && k.action != "CreateGroup" {
			return named("GroupName", &g.entity)
		}
		return named("GroupName", nil)
	case "role":
		if r := k.acct.Roles[strings.ToLower(k.form.Get("RoleName"))]; r != nil && k.action != "CreateRole" {
			return named("RoleName", &r.entity)
		}
		return named("RoleName", nil)
	case "policy":
		if k.action == "CreatePolicy" {
			return named("PolicyName", nil)
		}
		return k.form.Get("PolicyArn")
	case "oidc":
		if k.action == "CreateOpenIDConnectProvider" {
			return k.oidcARN(k.form.Get("Url"))
		}
		return k.form.Get("OpenIDConnectProviderArn")
	}
	return "*"
}

func asAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return &apiError{Code: "ServiceFailure", Status: 500, Message: err.Error()}
}

func noSuch(kind, name string) error {
	return &apiError{Code: "NoSuchEntity", Status: 404, Message: "The " + kind + " with name " + name + " cannot be found."}
}

func exists(kind, name string) error {
	return &apiError{Code: "EntityAlreadyExists", Status: 409, Message: kind + " with name " + name + " already exists."}
}

func conflict(what string) error {
	return &apiError{Code: "DeleteConflict", Status: 409, Message: "Cannot delete entity, must " + what + " first."}
}

func limit(quota, n string) error {
	return &apiError{Code: "LimitExceeded", Status: 409, Message: "Cannot exceed quota for " + quota + ": " + n}
}

// name reads and checks a required name parameter.
func (k *iamCall) name(param string, longest int) (string, error) {
	v := k.form.Get(param)
	field := strings.ToLower(param[:1]) + param[1:]
	switch {
	case v == "":
		return "", &apiError{Code: "ValidationError", Status: 400, Message: "1 validation error detected: Value null at '" + field + "' failed to satisfy constraint: Member must not be null"}
	case len(v) > longest:
		return "", invalid(field, v, "Member must have length less than or equal to "+itoa(longest))
	case !nameText.MatchString(v):
		return "", &apiError{Code: "ValidationError", Status: 400, Message: "The specified value for " + field + " is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"}
	}
	return v, nil
}

// path reads and checks the Path parameter of a call that creates.
func (k *iamCall) path() (string, error) {
	p := k.form.Get("Path")
	if p == "" {
		return "/", nil
	}
	if len(p) > 512 || !pathText.MatchString(p) || strings.Contains(p, "//") {
		return "", &apiError{Code: "ValidationError", Status: 400, Message: "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."}
	}
	return p, nil
}

// description checks the Description of a call.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
func (k *iamCall) description() error {
	if text := k.form.Get("Description"); len([]rune(text)) > 1000 {
		return invalid("description", text, "Member must have length less than or equal to 1000")
	}
	return nil
}

// tags reads and checks the Tags of a call.
func (k *iamCall) tags() ([]tag, error) {
	var list []tag
	for i := 1; k.form.Has("Tags.member." + itoa(i) + ".Key"); i++ {
		stem := "Tags.member." + itoa(i)
		list = append(list, tag{k.form.Get(stem + ".Key"), k.form.Get(stem + ".Value")})
	}
	return list, checkTags(list)
}

var (
	nameText = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathText = regexp.MustCompile(`^/([!-~]+/)?$`)
	tagText  = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

func checkTags(list []tag) error {
	seen := map[string]bool{}
	if len(list) > 50 {
		return &apiError{Code: "LimitExceeded", Status: 409, Message: "The number of tags has reached the maximum limit."}
	}
	for _, t := range list {
		switch {
		case t.Key == "" || len([]rune(t.Key)) > 128 || !tagText.MatchString(t.Key):
			return invalid("tags.1.member.key", t.Key, `Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+ and have length between 1 and 128`)
		case len([]rune(t.Value)) > 256 || !tagText.MatchString(t.Value):
			return invalid("tags.1.member.value", t.Value, `Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]* and have length less than or equal to 256`)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return &apiError{Code: "InvalidInput", Status: 400, Message: "Tag keys beginning with aws: are reserved for system use."}
		case seen[strings.ToLower(t.Key)]:
			return &apiError{Code: "InvalidInput", Status: 400, Message: "Duplicate tag keys found. Please note that Tag keys are case insensitive."}
		}
		seen[strings.ToLower(t.Key)] = true
	}
	return nil
}

// mergeTags overwrites and appends.
func mergeTags(old, more []tag) []tag {
	out := slices.Clone(old)
	for _, t := range more {
		if i := slices.IndexFunc(out, func(o tag) bool { return strings.EqualFold(o.Key, t.Key) }); i >= 0 {
			out[i] = t
			continue
		}
		out = append(out, t)
	}
	return out
}

// sorted returns the entities of a map in the order of their names.
func sorted[T any](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
