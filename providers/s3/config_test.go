// What surrounds the program cannot redirect it, and what is missing is named.
package s3

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// bare removes everything of AWS from the environment.
func bare(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("AWS_CONFIG_FILE", home+"/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", home+"/credentials")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func asOperator(t *testing.T, cloud *fakeaws.Cloud) {
	t.Helper()
	id, secret := cloud.Operator()
	t.Setenv("AWS_ACCESS_KEY_ID", id)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
}

func planIn(t *testing.T, c Config, g core.Grant) (*core.Plan, error) {
	t.Helper()
	e := &core.Engine{Provider: New(c), Journal: &notes{}, RunID: "run"}
	return e.Plan(t.Context(), g, core.Present)
}

func TestForeignEndpointsNeedConsent(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL":     "http://user:password@127.0.0.1:9",
		"AWS_ENDPOINT_URL_IAM": "https://iam.amazonaws.com.evil.example",
		"AWS_ENDPOINT_URL_S3":  "https://evil-1.eu-west-1.elb.amazonaws.com",
		"AWS_ENDPOINT_URL_STS": "http://sts.amazonaws.com",
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			cloud := fakeaws.New(fakeaws.Options{})
			asOperator(t, cloud)
			t.Setenv(name, value)
			transport := &cloudsim.Transport{Handler: cloud}
			_, err := planIn(t, Config{Transport: transport}, eventDump())
			faults, _ := errors.AsType[core.Faults](err)
			if len(faults) != 1 || faults[0].Field != "endpoint" || strings.Contains(err.Error(), "password") {
				t.Errorf("got error %v, want one fault of the endpoint, without its password", err)
			}
			if _, err := New(Config{Transport: transport}).Act(t.Context(), core.Blueprint{Grant: eventDump()}, core.Credential{ID: "AKIAIOSFODNN7EXAMPLE", Form: core.PairForm, Secret: core.NewSecret([]byte("x"))}); !errors.Is(err, core.ErrInvalid) {
				t.Errorf("trying: got error %v, want %v", err, core.ErrInvalid)
			}
			if n := len(transport.Calls()); n != 0 {
				t.Errorf("got %d calls before consent, want none", n)
			}
		})
	}
}

// Who hands out the operator's credentials gets tokens that are worth as much.
func TestForeignEndpointsOfCredentialsNeedConsent(t *testing.T) {
	const evil = "https://evil.example"
	for name, c := range map[string]struct {
		env, file string
		named     []string // in the fault
	}{
		"sso":      {env: "AWS_ENDPOINT_URL_SSO", named: []string{"AWS_ENDPOINT_URL_SSO"}},
		"sso oidc": {env: "AWS_ENDPOINT_URL_SSO_OIDC", named: []string{"AWS_ENDPOINT_URL_SSO_OIDC"}},
		"login":    {env: "AWS_ENDPOINT_URL_SIGNIN", named: []string{"AWS_ENDPOINT_URL_SIGNIN"}},
		"profile":  {file: "[default]\nendpoint_url = " + evil + "\n", named: []string{"endpoint_url of profile default"}},
		"services": {file: "[default]\nservices = mine\n[services mine]\nsso =\n  endpoint_url = " + evil + "\nsignin =\n  endpoint_url = " + evil + "\n",
			named: []string{"of sso in the services of profile default", "of signin in the services of profile default"}},
		"sso oidc in services": {file: "[default]\nservices = mine\n[services mine]\nsso_oidc =\n  endpoint_url = " + evil + "\n", named: []string{"of sso_oidc in the services of profile default"}},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			if c.env != "" {
				t.Setenv(c.env, evil)
			}
			if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(c.file+"[profile other]\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			cloud := fakeaws.New(fakeaws.Options{})
			asOperator(t, cloud)
			transport := &cloudsim.Transport{Handler: cloud}
			_, err := planIn(t, Config{Transport: transport}, eventDump())
			faults, _ := errors.AsType[core.Faults](err)
			if len(faults) != 1 || faults[0].Value != evil || len(transport.Calls()) != 0 {
				t.Fatalf("got error %v and %d calls, want one fault of %s before any call", err, len(transport.Calls()), evil)
			}
			for _, n := range c.named {
				if !strings.Contains(faults[0].Rule, n) {
					t.Errorf("got %q, want %q named", faults[0].Rule, n)
				}
			}
			p, err := planIn(t, Config{Transport: &cloudsim.Transport{Handler: cloud}, Connection: core.Connection{AllowEndpoint: true}}, eventDump())
			if name == "profile" {
				return // then everything goes there
			}
			if err != nil || !slices.Contains(p.Operator.Endpoints, evil) {
				t.Errorf("with consent: got error %v, want a plan that names %s", err, evil)
			}
			t.Setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
			if _, err := planIn(t, Config{Transport: &cloudsim.Transport{Handler: cloud}}, eventDump()); err != nil {
				t.Errorf("ignored: got error %v, want none", err)
			}
		})
	}
}

