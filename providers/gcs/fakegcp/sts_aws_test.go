// AWS roles without a key, and service accounts on behalf of others, by Google's own library.
package fakegcp_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/auth/credentials/externalaccount"
	"cloud.google.com/go/auth/httptransport"
	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/option"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

const (
	vendorAccount  = "422074288268"
	vendorProvider = "//iam.googleapis.com/" + poolNumbered + "vendor-pool/providers/aws-vendor"
	vendorARN      = "arn:aws:sts::" + vendorAccount + ":assumed-role/pipeline/workspace-1"
	vendorSubject  = "principal://iam.googleapis.com/" + poolNumbered + "vendor-pool/subject/" + vendorARN
)

// awsSession is what a workload on AWS knows of itself.
type awsSession struct{ keyID, secret, token string }

func (s awsSession) AwsRegion(context.Context, *externalaccount.RequestOptions) (string, error) {
	return "us-east-1", nil
}

func (s awsSession) AwsSecurityCredentials(context.Context, *externalaccount.RequestOptions) (*externalaccount.AwsSecurityCredentials, error) {
	return &externalaccount.AwsSecurityCredentials{AccessKeyID: s.keyID, SecretAccessKey: s.secret, SessionToken: s.token}, nil
}

// vendorClient is a storage client of a workload on AWS; it acts as a service
// account if one is named.
func vendorClient(t *testing.T, cloud *fakegcp.Cloud, s awsSession, account string) (*storage.Client, error) {
	t.Helper()
	transport := &cloudsim.Transport{Handler: cloud, Classify: cloud.Classify}
	o := &externalaccount.Options{
		Audience: vendorProvider, SubjectTokenType: "urn:ietf:params:aws:token-type:aws4_request", AwsSecurityCredentialsProvider: s,
		Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}, Client: &http.Client{Transport: transport},
	}
	if account != "" {
		o.ServiceAccountImpersonationURL = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + account + ":generateAccessToken"
	}
	creds, err := externalaccount.NewCredentials(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := creds.Token(t.Context()); err != nil {
		return nil, err
	}
	hc, err := httptransport.NewClient(&httptransport.Options{Credentials: creds, BaseRoundTripper: transport, DisableTelemetry: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err := storage.NewClient(t.Context(), option.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.SetRetry(storage.WithPolicy(storage.RetryNever))
	return c, nil
}

func session(cloud *fakegcp.Cloud, account, role, name string) awsSession {
	var s awsSession
	s.keyID, s.secret, s.token = cloud.AddAWSRole(account, role, name)
	return s
}

// vendorCloud trusts the vendor's AWS account, and lets one session of it create.
func vendorCloud(t *testing.T, o fakegcp.Options) *fakegcp.Cloud {
	t.Helper()
	cloud := fakegcp.New(o)
	makePool(t, iamClient(t, cloud, cloud.Operator()), "vendor-pool", "aws-vendor", &iam.WorkloadIdentityPoolProvider{Aws: &iam.Aws{AccountId: vendorAccount}})
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", vendorSubject, "")
	return cloud
}

func TestVendorsAWSRoleWritesWithoutAKeyAndOtherSessionsDoNot(t *testing.T) {
	cloud := vendorCloud(t, fakegcp.Options{})
	c, err := vendorClient(t, cloud, session(cloud, vendorAccount, "pipeline", "workspace-1"), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), c.Bucket("acme-events"), "1", "x"); err != nil {
		t.Error(err)
	}
	for _, s := range []awsSession{session(cloud, vendorAccount, "pipeline", "workspace-2"), session(cloud, vendorAccount, "other", "workspace-1")} {
		c, err := vendorClient(t, cloud, s, "")
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, write(t.Context(), c.Bucket("acme-events"), "2", "x"), 403, "storage.objects.create")
	}
}

func TestAWSRoleIsAnAttributeWithoutItsSession(t *testing.T) {
	cloud := vendorCloud(t, fakegcp.Options{})
	b := storageClient(t, cloud, cloud.Operator()).Bucket("acme-events")
	grantOn(t, b.IAM().V3(), "roles/storage.objectViewer", "principalSet://iam.googleapis.com/"+poolNumbered+"vendor-pool/attribute.aws_role/arn:aws:sts::"+vendorAccount+":assumed-role/reader", "")
	if err := write(t.Context(), b, "1", "x"); err != nil {
		t.Fatal(err)
	}
	for role, want := range map[string]bool{"reader": true, "reader2": false} {
		c, err := vendorClient(t, cloud, session(cloud, vendorAccount, role, "any"), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(t.Context(), c.Bucket("acme-events"), "1"); (err == nil) != want {
			t.Errorf("%s: got %v", role, err)
		}
	}
}

func TestAWSIdentityIsRefused(t *testing.T) {
	cloud := vendorCloud(t, fakegcp.Options{})
	good := session(cloud, vendorAccount, "pipeline", "workspace-1")
	for _, c := range []struct {
		name, text string
		session    awsSession
	}{
		{"another account", "does not match the expected account", session(cloud, "210987654321", "pipeline", "workspace-1")},
		{"another secret", "SignatureDoesNotMatch", awsSession{good.keyID, good.secret[1:] + "x", good.token}},
		{"an unknown key", "Received invalid AWS response of type InvalidClientTokenId", awsSession{"ASIAIOSFODNN7EXAMPLE", good.secret, good.token}},
		{"another session token", "InvalidClientTokenId", awsSession{good.keyID, good.secret, good.token + "x"}},
		{"a session name that makes the subject too long", "exceeds the 127 bytes limit", session(cloud, vendorAccount, strings.Repeat("r", 64), strings.Repeat("s", 64))},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := vendorClient(t, cloud, c.session, "")
			if err == nil || !strings.Contains(err.Error(), "invalid_grant") || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want invalid_grant with %q", err, c.text)
			}
		})
	}
}

func TestSignedIdentityServesOneProviderAndNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := vendorCloud(t, fakegcp.Options{})
		caught := ""
		s := session(cloud, vendorAccount, "pipeline", "workspace-1")
		creds, err := externalaccount.NewCredentials(&externalaccount.Options{
			Audience: vendorProvider, SubjectTokenType: "urn:ietf:params:aws:token-type:aws4_request", AwsSecurityCredentialsProvider: s,
			Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"},
			Client: &http.Client{Transport: &cloudsim.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				caught = r.Form.Get("subject_token")
				w.WriteHeader(http.StatusTeapot)
			})}},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = creds.Token(t.Context())
		if caught == "" {
			t.Fatal("no token was caught")
		}
		try := func(provider, token string) string {
			_, got := federate(t, cloud, url.Values{"audience": {provider}, "subject_token_type": {"urn:ietf:params:aws:token-type:aws4_request"}}, token)
			text, _ := got["error_description"].(string)
			return text
		}
		providers := iamClient(t, cloud, cloud.Operator()).Projects.Locations.WorkloadIdentityPools.Providers
		if _, err := providers.Create(inGlobal+"/workloadIdentityPools/vendor-pool", &iam.WorkloadIdentityPoolProvider{Aws: &iam.Aws{AccountId: vendorAccount}}).WorkloadIdentityPoolProviderId("aws-vendor-other").Do(); err != nil {
			t.Fatal(err)
		}
		if got := try(vendorProvider, caught); got != "" {
			t.Errorf("the request as it was signed: %s", got)
		}
		if got := try(vendorProvider+"-other", caught); !strings.Contains(got, "x-goog-cloud-target-resource") {
			t.Errorf("with another provider: got %q", got)
		}
		if got := try(vendorProvider, strings.Replace(caught, "GetCallerIdentity", "GetSessionToken", 1)); !strings.Contains(got, "GetCallerIdentity") {
			t.Errorf("another call: got %q", got)
		}
		if got := try(vendorProvider, strings.Replace(caught, "amazonaws.com", "evil.example", 1)); !strings.Contains(got, "AWS STS endpoint") {
			t.Errorf("another host: got %q", got)
		}
		time.Sleep(16 * time.Minute)
		if got := try(vendorProvider, caught); !strings.Contains(got, "Signature expired") {
			t.Errorf("after sixteen minutes: got %q", got)
		}
	})
}

// Google's own clients differ: the one for Go signs the header, the one for Python adds it later.
func TestTargetOfASignedIdentityIsNamedAndNeedNotBeSigned(t *testing.T) {
	cloud := vendorCloud(t, fakegcp.Options{})
	s := session(cloud, vendorAccount, "pipeline", "workspace-1")
	const endpoint = "https://sts.us-east-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
	for name, signTarget := range map[string]bool{"signed": true, "added later": false} {
		t.Run(name, func(t *testing.T) {
			r := mustRequest(t, "POST", endpoint)
			if signTarget {
				r.Header.Set("x-goog-cloud-target-resource", vendorProvider)
			}
			sum := sha256.Sum256(nil)
			err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: s.keyID, SecretAccessKey: s.secret, SessionToken: s.token}, r, hex.EncodeToString(sum[:]), "sts", "us-east-1", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("x-goog-cloud-target-resource", vendorProvider)
			r.Header.Set("host", r.Host)
			type header struct {
				Key   string `json:"key"`
				Value string `json:"value"`
			}
			in := struct {
				URL     string   `json:"url"`
				Method  string   `json:"method"`
				Headers []header `json:"headers"`
			}{URL: endpoint, Method: "POST"}
			for k := range r.Header {
				in.Headers = append(in.Headers, header{k, r.Header.Get(k)})
			}
			text, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			status, got := federate(t, cloud, url.Values{"audience": {vendorProvider}, "subject_token_type": {"urn:ietf:params:aws:token-type:aws4_request"}}, url.QueryEscape(string(text)))
			if status != 200 {
				t.Errorf("got %d %v", status, got)
			}
		})
	}
}
