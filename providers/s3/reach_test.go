// A network that is not there is told in plain words, and soon.
package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bucketgrant/bucketgrant/core"
)

// wire is a network that fails every request after a while.
type wire struct {
	after time.Duration
	err   error
}

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(w.after):
		return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: w.err}
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestUnreachableHostIsNamedSoonAndPlainly(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, c := range map[string]struct {
		wire
		most time.Duration
		says string
	}{
		"refused":   {wire{0, dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))}, 15 * time.Second, "could not be reached: connection refused"},
		"no route":  {wire{time.Second, dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH))}, 15 * time.Second, "could not be reached: no route to host"},
		"silence":   {wire{connectTime, dial(os.ErrDeadlineExceeded)}, 15 * time.Second, "could not be reached: i/o timeout"},
		"no name":   {wire{0, dial(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true})}, time.Second, "could not be reached: no such host"},
		"no answer": {wire{connectTime, dial(&net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true})}, 15 * time.Second, "could not be reached: server misbehaving"},
		"proxy":     {wire{0, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))}}, 15 * time.Second, "could not be reached: the proxy: connection refused"},
		"impostor":  {wire{0, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, time.Second, "the connection failed: tls: failed to verify certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := planIn(t, Config{Transport: c.wire, Isolated: true, Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "x", "")}, eventDump())
				if err == nil || !strings.Contains(err.Error(), "sts:GetCallerIdentity: sts.eu-west-1.amazonaws.com") || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("got error %v, want the host and %q", err, c.says)
				}
				for _, frame := range []string{"operation error", "exceeded maximum", "StatusCode", "Post ", "\n"} {
					if strings.Contains(err.Error(), frame) {
						t.Errorf("got %q, want it without %q", err, frame)
					}
				}
				if e, _ := errors.AsType[*core.Error](err); e == nil || strings.Contains(c.says, "reached") && !strings.Contains(e.Hint, "HTTPS_PROXY") {
					t.Errorf("got %#v, want a hint about the network", err)
				}
				if spent := time.Since(begun); spent > c.most {
					t.Errorf("got the answer after %s, want it within %s", spent, c.most)
				}
			})
		})
	}
}

func TestCancelledCallSaysNothingOfTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		e := &core.Engine{Provider: New(Config{Transport: wire{after: time.Hour}, Isolated: true, Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "x", "")}), Journal: &notes{}, RunID: "run"}
		if _, err := e.Plan(ctx, eventDump(), core.Present); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "amazonaws") {
			t.Errorf("got error %v, want %v and no host", err, context.DeadlineExceeded)
		}
	})
}
