// Reach: hosts that cannot be reached, how long that is tried, and how it is told.
package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
)

// Together these end a call to a host that is not there within 15 seconds.
const (
	connectTime = 5 * time.Second // for one connection, the host's name looked up
	connectOn   = 6 * time.Second // since a call began, in which another connection is tried for it
	connectRest = 2 * time.Second // at most, between two connections
)

// network is the client for the network itself.
func network() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectTime })
}

// unreached is a request without an answer. It names the host where the SDK
// names itself.
type unreached struct {
	host    string
	nowhere bool // no connection was made
	final   bool // sending it again is of no use
	cause   error
}

func (u *unreached) Error() string {
	if u.nowhere {
		return u.host + " could not be reached: " + reason(u.cause)
	}
	return u.host + ": the connection failed: " + reason(u.cause)
}

func (u *unreached) Unwrap() error { return u.cause }

// broken is the error of a request that went to a host in vain.
func broken(ctx context.Context, host string, cause error) *unreached {
	u := &unreached{host: host, cause: cause}
	_, unnamed := errors.AsType[*net.DNSError](cause)
	if op, ok := errors.AsType[*net.OpError](cause); unnamed || ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		u.nowhere = true
		begun, ok := ctx.Value(begunKey{}).(time.Time)
		u.final = !ok || time.Since(begun) > connectOn
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](cause); ok {
		u.final = true
	}
	return u
}

// reason is what went wrong, without the frames that the layers of the network put around it.
func reason(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return "the proxy: " + reason(op.Err)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err.Error()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}

// plainly is err without the SDK's frame, if no answer came: then the frame says nothing.
func plainly(err error) error {
	if u, ok := errors.AsType[*unreached](err); ok {
		return u
	}
	if u, ok := errors.AsType[*url.Error](err); ok { // from clients that hand out credentials
		if at, parsed := url.Parse(u.URL); parsed == nil {
			return broken(context.Background(), at.Host, u)
		}
	}
	return err
}

type begunKey struct{}

// clocked notes when a call began, before any attempt of it.
func clocked(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("bucketgrantClock",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(context.WithValue(ctx, begunKey{}, time.Now()), in)
		}), middleware.Before)
}

// retryer decides which calls are sent again.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = callAttempts
		usual := retry.NewExponentialJitterBackoff(retry.DefaultMaxBackoff)
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) {
			rest, failed := usual.BackoffDelay(attempt, err)
			if u, ok := errors.AsType[*unreached](err); ok && u.nowhere {
				rest = min(rest, connectRest)
			}
			return rest, failed
		})
		hopeless := retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if u, ok := errors.AsType[*unreached](err); ok && u.final {
				return aws.FalseTernary
			}
			return aws.UnknownTernary
		})
		o.Retryables = append([]retry.IsErrorRetryable{hopeless}, o.Retryables...)
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{
			codeAborted: {}, codeConcurrent: {}, codeUnmodifiable: {},
		}})
	})
}
