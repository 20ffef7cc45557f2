// Uploaded keys: what Google takes, how long it lives, and that the owner's half works.
package fakegcp_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"path"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

// certificate is a self-signed one in PEM.
func certificate(t *testing.T, k crypto.Signer, from, to time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "unused"}, NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func uploadKey(s *iam.Service, email string, data []byte) (*iam.ServiceAccountKey, error) {
	return s.Projects.ServiceAccounts.Keys.Upload(inProject+"/serviceAccounts/"+email, &iam.UploadServiceAccountKeyRequest{
		PublicKeyData: base64.StdEncoding.EncodeToString(data),
	}).Do()
}

func TestUploadedKeyWorksWithItsOwnPrivateHalfAsLongAsItsCertificate(t *testing.T) {
	private := rsaKey(t, 2048)
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{})
		s := iamClient(t, cloud, cloud.Operator())
		a, err := s.Projects.ServiceAccounts.Create(inProject, &iam.CreateServiceAccountRequest{AccountId: "event-dump"}).Do()
		if err != nil {
			t.Fatal(err)
		}
		from, to := time.Now().Add(10*time.Minute).UTC().Truncate(time.Second), time.Now().Add(30*time.Minute).UTC().Truncate(time.Second)
		up, err := uploadKey(s, a.Email, certificate(t, private, from, to))
		if err != nil {
			t.Fatal(err)
		}
		if up.KeyOrigin != "USER_PROVIDED" || up.KeyType != "USER_MANAGED" || up.ValidAfterTime != from.Format(time.RFC3339) || up.ValidBeforeTime != to.Format(time.RFC3339) || up.PrivateKeyData != "" {
			t.Errorf("got %+v, want a key of the user's, as long as its certificate", up)
		}
		id := path.Base(up.Name)
		try := func() (exchanged, selfSigned int) {
			now := time.Now().Unix()
			exchanged, _ = exchange(t, cloud, sign(t, private, id, claims{"iss": a.Email, "aud": fakegcp.DefaultTokenURI, "scope": "https://www.googleapis.com/auth/cloud-platform", "iat": now, "exp": now + 60}))
			return exchanged, bucketsWith(t, cloud, sign(t, private, id, claims{"iss": a.Email, "sub": a.Email, "aud": "https://storage.googleapis.com/", "iat": now, "exp": now + 60}))
		}
		for _, c := range []struct {
			when            string
			wait            time.Duration
			exchanged, self int
		}{
			{"before the certificate is valid", 0, 400, 401},
			{"while it is", 15 * time.Minute, 200, 403},
			{"after its end", 30 * time.Minute, 400, 401},
		} {
			time.Sleep(c.wait)
			if exchanged, self := try(); exchanged != c.exchanged || self != c.self {
				t.Errorf("%s: got %d and %d, want %d and %d", c.when, exchanged, self, c.exchanged, c.self)
			}
		}
	})
}

func TestUploadOfAnythingButACertificateIsRefused(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	email, _ := makeAccount(t, s, "event-dump")
	private, now := rsaKey(t, 2048), time.Now()
	good := certificate(t, private, now.Add(-time.Minute), now.Add(time.Hour))
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	half, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	for _, c := range []struct {
		name, text string
		data       []byte
	}{
		{"a private key", "private key", key},
		{"a certificate and its private key", "private key", append(bytes.Clone(good), key...)},
		{"a public key by itself", "certificate", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: half})},
		{"two certificates", "one X.509", append(bytes.Clone(good), good...)},
		{"nonsense", "certificate", []byte("nonsense")},
		{"another algorithm", "RSA", certificate(t, curve, now, now.Add(time.Hour))},
		{"an expired certificate", "expired", certificate(t, private, now.Add(-time.Hour), now.Add(-time.Minute))},
	} {
		_, err := uploadKey(s, email, c.data)
		wantStatus(t, err, 400, c.text)
	}
	for _, constraint := range []string{"constraints/iam.disableServiceAccountKeyUpload", "constraints/iam.managed.disableServiceAccountKeyUpload"} {
		cloud.SetConstraints(constraint)
		_, err := uploadKey(s, email, good)
		wantStatus(t, err, 400, "Key upload is not allowed on this service account.")
		wantStatus(t, err, 400, constraint)
	}
	cloud.SetConstraints("constraints/iam.disableServiceAccountKeyCreation")
	if _, err := uploadKey(s, email, good); err != nil {
		t.Errorf("where only creation is disabled: %v", err)
	}
}
