// Caretaker: the operator's side of a proof.
package gcs

import (
	"context"
	"errors"

	"cloud.google.com/go/storage"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/iterator"

	"github.com/bucketgrant/bucketgrant/core"
)

// caretaker finds another bucket and removes what the proof wrote.
type caretaker struct{ *run }

// Elsewhere names another bucket of the project.
func (c *caretaker) Elsewhere(ctx context.Context) (string, error) {
	found, err := c.buckets(ctx, "", 2)
	if err != nil {
		return "", explain("projects/"+c.project, err)
	}
	for _, name := range found {
		if name != c.bucket {
			return name, nil
		}
	}
	return "", nil
}

const sweepsAtOnce = 8

// Sweep deletes every generation of the objects with these keys. What was
// begun and not finished cannot be listed, and Cloud Storage forgets it after a week.
func (c *caretaker) Sweep(ctx context.Context, keys []string) error {
	var group errgroup.Group
	group.SetLimit(sweepsAtOnce)
	for _, key := range keys {
		fork, join := core.Fork(ctx)
		group.Go(func() error {
			defer join()
			return core.Guarded(func() error {
				err := c.sweep(fork, key)
				if err == nil && c.design.grant.Who == core.WhoHMAC {
					err = c.sweepUploads(fork, key)
				}
				return explainWrite(c.bucketAddr(), err)
			})
		})
	}
	return group.Wait()
}

func (c *caretaker) sweep(ctx context.Context, key string) error {
	client, err := c.cloud.storage()
	if err != nil {
		return err
	}
	b := client.Bucket(c.bucket)
	it := b.Objects(ctx, &storage.Query{Prefix: key, Versions: true, Projection: storage.ProjectionNoACL})
	for {
		o, err := it.Next()
		if errors.Is(err, iterator.Done) || isMissing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if o.Name != key {
			continue
		}
		if err := b.Object(key).Generation(o.Generation).Delete(ctx); err != nil && !isMissing(err) {
			return err
		}
	}
}

// Plant puts a few bytes under each key, as the operator.
func (c *caretaker) Plant(ctx context.Context, keys []string) error {
	client, err := c.cloud.storage()
	if err != nil {
		return err
	}
	for _, key := range keys {
		w := client.Bucket(c.bucket).Object(key).NewWriter(ctx)
		w.ChunkSize = 0 // one request
		_, err := w.Write([]byte("probe"))
		if err := errors.Join(err, w.Close()); err != nil {
			return explainWrite(c.bucketAddr(), err)
		}
	}
	return nil
}
