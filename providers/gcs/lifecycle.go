// Lifecycle: adding one rule to a list that may hold rules of others.
package gcs

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// ruleList is a lifecycle that keeps every rule as the bytes it came in.
type ruleList struct {
	Rules []json.RawMessage `json:"rule"`
}

// addRule appends a rule to the lifecycle of the bucket of that metageneration.
//
// This is JSON of ours, not the client library's call: a lifecycle is replaced
// as a whole, and the library's types lose conditions that they do not know and
// those that are zero ("daysSinceNoncurrentTime": 0). A rule of somebody else
// that deletes objects would come back deleting more of them.
// https://cloud.google.com/storage/docs/json_api/v1/buckets/patch
func (c *cloud) addRule(ctx context.Context, bucket string, metageneration int64, rule lifecycleRule) error {
	query := url.Values{"ifMetagenerationMatch": {strconv.FormatInt(metageneration, 10)}, "projection": {"noAcl"}, "fields": {"lifecycle"}}
	got, err := repeat(ctx, func() (answer, error) {
		return c.send(ctx, request{method: http.MethodGet, path: bucketPath(bucket), query: query})
	})
	if err != nil {
		return err
	}
	var config struct {
		Lifecycle ruleList `json:"lifecycle"`
	}
	if err := json.Unmarshal(got.body, &config); err != nil {
		return err
	}
	config.Lifecycle.Rules = append(config.Lifecycle.Rules, body(rule))
	_, err = repeat(ctx, func() (answer, error) {
		return c.send(ctx, request{method: http.MethodPatch, path: bucketPath(bucket), query: query, body: body(config)})
	})
	return err
}