// The holder of a key asks nobody for credentials.
func TestGranteeNeedsNoConsentForWhatItDoesNotUse(t *testing.T) {
	bare(t)
	t.Setenv("AWS_ENDPOINT_URL_SSO", "https://evil.example")
	c := core.Credential{ID: "AKIAIOSFODNN7EXAMPLE", Form: core.PairForm, Secret: core.NewSecret([]byte("x"))}
	if _, err := New(Config{}).Act(t.Context(), core.Blueprint{Grant: eventDump()}, c); err != nil {
		t.Errorf("got error %v, want none", err)
	}
}

func TestOwnEndpointsNeedNoConsent(t *testing.T) {
	for _, e := range []string{
		"https://s3.amazonaws.com", "https://s3.eu-west-1.amazonaws.com", "https://s3-fips.us-gov-west-1.amazonaws.com", "https://s3.dualstack.eu-west-1.amazonaws.com",
		"https://iam.amazonaws.com", "https://iam.cn-north-1.amazonaws.com.cn", "https://sts.eusc-de-east-1.amazonaws.eu",
		"https://portal.sso.eu-west-1.amazonaws.com", "https://oidc.eu-west-1.amazonaws.com",
	} {
		if !ownEndpoint(e) {
			t.Errorf("%s is AWS's own", e)
		}
	}
	for _, e := range []string{"https://s3.amazonaws.com@evil.example", "https://evil.example/s3.amazonaws.com", "https://s3.evil.amazonaws.com", "https://s3.amazonaws.com.", "file:///x", "::"} {
		if ownEndpoint(e) {
			t.Errorf("%s is not AWS's own", e)
		}
	}
}

func TestConsentedEndpointIsUsedAndShown(t *testing.T) {
	bare(t)
	cloud := fakeaws.New(fakeaws.Options{})
	asOperator(t, cloud)
	t.Setenv("AWS_ENDPOINT_URL", "http://sandbox.example:5000")
	t.Setenv("AWS_CA_BUNDLE", certificate(t))
	var turn sync.Mutex
	hosts := map[string]bool{}
	transport := &cloudsim.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn.Lock()
		hosts[r.Host] = true
		turn.Unlock()
		cloud.ServeHTTP(w, r)
	})}
	p, err := planIn(t, Config{Transport: transport, Connection: core.Connection{AllowEndpoint: true}}, eventDump())
	if err != nil {
		t.Fatal(err)
	}
	if len(hosts) != 1 || !hosts["sandbox.example:5000"] || len(p.Operator.Endpoints) != 1 || p.Operator.Endpoints[0] != "http://sandbox.example:5000" {
		t.Errorf("got hosts %v and endpoints %q, want the one that was consented to", hosts, p.Operator.Endpoints)
	}
	if p.Operator.Account != "111122223333" || !strings.HasSuffix(p.Operator.Principal, ":user/operator") || p.Operator.Source == "" {
		t.Errorf("got operator %+v, want account, principal and source", p.Operator)
	}
}

// certificate is a file with the certificate of a company's own authority, as AWS_CA_BUNDLE names one.
func certificate(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true}
	raw, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	name := t.TempDir() + "/ca.pem"
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestMissingCredentialsAreTheOperators(t *testing.T) {
	bare(t)
	_, err := planIn(t, Config{Transport: &cloudsim.Transport{Handler: fakeaws.New(fakeaws.Options{})}}, eventDump())
	if e, ok := errors.AsType[*core.Error](err); !ok || !errors.Is(err, core.ErrOperator) || e.Hint == "" {
		t.Errorf("got error %v, want %v with a hint", err, core.ErrOperator)
	}
	t.Setenv("AWS_PROFILE", "nobody")
	if _, err := planIn(t, Config{}, eventDump()); !errors.Is(err, core.ErrOperator) {
		t.Errorf("missing profile: got error %v, want %v", err, core.ErrOperator)
	}
}

