// Operations: changes of pools and providers take a while; they are looked at until they are done.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// errUnfinished is what an operation that is still under way has come to.
var errUnfinished = errors.New("is still under way")

// finish waits for op, which was begun on the resource at addr.
func (g *guest) finish(ctx context.Context, addr string, op *iam.Operation) error {
	service, err := g.cloud.iam()
	if err != nil {
		return err
	}
	name := op.Name
	unfinished := func(err error) bool { return errors.Is(err, errUnfinished) }
	err = until(ctx, unfinished, func() error {
		if !op.Done {
			now, err := repeat(ctx, func() (*iam.Operation, error) {
				// Operations of providers have names of another shape, which the same call reads.
				return service.Projects.Locations.WorkloadIdentityPools.Operations.Get(name).Context(ctx).Do()
			})
			if err != nil {
				return err
			}
			op = now
		}
		switch {
		case !op.Done:
			return errUnfinished
		case op.Error != nil:
			return &googleapi.Error{Code: statusOf(op.Error.Code), Message: op.Error.Message, Details: detailsOf(op.Error)}
		}
		var result struct{ Name string }
		if json.Unmarshal(op.Response, &result) == nil {
			g.learn(result.Name)
		}
		return nil
	})
	if unfinished(err) {
		return &core.Error{Kind: core.ErrUnknown, What: addr, Err: err, Hint: "run the same command again"}
	}
	return err
}

// detailsOf are the details of a failure as the client library has them elsewhere.
func detailsOf(s *iam.Status) []any {
	var details []any
	for _, raw := range s.Details {
		var d map[string]any
		if json.Unmarshal(raw, &d) == nil {
			details = append(details, d)
		}
	}
	return details
}

// statusOf is the HTTP status of a gRPC code.
// https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
func statusOf(code int64) int {
	switch code {
	case 3, 9, 11: // INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE
		return http.StatusBadRequest
	case 5:
		return http.StatusNotFound
	case 6, 10: // ALREADY_EXISTS, ABORTED
		return http.StatusConflict
	case 7:
		return http.StatusForbidden
	case 8:
		return http.StatusTooManyRequests
	case 16:
		return http.StatusUnauthorized
	}
	return http.StatusInternalServerError
}
