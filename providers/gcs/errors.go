// Errors: Google's codes and reasons as core's kinds, in one table.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"google.golang.org/api/googleapi"

	"github.com/bucketgrant/bucketgrant/core"
)

// problem is what an answer of Google's says is wrong. It keeps the error
// without ever printing its body, which may repeat the request.
type problem struct {
	code       int
	reason     string // "forbidden", "SERVICE_DISABLED"
	message    string
	permission string // the missing one, if it is named
	constraint string // the organisation policy, if there is one
	violation  string // what that policy says of it
	activation string // where a disabled API is enabled
	err        error
}

// Error is Google's own message, without control characters.
func (p *problem) Error() string {
	return fmt.Sprintf("%d %s: %s", p.code, p.reason, p.message)
}

// Unwrap gives the client's error.
func (p *problem) Unwrap() error { return p.err }

// "… does not have storage.buckets.get access to …", "Permission 'iam.roles.get' denied on …"
var deniedText = regexp.MustCompile(`does not have ([a-z]+\.[A-Za-z]+\.[A-Za-z]+) access|Permission ['"]?([a-z]+\.[A-Za-z]+\.[A-Za-z]+)['"]? denied`)

// problemOf reads an answer of Google's; nil if err is something else.
func problemOf(err error) *problem {
	g, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return nil
	}
	p := &problem{code: g.Code, reason: http.StatusText(g.Code), message: printable(g.Message), err: err}
	if len(g.Errors) > 0 && g.Errors[0].Reason != "" {
		p.reason = printable(g.Errors[0].Reason)
	}
	for _, d := range g.Details {
		p.detail(d)
	}
	if m := deniedText.FindStringSubmatch(p.message); m != nil && p.permission == "" {
		p.permission = m[1] + m[2]
	}
	if p.constraint == "" {
		p.constraint = constraintText.FindString(p.message)
	}
	if p.constraint == "" && strings.Contains(p.message, "permitted customer") {
		p.constraint = "constraints/iam.allowedPolicyMemberDomains" // the message does not name it
	}
	return p
}

var constraintText = regexp.MustCompile(`constraints/[a-z]+\.[A-Za-z.]+`)

// detail reads a google.rpc.ErrorInfo or PreconditionFailure.
// https://cloud.google.com/apis/design/errors#error_details
func (p *problem) detail(d any) {
	fields, _ := d.(map[string]any)
	if reason, ok := fields["reason"].(string); ok {
		p.reason = printable(reason)
	}
	metadata, _ := fields["metadata"].(map[string]any)
	if s, ok := metadata["permission"].(string); ok {
		p.permission = printable(s)
	}
	if s, ok := metadata["activationUrl"].(string); ok {
		p.activation = printable(s)
	}
	violations, _ := fields["violations"].([]any)
	for _, v := range violations {
		one, _ := v.(map[string]any)
		if kind, _ := one["type"].(string); strings.HasPrefix(kind, "constraints/") {
			p.constraint = printable(kind)
			said, _ := one["description"].(string)
			p.violation = printable(said)
		}
	}
}

// printable drops what could speak to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)
}

// gcloudProject is the project of gcloud itself. It is asked to pay for the
// calls of users whose credentials name no other.
// https://cloud.google.com/docs/authentication/troubleshoot-adc#user-creds-client-based
const gcloudProject = "764086051850"

const loginHint = "gcloud auth application-default login"

// federatedOnly are the ways to grant access without any key of a service account.
const federatedOnly = "grant the vendor's own service account on the bucket, or use workload identity federation"

// keyless are the ways to grant access without a key made by Google.
const keyless = federatedOnly + ", or upload the certificate of a key pair that the vendor generated"

// kind is one row of the table: the first whose test holds decides.
type kind struct {
	is   func(*problem) bool
	kind error
	why  func(*problem) string // "" is Google's own message
	hint func(*problem) string
}

