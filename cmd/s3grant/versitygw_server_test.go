//go:build conformance

// The two processes of versitygw: S3 behind TLS, and IAM.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// startVersity starts both processes of versitygw and returns their addresses.
func startVersity(t *testing.T, root aws.Credentials) (s3, iam string) {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"iam", "side", "ver", "data"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	at := func(parts ...string) string { return filepath.Join(slices.Concat([]string{dir}, parts)...) }
	s3, iam = freePort(t), freePort(t)
	start := func(address string, args ...string) {
		c := exec.CommandContext(t.Context(), versitygw, slices.Concat([]string{"--health", "/healthz", "-p", address}, args)...)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "ROOT_ACCESS_KEY=" + root.AccessKeyID, "ROOT_SECRET_KEY=" + root.SecretAccessKey}
		var said bytes.Buffer
		c.Stdout, c.Stderr = &said, &said
		if err := c.Start(); err != nil {
			t.Fatalf("%s does not start: %v (make conformance installs it)", versitygw, err)
		}
		t.Cleanup(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
			if t.Failed() {
				t.Logf("%s on %s says:\n%.4000s", versitygw, address, said.String())
			}
		})
	}
	start(iam, "iam", "--dir", at("iam"), "--private-ports", at("iam.sock"), "--disable-oidc-thumbprint-autofetch")
	healthy(t, "http://"+iam)
	cert, key := certificate(t, dir) // without TLS the bucket's own policy would refuse every request
	start(s3, "--cert", cert, "--key", key, "--iam-standalone-endpoint", at("iam.sock"), "--iam-cache-disable", "posix", "--sidecar", at("side"), "--versioning-dir", at("ver"), at("data"))
	healthy(t, "https://"+s3)
	return "https://" + s3, "http://" + iam
}

// trusting is for a server of the test's own, on loopback.
var trusting = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}

// certificate writes that of net/http/httptest into dir.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", pair.Certificate[0]), write("key.pem", "PRIVATE KEY", private)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func healthy(t *testing.T, address string) {
	t.Helper()
	client := http.Client{Timeout: time.Second, Transport: trusting}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if resp, err := client.Get(address + "/healthz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Fatalf("%s did not answer within 30 s", address)
}
