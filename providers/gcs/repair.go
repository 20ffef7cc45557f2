// Repair: putting settings back that drifted on a bucket of ours, and no others.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/bucketgrant/bucketgrant/core"
)

// repairs returns what has to be patched, and why. Stricter settings, labels
// and lifecycle rules of others stay.
func (b *bucket) repairs(have *bucketState) (bucketDocument, []string) {
	var patch bucketDocument
	var why []string
	want := bucketFor(b.grant, b.settings)
	if have.IAM == nil || *have.IAM != *want.IAM {
		patch.IAM = want.IAM
		why = append(why, "uniform access and public access prevention are switched on again")
	}
	if !abortsUploads(have.Lifecycle) {
		patch.Lifecycle = &lifecycleDocument{}
		if have.Lifecycle != nil {
			patch.Lifecycle.Rules = slices.Clone(have.Lifecycle.Rules)
		}
		patch.Lifecycle.Rules = append(patch.Lifecycle.Rules, abortRule())
		why = append(why, "unfinished uploads are given up after "+strconv.Itoa(abortAfter)+" days again")
	}
	if b.softDeleteDrifted(have) {
		patch.SoftDelete = want.SoftDelete
		why = append(why, softDeleteText(b.settings.softDelete)+" again")
	}
	if want.Encryption != nil && (have.Encryption == nil || *have.Encryption != *want.Encryption) {
		patch.Encryption = want.Encryption
		why = append(why, "new objects are encrypted by the grant's key")
	}
	return patch, why
}

// softDeleteDrifted allows more days than the default, but not other days than the user's.
func (b *bucket) softDeleteDrifted(have *bucketState) bool {
	seconds := 0
	if have.SoftDelete != nil {
		seconds, _ = strconv.Atoi(have.SoftDelete.Seconds)
	}
	want := b.settings.softDelete * daySeconds
	if b.settings.softDeleteSet {
		return seconds != want
	}
	return seconds < want
}

// abortsUploads reports whether a rule gives up unfinished uploads soon enough.
func abortsUploads(l *lifecycleDocument) bool {
	return l != nil && slices.ContainsFunc(l.Rules, func(raw json.RawMessage) bool {
		var r struct {
			Action    lifecycleAction
			Condition map[string]json.Number
		}
		if json.Unmarshal(raw, &r) != nil || r.Action.Type != abortAction || len(r.Condition) != 1 {
			return false
		}
		age, err := r.Condition["age"].Int64()
		return err == nil && age <= abortAfter
	})
}

// repair patches what drifted, unless the bucket changes meanwhile.
func (b *bucket) repair(ctx context.Context) error {
	return until(ctx, isConflict, func() error {
		have, err := b.read(ctx)
		if err != nil {
			return err
		}
		if have == nil || !b.ourLabels(have.Labels) {
			return &core.Error{Kind: core.ErrMoved, What: b.bucketAddr(), Err: errors.New("is no longer the bucket of the plan")}
		}
		patch, why := b.repairs(have)
		if len(why) == 0 {
			return nil
		}
		if have.Metageneration == "" {
			return fmt.Errorf("bucket %s: has no metageneration", b.bucket)
		}
		return b.cloud.exchange(ctx, request{method: http.MethodPatch, path: bucketPath(b.bucket),
			query: url.Values{"ifMetagenerationMatch": {have.Metageneration}, "projection": {"noAcl"}}}, patch, nil)
	})
}