func kinds() []kind {
	none := func(*problem) string { return "" }
	return append(federatedKinds(), []kind{
		{func(p *problem) bool { return strings.Contains(p.constraint, "KeyUpload") }, core.ErrBlocked,
			func(p *problem) string { return p.constraint + " forbids keys that are uploaded" },
			func(*problem) string { return federatedOnly }},
		{func(p *problem) bool { return strings.HasSuffix(p.constraint, "restrictAuthTypes") }, core.ErrBlocked,
			func(p *problem) string { return p.constraint + " forbids requests that are signed with HMAC keys" },
			func(*problem) string { return "--who key, for programs that can do without the protocol of Amazon S3" }},
		{func(p *problem) bool { return strings.Contains(p.constraint, "ServiceAccountKey") }, core.ErrBlocked,
			func(p *problem) string { return p.constraint + " forbids keys of service accounts" },
			func(*problem) string { return keyless }},
		{func(p *problem) bool { return p.constraint != "" }, core.ErrBlocked,
			func(p *problem) string { return p.constraint + ": " + p.message },
			func(p *problem) string {
				return "show " + p.constraint + " to the administrator of your organisation"
			}},
		{func(p *problem) bool { return fullUp(p.message) }, nil, none,
			func(p *problem) string {
				if strings.Contains(p.message, "roles") {
					return "ask for more custom roles (a project holds 300), or use another project"
				}
				return "ask for a higher quota (IAM: Service Account Count), or use another project"
			}},
		{disabledAPI, core.ErrOperator,
			func(*problem) string { return "an API of the project is switched off" },
			func(p *problem) string {
				if strings.Contains(p.message, gcloudProject) {
					return "gcloud auth application-default set-quota-project PROJECT"
				}
				return p.activation
			}},
		{func(p *problem) bool { return p.code == http.StatusForbidden && p.permission != "" }, core.ErrOperator,
			func(p *problem) string { return p.permission + " is missing" },
			func(*problem) string { return "the plan lists every permission that the operator needs" }},
		{func(p *problem) bool { return p.code == http.StatusForbidden && !throttledReason(p.reason, p.message) }, core.ErrOperator, none,
			func(*problem) string { return "the plan lists every permission that the operator needs" }},
		{func(p *problem) bool { return p.code == http.StatusUnauthorized }, core.ErrOperator, none, func(*problem) string { return loginHint }},
		{func(*problem) bool { return true }, nil, none, none},
	}...)
}

// explain turns what a call has given into core's words. what is the address
// that it was about.
func explain(what string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*core.Error](err); ok {
		return err
	}
	if t, ok := errors.AsType[*tokenError](err); ok {
		return t.explained(what)
	}
	p := problemOf(err)
	if lost := connection(err); p == nil && lost != "" {
		return &core.Error{What: what, Err: &reworded{lost, err}}
	}
	if p == nil {
		return &core.Error{What: what, Err: err}
	}
	for _, k := range kinds() {
		if !k.is(p) {
			continue
		}
		e := &core.Error{Kind: k.kind, What: what, Err: p, Hint: k.hint(p)}
		if why := k.why(p); why != "" {
			e.Err = &reworded{why, p}
		}
		return e
	}
	return err
}

// explainWrite is [explain] for a write, which may have happened although no
// clear answer came back.
func explainWrite(what string, err error) error {
	if err != nil && (transient(err) || errors.Is(err, context.DeadlineExceeded)) {
		return &core.Error{Kind: core.ErrUnknown, What: what, Err: quietly(err), Hint: "run the same command again"}
	}
	return explain(what, err)
}

// quietly is err in a form that prints no answer's body.
func quietly(err error) error {
	if p := problemOf(err); p != nil {
		return p
	}
	return err
}

// reworded says a problem in words of ours and keeps it.
type reworded struct {
	text string
	err  error
}

func (r *reworded) Error() string { return r.text }
func (r *reworded) Unwrap() error { return r.err }

// fullUp reports whether a project holds as many things of a kind as it may,
// which no patience changes. It is said with the code of too much haste.
// https://cloud.google.com/iam/quotas
func fullUp(message string) bool {
	return strings.Contains(message, "Maximum number of") || strings.Contains(message, "key limit reached")
}

func disabledAPI(p *problem) bool {
	return p.reason == "SERVICE_DISABLED" || p.reason == "accessNotConfigured"
}

// throttled reports whether a refusal is about speed, not about rights.
func throttled(g *googleapi.Error) bool {
	return g.Code == http.StatusForbidden && slices.ContainsFunc(g.Errors, func(e googleapi.ErrorItem) bool { return throttledReason(e.Reason, g.Message) }) ||
		g.Code == http.StatusForbidden && throttledReason("", g.Message)
}

func throttledReason(reason, message string) bool {
	return slices.Contains([]string{"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"}, reason) ||
		strings.HasPrefix(message, "Quota exceeded")
}

// refused reports whether the cloud said that this caller may not: by its
// rights on buckets, objects and accounts. An organisation's policy, a perimeter,
// a switched-off API, speed, and rights to a key of Cloud KMS or to a project's
// quota say nothing about those.
func refused(err error) bool {
	p := problemOf(err)
	return p != nil && p.code == http.StatusForbidden && p.constraint == "" && !disabledAPI(p) && !perimeter(p) &&
		(strings.HasPrefix(p.permission, "storage.") || strings.HasPrefix(p.permission, "iam."))
}

// perimeter reports whether VPC Service Controls stand in the way, whatever the caller's rights.
// https://cloud.google.com/vpc-service-controls/docs/troubleshooting
func perimeter(p *problem) bool {
	return p.reason == "SECURITY_POLICY_VIOLATED" || strings.Contains(p.message, "vpcServiceControls")
}

func hasCode(err error, codes ...int) bool {
	g, ok := errors.AsType[*googleapi.Error](err)
	return ok && slices.Contains(codes, g.Code)
}

func isMissing(err error) bool { return hasCode(err, http.StatusNotFound) }

// isConflict reports whether somebody else was faster. An organisation's policy
// answers with the same code.
func isConflict(err error) bool {
	return hasCode(err, http.StatusConflict, http.StatusPreconditionFailed) && problemOf(err).constraint == ""
}
