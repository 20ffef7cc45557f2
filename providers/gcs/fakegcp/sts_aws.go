// AWS identities: a signed GetCallerIdentity request, which Google would send on to AWS.
package fakegcp

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// awsKey is a temporary access key of an AWS role's session.
type awsKey struct {
	Account string `json:"account"`
	ARN     string `json:"arn"`
	UserID  string `json:"userId"`
	Secret  string `json:"secret"`
	Token   string `json:"token"`
}

// AddAWSRole makes a session of an AWS role known, as AWS would know it, and
// returns its temporary credentials. Whoever signs GetCallerIdentity with them
// is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION.
func (c *Cloud) AddAWSRole(account, role, session string) (keyID, secret, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := &awsKey{
		Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session, UserID: "AROA" + rand.Text()[:17] + ":" + session,
		Secret: (rand.Text() + rand.Text())[:40], Token: rand.Text() + rand.Text() + rand.Text(),
	}
	keyID = "ASIA" + rand.Text()[:16]
	c.state.AWSKeys[keyID] = k
	return keyID, k.Secret, k.Token
}

// awsRequest is a signed request, serialised as the Security Token Service wants it.
// https://cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds#advanced_scenarios
type awsRequest struct {
	URL     string `json:"url"`
	Method  string `json:"method"`
	Body    string `json:"body"`
	Headers []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"headers"`
}

func (r awsRequest) header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Key, name) {
			return h.Value
		}
	}
	return ""
}

var awsHostRE = regexp.MustCompile(`^sts(\.[a-z0-9-]+)?\.amazonaws\.com$`)

// verifyAWS returns what AWS would say of the one who signed.
func (q *request) verifyAWS(text string, p *awsProvider, providerName string) (map[string]any, *refusal) {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return nil, refused("invalid_grant", "Invalid format of AWS credentials.")
	}
	var r awsRequest
	if err := json.Unmarshal([]byte(plain), &r); err != nil {
		return nil, refused("invalid_grant", "Invalid format of AWS credentials: %v", err)
	}
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "https" || !awsHostRE.MatchString(u.Host) || u.Query().Get("Action") != "GetCallerIdentity" || r.Method != "POST" {
		return nil, refused("invalid_grant", "Invalid AWS credentials: the request must be a POST of GetCallerIdentity to an AWS STS endpoint.")
	}
	s, ok := parseSigned(r.header("Authorization"))
	if !ok || s.Algorithm != algorithmAWS || r.header("host") != u.Host {
		return nil, refused("invalid_grant", "Invalid AWS credentials: the headers Authorization and host are required.")
	}
	// The header keeps a request that was signed for one provider from being used with another.
	// To sign it is recommended only: google-auth for Python adds it to the signed request.
	// https://github.com/googleapis/google-auth-library-python/blob/main/google/auth/aws.py
	target := strings.TrimPrefix(r.header("x-goog-cloud-target-resource"), "https:")
	if target != "//iam.googleapis.com/"+providerName {
		return nil, refused("invalid_grant", "Invalid AWS credentials: the header x-goog-cloud-target-resource must be the full resource name of the provider.")
	}
	k, code, why := q.callAWS(r, u, s)
	if k == nil {
		return nil, refused("invalid_grant", "Received invalid AWS response of type %s with error message: %s", code, why)
	}
	if k.Account != p.Account {
		return nil, refused("invalid_grant", "The AWS account %s does not match the expected account %s.", k.Account, p.Account)
	}
	return map[string]any{"arn": k.ARN, "account": k.Account, "userid": k.UserID}, nil
}

// callAWS answers the signed request as AWS does: by whose key it is, or the
// code and the message of an error.
func (q *request) callAWS(r awsRequest, u *url.URL, s signed) (k *awsKey, code, text string) {
	k = q.state.AWSKeys[s.KeyID]
	if k == nil || r.header("x-amz-security-token") != k.Token {
		return nil, "InvalidClientTokenId", "The security token included in the request is invalid."
	}
	date := r.header("x-amz-date")
	m := message{Method: r.Method, Path: u.EscapedPath(), Query: u.Query(), Header: r.header, Payload: hashed([]byte(r.Body)), Date: date}
	switch {
	case !s.covers("host") || !s.verify(m, k.Secret):
		return nil, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	case !fresh(date, 15*time.Minute):
		return nil, "SignatureDoesNotMatch", "Signature expired: " + date + " is now earlier than " + time.Now().UTC().Add(-15*time.Minute).Format(signTime)
	}
	return k, "", ""
}
