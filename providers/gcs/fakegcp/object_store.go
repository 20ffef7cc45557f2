// The generations of an object: how they come, are replaced and go.
package fakegcp

import (
	"slices"
	"time"
)

// live returns the live version of an object, or nil.
func (b *bucket) live(name string) *object {
	for _, o := range b.Objects[name] {
		if o.Noncurrent.IsZero() && o.SoftDeleted.IsZero() {
			return o
		}
	}
	return nil
}

// version returns a generation of an object that is not soft-deleted; the live one for 0.
func (b *bucket) version(name string, generation int64) *object {
	if generation == 0 {
		return b.live(name)
	}
	for _, o := range b.Objects[name] {
		if o.Generation == generation && o.SoftDeleted.IsZero() {
			return o
		}
	}
	return nil
}

// softDeleted returns the soft-deleted generation that the request names.
func (q *request) softDeleted(b *bucket) (*object, error) {
	g, err := q.generation("generation")
	if err != nil {
		return nil, err
	}
	if g == 0 {
		return nil, required("generation")
	}
	b.purge()
	for _, o := range b.Objects[q.params["object"]] {
		if o.Generation == g && !o.SoftDeleted.IsZero() {
			return o, nil
		}
	}
	return nil, q.missing("storage.objects.restore", b, q.params["object"])
}

// purge forgets soft-deleted objects whose time is over.
func (b *bucket) purge() {
	now := time.Now()
	for name, list := range b.Objects {
		list = slices.DeleteFunc(list, func(o *object) bool { return !o.SoftDeleted.IsZero() && !now.Before(o.HardDelete) })
		if len(list) == 0 {
			delete(b.Objects, name)
		} else {
			b.Objects[name] = list
		}
	}
}

// nextGeneration is a number larger than any before: microseconds, as Google's are.
func (c *Cloud) nextGeneration() int64 {
	c.state.LastGen = max(time.Now().UnixMicro(), c.state.LastGen+1)
	return c.state.LastGen
}

// put stores a new generation of an object for a caller who may create it. To
// replace a live object takes storage.objects.delete as well; preconditions
// are looked at before that.
// https://cloud.google.com/storage/docs/access-control/iam-json
func (q *request) put(b *bucket, name string, meta objectMeta, data []byte, cond conditions, who principal) (*object, error) {
	if f := checkObjectName(name); f != nil {
		return nil, f
	}
	was := b.live(name)
	if err := cond.check(was, false); err != nil {
		return nil, err
	}
	if was != nil {
		asker := *q
		asker.caller = who
		if !asker.mayOnObject("storage.objects.delete", b, name) {
			return nil, asker.denied("storage.objects.delete", "Storage object")
		}
		if f := b.checkHeld(was); f != nil && !b.versioned() {
			return nil, f
		}
	}
	now := moment()
	if b.Config.EventHold {
		meta.EventHold = true
	}
	if b.Config.Encryption != nil && meta.KMSKey == "" {
		meta.KMSKey = b.Config.Encryption.DefaultKMSKey
	}
	o := &object{Meta: meta, Bucket: b.Name, Name: name, Data: data, Generation: q.nextGeneration(), Metageneration: 1, Owner: who.UID, Created: now, Updated: now}
	if was != nil {
		b.retire(was)
	}
	b.Objects[name] = append(b.Objects[name], o)
	return o, nil
}

// retire makes a live object noncurrent where versioning is on, and deletes it elsewhere.
func (b *bucket) retire(o *object) {
	if b.versioned() {
		o.Noncurrent = moment()
		return
	}
	b.remove(o)
}

// remove deletes a generation: softly, if the bucket's policy says so.
// https://cloud.google.com/storage/docs/soft-delete
func (b *bucket) remove(o *object) {
	if s := b.Config.SoftDelete; s != nil && s.Seconds > 0 {
		o.SoftDeleted = moment()
		o.HardDelete = o.SoftDeleted.Add(time.Duration(s.Seconds) * time.Second)
		return
	}
	b.Objects[o.Name] = slices.DeleteFunc(b.Objects[o.Name], func(x *object) bool { return x == o })
	if len(b.Objects[o.Name]) == 0 {
		delete(b.Objects, o.Name)
	}
}
