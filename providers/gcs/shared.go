// Shared: a bucket of ours that serves several grants goes when nobody uses it any more.
package gcs

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// disused reports whether the bucket is empty, and who uses it beside this grant; "" if nobody does.
func (b *bucket) disused(ctx context.Context) (empty bool, used string, err error) {
	if !b.shared {
		empty, err = b.empty(ctx)
		return empty, "", err
	}
	var folders, roles string
	err = core.Together(ctx,
		func(ctx context.Context) (err error) { empty, err = b.empty(ctx); return },
		func(ctx context.Context) (err error) { folders, err = b.otherFolder(ctx); return },
		func(ctx context.Context) (err error) { roles, err = b.otherRole(ctx); return },
	)
	if folders != "" {
		return empty, folders, err
	}
	return empty, roles, err
}

// otherFolder names a managed folder that is not this grant's.
func (b *bucket) otherFolder(ctx context.Context) (string, error) {
	got, err := repeat(ctx, func() (answer, error) {
		return b.cloud.send(ctx, request{method: http.MethodGet, path: bucketPath(b.bucket) + "/managedFolders"})
	})
	if err != nil {
		return "", err
	}
	var list struct {
		Items []struct{ Name string }
	}
	if err := json.Unmarshal(got.body, &list); err != nil {
		return "", err
	}
	for _, f := range list.Items {
		if f.Name != b.folder {
			return "the managed folder " + f.Name, nil
		}
	}
	return "", nil
}

// otherRole names a role of another grant of ours that is bound on the bucket.
func (b *bucket) otherRole(ctx context.Context) (string, error) {
	p, err := bucketPolicy{b.run}.policy(ctx)
	if err != nil {
		return "", err
	}
	for _, one := range p.bindings {
		if strings.Contains(one.Role, "/roles/"+ourTool+"_") && one.Role != b.roleName {
			return "the role " + one.Role, nil
		}
	}
	return "", nil
}