// TestNoCredentialsIsSaidPlainly asks an instance's service that is not there:
// where AWS's own tools look last.
func TestNoCredentialsIsSaidPlainly(t *testing.T) {
	bare(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
	stderr, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	real := os.Stderr
	os.Stderr = stderr
	begun := time.Now()
	_, err = planIn(t, Config{}, eventDump())
	os.Stderr = real
	e, _ := errors.AsType[*core.Error](err)
	if e == nil || !errors.Is(err, core.ErrOperator) || !strings.HasSuffix(err.Error(), ": no credentials were found") || e.Hint != "aws configure list, aws sso login or AWS_PROFILE" {
		t.Errorf("got error %v, want that no credentials were found and where to get some", err)
	}
	if spent := time.Since(begun); spent > 2*instanceTime {
		t.Errorf("got the answer after %s, want it within %s", spent, instanceTime)
	}
	if said, err := os.ReadFile(stderr.Name()); err != nil || len(said) > 0 {
		t.Errorf("got error %v and %q on standard error, want nothing", err, said)
	}
}

func TestHalfAKeyIsRefusedEvenIfThereIsAnother(t *testing.T) {
	for there, missing := range map[string]string{"AWS_ACCESS_KEY_ID": "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY": "AWS_ACCESS_KEY_ID"} {
		for _, file := range []string{"", "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"} {
			bare(t)
			t.Setenv(there, "AKIAIOSFODNN7EXAMPLE")
			if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := planIn(t, Config{}, eventDump()); !errors.Is(err, core.ErrOperator) || !strings.Contains(err.Error(), missing+" is missing") {
				t.Errorf("%s only: got error %v, want %s named", there, err, missing)
			}
		}
	}
}

func TestUnreadableAuthoritiesAreNamed(t *testing.T) {
	empty := t.TempDir() + "/empty.pem"
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, rule := range map[string]string{
		"/nowhere/ca.pem": "cannot be read: no such file or directory",
		t.TempDir():       "cannot be read: is a directory",
		empty:             "holds no certificate",
	} {
		bare(t)
		cloud := fakeaws.New(fakeaws.Options{})
		asOperator(t, cloud)
		t.Setenv("AWS_CA_BUNDLE", file)
		_, err := planIn(t, Config{Transport: &cloudsim.Transport{Handler: cloud}}, eventDump())
		faults, _ := errors.AsType[core.Faults](err)
		if len(faults) != 1 || faults[0].Field != "AWS_CA_BUNDLE" || faults[0].Value != file || faults[0].Rule != rule {
			t.Errorf("%s: got error %v, want a fault of AWS_CA_BUNDLE: %s", file, err, rule)
		}
	}
}

func TestSourceOfCredentialsIsInWords(t *testing.T) {
	const key = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
	for name, c := range map[string]struct {
		env  map[string]string
		file string
		want string
	}{
		"environment": {env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}, want: "environment variables"},
		"default":     {file: "[default]\n" + key, want: "profile default"},
		"profile":     {env: map[string]string{"AWS_PROFILE": "work"}, file: "[profile work]\n" + key, want: "profile work"},
		"role":        {file: "[default]\nrole_arn = arn:aws:iam::111122223333:role/x\nsource_profile = base\n[profile base]\n" + key, want: "profile default, assumed role"},
		"sign-on":     {env: map[string]string{"AWS_PROFILE": "work"}, file: "[profile work]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n", want: "profile work, IAM Identity Center"},
		"process":     {file: "[default]\ncredential_process = true\n", want: "profile default, credential process"},
		"container":   {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}, want: "container role"},
		"instance":    {want: "instance role"},
		"token":       {env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "/x", "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/x"}, want: "web identity token"},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := New(Config{}).load(t.Context(), worldRegion, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := sourceOf(cfg); got != c.want {
				t.Errorf("got %q (steps %v), want %q", got, sources(cfg), c.want)
			}
		})
	}
}

func TestWrongOperatorsAreRefused(t *testing.T) {
	bare(t)
	cloud := fakeaws.New(fakeaws.Options{})
	try := func(what string, id, secret string, g core.Grant) {
		t.Helper()
		t.Setenv("AWS_ACCESS_KEY_ID", id)
		t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
		if _, err := planIn(t, Config{Transport: &cloudsim.Transport{Handler: cloud}}, g); !errors.Is(err, core.ErrOperator) {
			t.Errorf("%s: got error %v, want %v", what, err, core.ErrOperator)
		}
	}
	id, secret := cloud.Root()
	try("root user", id, secret, eventDump())
	id, secret = cloud.Operator()
	try("wrong secret", id, secret+"x", eventDump())
	try("unknown key", "AKIAIOSFODNN7EXAMPLE", secret, eventDump())
	g := eventDump()
	g.Settings = map[string]string{"account": "444455556666"}
	try("another account", id, secret, g)
	cloud = fakeaws.New(fakeaws.Options{Partition: "aws-cn"})
	id, secret = cloud.Operator()
	try("another partition", id, secret, eventDump())
}
