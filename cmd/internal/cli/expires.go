// Expires: when an access ends by itself.
package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

const expiresKey = "expires"

// mostDays bounds an end that is given in days.
const mostDays = 3650

// parseExpires reads a date, a moment or a number of days from now. Dates and
// days end at midnight UTC.
func parseExpires(text string, now time.Time) (time.Time, *core.Fault) {
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(digits); err == nil && n >= 1 && n <= mostDays {
			return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, n), nil
		}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(time.Second), nil
		}
	}
	return time.Time{}, &core.Fault{Field: expiresKey, Value: text, Rule: "is no end of an access",
		Accepts: `a date, e.g. "2030-12-31", a moment, e.g. "2030-12-31T12:00:00Z", or 1 to 3650 days from today, e.g. "90d"`}
}

// mustLast returns a fault if the access would have ended before it began.
func mustLast(g core.Grant, now time.Time) core.Faults {
	if e := g.Limits.Expires; over(e, now) {
		return core.Faults{{Field: expiresKey, Value: e.Format(time.RFC3339), Rule: "is over already", Accepts: "an end in the future"}}
	}
	return nil
}

// over reports whether an end has come.
func over(e, now time.Time) bool { return !e.IsZero() && !e.After(now) }

// until is an end in words.
func until(e time.Time) string {
	if e.IsZero() {
		return "it is revoked: it does not end by itself"
	}
	return e.Format(time.RFC3339)
}

// orEnds completes "until it is revoked".
func orEnds(e time.Time) string {
	if e.IsZero() {
		return ""
	}
	return " or, at the latest, until " + e.Format(time.RFC3339)
}
