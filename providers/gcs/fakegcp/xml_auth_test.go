// Signatures of the XML API: what they must be over, and whose key still counts.
package fakegcp_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// earlier signs as if it were twenty minutes ago.
type earlier struct{ next s3.HTTPSignerV4 }

func (e earlier) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, at time.Time, o ...func(*v4.SignerOptions)) error {
	return e.next.SignHTTP(ctx, c, r, hash, service, region, at.Add(-20*time.Minute), o...)
}

// forService signs for another service.
type forService struct {
	next    s3.HTTPSignerV4
	service string
}

func (f forService) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, _, region string, at time.Time, o ...func(*v4.SignerOptions)) error {
	return f.next.SignHTTP(ctx, c, r, hash, f.service, region, at, o...)
}

func TestSignatureIsRefused(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	if err := put(t, i.s3, "a", "x"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(t, s3Client(i.cloud, i.key.AccessID, i.key.Secret+"x"), "b", "x"), "SignatureDoesNotMatch")
	wantCode(t, put(t, s3Client(i.cloud, "GOOG1E"+strings.Repeat("X", 55), i.key.Secret), "b", "x"), "InvalidAccessKeyId")
	signsEncoding := s3Client(i.cloud, i.key.AccessID, i.key.Secret, func(o *s3.Options) { o.HTTPSignerV4 = o.HTTPSignerV4.(unsignedEncoding).next })
	wantCode(t, put(t, signsEncoding, "b", "x"), "SignatureDoesNotMatch")
	for _, c := range []struct {
		name, code string
		signer     func(s3.HTTPSignerV4) s3.HTTPSignerV4
	}{
		{"a request of twenty minutes ago", "RequestTimeTooSkewed", func(next s3.HTTPSignerV4) s3.HTTPSignerV4 { return earlier{next} }},
		{"for another service", "InvalidSecurity", func(next s3.HTTPSignerV4) s3.HTTPSignerV4 { return forService{next, "ec2"} }},
	} {
		client := s3Client(i.cloud, i.key.AccessID, i.key.Secret, func(o *s3.Options) { o.HTTPSignerV4 = c.signer(o.HTTPSignerV4) })
		wantCode(t, put(t, client, "b", "x"), c.code)
	}
	if _, err := get(t, i.s3, "a"); err != nil {
		t.Error(err)
	}
	h := i.admin.HMACKeyHandle(projectID, i.key.AccessID)
	if _, err := h.Update(t.Context(), storage.HMACKeyAttrsToUpdate{State: storage.Inactive}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(t, i.s3, "b", "x"), "InvalidAccessKeyId")
	if _, err := h.Update(t.Context(), storage.HMACKeyAttrsToUpdate{State: storage.Active}); err != nil {
		t.Fatal(err)
	}
	if err := put(t, i.s3, "b", "x"); err != nil {
		t.Errorf("active again: %v", err)
	}
	if _, err := i.iam.Projects.ServiceAccounts.Disable(inProject+"/serviceAccounts/"+i.email, &iam.DisableServiceAccountRequest{}).Do(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(t, i.s3, "c", "x"), "InvalidAccessKeyId")
}

func TestHMACKeyIsSwitchedOffAfterThreeMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInterop(t, "roles/storage.objectUser")
		i.cloud.SetDelay(10 * time.Minute)
		if _, err := i.admin.HMACKeyHandle(projectID, i.key.AccessID).Update(t.Context(), storage.HMACKeyAttrsToUpdate{State: storage.Inactive}); err != nil {
			t.Fatal(err)
		}
		if err := put(t, i.s3, "a", "x"); err != nil {
			t.Errorf("at once: %v, want the key to work still", err)
		}
		time.Sleep(3 * time.Minute)
		wantCode(t, put(t, i.s3, "b", "x"), "InvalidAccessKeyId")
	})
}

func TestChecksumBehindTheBodyIsNotUnderstood(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	c := s3Client(i.cloud, i.key.AccessID, i.key.Secret, func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	})
	b, k := bucketKey("a")
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: struct{ io.Reader }{strings.NewReader("x")}, ContentLength: aws.Int64(1)})
	wantCode(t, err, "InvalidArgument")
}

func TestGooglesOwnSignatureIsAsGood(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	send := func(secret, body string) *http.Response {
		now := time.Now().UTC()
		r, err := http.NewRequestWithContext(t.Context(), "PUT", "https://storage.googleapis.com/acme-clickhouse/a?x=1", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		date, scope := now.Format("20060102T150405Z"), now.Format("20060102")+"/auto/storage/goog4_request"
		sum := sha256.Sum256([]byte("hello"))
		hash := hex.EncodeToString(sum[:])
		r.Header.Set("x-goog-date", date)
		r.Header.Set("x-goog-content-sha256", hash)
		const signed = "host;x-goog-content-sha256;x-goog-date"
		canonical := "PUT\n/acme-clickhouse/a\nx=1\nhost:storage.googleapis.com\nx-goog-content-sha256:" + hash + "\nx-goog-date:" + date + "\n\n" + signed + "\n" + hash
		sum = sha256.Sum256([]byte(canonical))
		key := []byte("GOOG4" + secret)
		for _, part := range append(strings.Split(scope, "/"), "GOOG4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(sum[:])) {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(part))
			key = h.Sum(nil)
		}
		r.Header.Set("Authorization", "GOOG4-HMAC-SHA256 Credential="+i.key.AccessID+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(key))
		return cloudsim.Serve(i.cloud, r)
	}
	if got := send(i.key.Secret, "hello"); got.StatusCode != 200 {
		body, _ := io.ReadAll(got.Body)
		t.Errorf("got %d %s", got.StatusCode, body)
	}
	if got := send(i.key.Secret, "changed"); got.StatusCode != 400 {
		t.Errorf("another body than the one that was signed: got %d, want 400", got.StatusCode)
	}
	got := send("x", "hello")
	body, _ := io.ReadAll(got.Body)
	for _, want := range []string{"<Code>SignatureDoesNotMatch</Code>", "Check your Google secret key and signing method.", "<StringToSign>GOOG4-HMAC-SHA256"} {
		if got.StatusCode != 403 || !strings.Contains(string(body), want) {
			t.Errorf("got %d %s, want 403 with %s", got.StatusCode, body, want)
		}
	}
}
