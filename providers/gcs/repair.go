// Repair: putting settings back that drifted on a bucket of ours, and no others.
package gcs

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/storage"
)

// drift is what has to be put back.
type drift struct {
	settings *storage.BucketAttrsToUpdate // nil: nothing but perhaps the lifecycle
	rule     bool                         // the rule that gives uploads up is missing
	why      []string
}

// drift compares the bucket with its document. Stricter settings, labels and
// lifecycle rules of others stay.
func (b *bucket) drift(have *storage.BucketAttrs) drift {
	want := bucketFor(b.grant, b.settings).attrs()
	var patch storage.BucketAttrsToUpdate
	var why []string
	if !have.UniformBucketLevelAccess.Enabled || have.PublicAccessPrevention != want.PublicAccessPrevention {
		patch.UniformBucketLevelAccess, patch.PublicAccessPrevention = &want.UniformBucketLevelAccess, want.PublicAccessPrevention
		why = append(why, "uniform access and public access prevention are switched on again")
	}
	if b.softDeleteDrifted(have) {
		patch.SoftDeletePolicy = want.SoftDeletePolicy
		why = append(why, softDeleteText(b.settings.softDelete)+" again")
	}
	if want.Encryption != nil && (have.Encryption == nil || *have.Encryption != *want.Encryption) {
		patch.Encryption = want.Encryption
		why = append(why, "new objects are encrypted by the grant's key")
	}
	d := drift{why: why, rule: !abortsUploads(have.Lifecycle)}
	if len(why) > 0 {
		d.settings = &patch
	}
	if d.rule {
		d.why = append(d.why, "unfinished uploads are given up after "+strconv.Itoa(abortAfter)+" days again")
	}
	return d
}

// softDeleteDrifted allows more days than the default, but not other days than the user's.
func (b *bucket) softDeleteDrifted(have *storage.BucketAttrs) bool {
	var kept time.Duration
	if have.SoftDeletePolicy != nil {
		kept = have.SoftDeletePolicy.RetentionDuration
	}
	want := time.Duration(b.settings.softDelete) * daySeconds * time.Second
	if b.settings.softDeleteSet {
		return kept != want
	}
	return kept < want
}

// abortsUploads reports whether a rule gives up unfinished uploads soon enough,
// whatever their names.
func abortsUploads(l storage.Lifecycle) bool {
	return slices.ContainsFunc(l.Rules, func(r storage.LifecycleRule) bool {
		age := r.Condition.AgeInDays
		alone := storage.LifecycleCondition{AgeInDays: age, AllObjects: r.Condition.AllObjects}
		return r.Action.Type == abortAction && age <= abortAfter && (age > 0 || alone.AllObjects) && reflect.DeepEqual(r.Condition, alone)
	})
}

// repair puts back what drifted, unless the bucket changes meanwhile.
func (b *bucket) repair(ctx context.Context) error {
	handle, err := b.handle()
	if err != nil {
		return err
	}
	return until(ctx, isConflict, func() error {
		have, err := b.still(ctx)
		if err != nil {
			return err
		}
		if have == nil {
			return moved(b.bucketAddr(), isGone)
		}
		d := b.drift(have)
		if d.settings != nil {
			have, err = handle.If(storage.BucketConditions{MetagenerationMatch: have.MetaGeneration}).Update(ctx, *d.settings)
			if err != nil {
				return err
			}
		}
		if d.rule {
			return b.cloud.addRule(ctx, b.bucket, have.MetaGeneration, abortRule())
		}
		return nil
	})
}
