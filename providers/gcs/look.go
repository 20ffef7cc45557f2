// Look: reads that no client library in use has a call for, and what is said where one may not be done.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// fetch reads one answer of an API of Google's: path is below the host of its service.
func fetch[T any](ctx context.Context, c *cloud, service, path string) (T, error) {
	return ask[T](ctx, c, http.MethodGet, service, path, nil)
}

// ask is [fetch] with a body, for what is read by POST.
func ask[T any](ctx context.Context, c *cloud, method, service, path string, content any) (T, error) {
	var out T
	address := "https://" + service + "." + c.at.universe + path
	if service == "storage" {
		address = c.at.storage + path
	}
	var raw []byte
	if content != nil {
		raw = body(content)
	}
	got, err := repeat(ctx, func() (answer, error) { return c.sendTo(ctx, method, address, raw) })
	if err == nil {
		err = json.Unmarshal(got.body, &out)
	}
	return out, err
}

// hopeless reports whether an error is not about the one thing that was asked:
// the run is over, or nothing can be asked at all.
func hopeless(ctx context.Context, err error) bool {
	_, unsigned := errors.AsType[*tokenError](err)
	return unsigned || ctx.Err() != nil
}

// unread says in one line why something could not be read, and where that is mended.
func unread(what string, err error) (why, fix string) {
	said := explain(what, err)
	p := problemOf(err)
	switch {
	case p != nil && disabledAPI(p):
		return "an API of the project is switched off: " + p.message, p.activation
	case p != nil && p.permission != "":
		return "needs " + p.permission, ""
	case p != nil:
		return p.Error(), ""
	}
	return strings.TrimPrefix(said.Error(), what+": "), ""
}
