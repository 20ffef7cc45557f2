// Roles for AWS's own services, which take them on without a request that anybody sees.
package fakeaws

import (
	"net/http"
	"net/url"
	"strings"
)

// AssumeAsService takes on a role as a service does ("backup.amazonaws.com")
// and returns the session's credentials, valid for an hour. The trust policy
// decides. A refusal begins with AWS's code, "AccessDenied: …".
//
// aws:SourceAccount and aws:SourceArn are left out: AWS does not document that
// AWS Backup sends them when it takes on a role, so a trust that demands them
// is refused.
// https://docs.aws.amazon.com/aws-backup/latest/devguide/cross-service-confused-deputy-prevention.html
func (c *Cloud) AssumeAsService(service, roleARN string) (keyID, secret, token string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := &stsCall{c, &caller{Principal: Principal{Service: service}}, url.Values{}, &http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "sts.amazonaws.com", Path: "/"}, Header: http.Header{"User-Agent": {service}},
	}}
	refused := &apiError{Code: "AccessDenied", Status: http.StatusForbidden, Message: service + " is not authorized to perform: sts:AssumeRole on resource: " + roleARN}
	r := k.findRole(roleARN)
	if r == nil {
		return "", "", "", refused
	}
	name, _, _ := strings.Cut(service, ".")
	q := Request{Action: "sts:AssumeRole", Resource: roleARN, ResourceAccount: accountOf(roleARN), Demand: true, Context: map[string][]string{
		"sts:RoleSessionName": {name}, "aws:PrincipalIsAWSService": {"true"}, "aws:PrincipalServiceName": {service},
	}}
	q.Attached = &Policy{"trust policy of " + r.Name, k.document(r.Trust.Seen())}
	if v := k.authorize(k.who, k.r, q); !v.Allowed {
		return "", "", "", refused
	}
	out, failed := k.newSession(k.state.Accounts[accountOf(roleARN)], r, name, nil)
	if failed != nil {
		return "", "", "", failed
	}
	return out.Credentials.AccessKeyID, out.Credentials.SecretAccessKey, out.Credentials.SessionToken, nil
}
