// Objects: generations, get, list, patch, delete, restore.
package fakegcp

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

func objectRoutes() []route {
	const o = "/storage/v1/b/{bucket}/o/{object}"
	return []route{
		storageRoute("GET", "/storage/v1/b/{bucket}/o", "objects.list", false, (*request).listObjects),
		storageRoute("GET", o, "objects.get", false, (*request).getObject),
		storageRoute("PATCH", o, "objects.patch", true, (*request).patchObject),
		storageRoute("PUT", o, "objects.update", true, (*request).patchObject),
		storageRoute("DELETE", o, "objects.delete", true, (*request).deleteObject),
		storageRoute("POST", o+"/restore", "objects.restore", true, (*request).restoreObject),
		storageRoute("POST", o+"/compose", "objects.compose", true, (*request).compose),
		storageRoute("POST", o+"/rewriteTo/b/{toBucket}/o/{toObject}", "objects.rewrite", true, (*request).rewrite),
		storageRoute("POST", o+"/copyTo/b/{toBucket}/o/{toObject}", "objects.copy", true, (*request).copyObject),
	}
}

func objectResourceName(bucket, name string) resource {
	return resource{Name: "projects/_/buckets/" + bucket + "/objects/" + name, Type: "storage.googleapis.com/Object", Service: storageService}
}

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

// mayOnObject decides on a permission whose resource is an object. Where
// object ACLs are on, whoever uploaded an object owns it: reads it, and says
// who else may.
// https://cloud.google.com/storage/docs/access-control/lists#default
func (q *request) mayOnObject(permission string, b *bucket, name string) bool {
	sources := q.sources(b)
	if o := b.live(name); o != nil && !b.uniform() && o.Owner != "" {
		sources = append(sources, source{Where: "ACL of the object", Policy: policy{Bindings: []binding{
			{Role: "roles/storage.legacyObjectOwner", Members: []member{{Text: "serviceAccount:uploader", UID: o.Owner}}},
		}}})
	}
	return q.may(permission, objectResourceName(b.Name, name), sources, nil)
}

// needObjectAccess returns the named bucket if the caller holds the permission
// on the named object, which need not exist.
func (q *request) needObjectAccess(permission, bucketName, name string) (*bucket, error) {
	b := q.state.Buckets[bucketName]
	if b == nil {
		f := failed(404, "The specified bucket does not exist.")
		f.XMLCode = "NoSuchBucket"
		return nil, f
	}
	if !q.mayOnObject(permission, b, name) {
		return nil, q.denied(permission, "Storage object")
	}
	return b, nil
}

// generation reads the generation parameter; 0 means the live version.
func (q *request) generation(param string) (int64, error) {
	text := q.query.Get(param)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, failed(400, "Invalid value for parameter %s: %q", param, text)
	}
	return n, nil
}

// missing is the answer for an object that does not exist. A caller who may
// not list the bucket does not learn that.
func (q *request) missing(permission string, b *bucket, name string) error {
	if !q.mayOnBucket("storage.objects.list", b) {
		return q.denied(permission, "Storage object")
	}
	return failed(404, "No such object: %s/%s", b.Name, name)
}

// find returns the object that a request names, after permission and before preconditions.
func (q *request) find(permission string) (*bucket, *object, error) {
	b, err := q.needObjectAccess(permission, q.params["bucket"], q.params["object"])
	if err != nil {
		return nil, nil, err
	}
	g, err := q.generation("generation")
	if err != nil {
		return nil, nil, err
	}
	return b, b.version(q.params["object"], g), nil
}

func (q *request) getObject() (any, error) {
	if q.query.Get("softDeleted") == "true" {
		return q.getSoftDeleted()
	}
	b, o, err := q.find("storage.objects.get")
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, q.missing("storage.objects.get", b, q.params["object"])
	}
	c, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	if err := c.check(o, true); err != nil {
		return nil, err
	}
	if q.query.Get("alt") == "media" {
		return q.media(o)
	}
	return q.objectResource(o), nil
}

func (q *request) getSoftDeleted() (any, error) {
	b, err := q.needObjectAccess("storage.objects.get", q.params["bucket"], q.params["object"])
	if err != nil {
		return nil, err
	}
	if !q.mayOnObject("storage.objects.restore", b, q.params["object"]) {
		return nil, q.denied("storage.objects.restore", "Storage object")
	}
	o, err := q.softDeleted(b)
	if err != nil {
		return nil, err
	}
	return q.objectResource(o), nil
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

func (q *request) restoreObject() (any, error) {
	b, err := q.needObjectAccess("storage.objects.restore", q.params["bucket"], q.params["object"])
	if err != nil {
		return nil, err
	}
	o, err := q.softDeleted(b)
	if err != nil {
		return nil, err
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	next, err := q.put(b, o.Name, o.Meta, o.Data, cond, q.caller)
	if err != nil {
		return nil, err
	}
	return q.objectResource(next), nil
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
	now := time.Now().UTC()
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
		o.Noncurrent = time.Now().UTC()
		return
	}
	b.remove(o)
}

// remove deletes a generation: softly, if the bucket's policy says so.
// https://cloud.google.com/storage/docs/soft-delete
func (b *bucket) remove(o *object) {
	if s := b.Config.SoftDelete; s != nil && s.Seconds > 0 {
		o.SoftDeleted = time.Now().UTC()
		o.HardDelete = o.SoftDeleted.Add(time.Duration(s.Seconds) * time.Second)
		return
	}
	b.Objects[o.Name] = slices.DeleteFunc(b.Objects[o.Name], func(x *object) bool { return x == o })
	if len(b.Objects[o.Name]) == 0 {
		delete(b.Objects, o.Name)
	}
}

func (q *request) deleteObject() (any, error) {
	b, o, err := q.find("storage.objects.delete")
	if err != nil {
		return nil, err
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	// A precondition on an object that does not exist fails: its generation is 0.
	if err := cond.check(o, false); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, q.missing("storage.objects.delete", b, q.params["object"])
	}
	keepsVersion := b.versioned() && o.Noncurrent.IsZero() && q.query.Get("generation") == ""
	if f := b.checkHeld(o); f != nil && !keepsVersion {
		return nil, f
	}
	if keepsVersion {
		b.retire(o)
	} else {
		b.remove(o)
	}
	return noContent, nil
}

func (q *request) patchObject() (any, error) {
	b, o, err := q.find("storage.objects.update")
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, q.missing("storage.objects.update", b, q.params["object"])
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	if err := cond.check(o, false); err != nil {
		return nil, err
	}
	base := []byte("{}")
	if q.Method == "PATCH" {
		if base, err = json.Marshal(o.Meta); err != nil {
			return nil, err
		}
	}
	merged, err := mergePatch(base, q.body)
	if err != nil {
		return nil, failed(400, "Parse Error")
	}
	var next objectMeta
	if err := json.Unmarshal(merged, &next); err != nil {
		return nil, failed(400, "Invalid value: %v", err)
	}
	if next.Retention != nil && !q.mayOnObject("storage.objects.setRetention", b, o.Name) {
		return nil, q.denied("storage.objects.setRetention", "Storage object")
	}
	o.Meta = next
	o.Metageneration++
	o.Updated = time.Now().UTC()
	return q.objectResource(o), nil
}

type objectList struct {
	Kind     string           `json:"kind"`
	Items    []objectResource `json:"items,omitempty"`
	Prefixes []string         `json:"prefixes,omitempty"`
	Next     string           `json:"nextPageToken,omitempty"`
}

// listObjects lists a bucket. Its resource is the bucket: a condition on
// object names does not hold, one on the list's prefix may.
func (q *request) listObjects() (any, error) {
	b, err := q.needBucket("")
	if err != nil {
		return nil, err
	}
	prefix, delimiter := q.query.Get("prefix"), q.query.Get("delimiter")
	if !q.may("storage.objects.list", bucketResourceName(b.Name), q.sources(b), map[string]string{listPrefixAttribute: prefix}) {
		return nil, q.denied("storage.objects.list", "Storage bucket")
	}
	b.purge()
	versions, soft := q.query.Get("versions") == "true", q.query.Get("softDeleted") == "true"
	var entries []listed
	for name, list := range b.Objects {
		if !strings.HasPrefix(name, prefix) || name < q.query.Get("startOffset") || (q.query.Get("endOffset") != "" && name >= q.query.Get("endOffset")) {
			continue
		}
		if i := strings.Index(name[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			if p := name[:len(prefix)+i+len(delimiter)]; slices.ContainsFunc(list, func(o *object) bool { return shown(o, versions, soft) }) {
				entries = append(entries, listed{key: p, prefix: true})
			}
			continue
		}
		for _, o := range list {
			if shown(o, versions, soft) {
				entries = append(entries, listed{key: name, object: o})
			}
		}
	}
	return q.listPage(entries)
}

// listed is one line of a listing: an object, or a prefix that stands for many.
type listed struct {
	key    string
	prefix bool
	object *object
}

func shown(o *object, versions, soft bool) bool {
	if soft {
		return !o.SoftDeleted.IsZero()
	}
	return o.SoftDeleted.IsZero() && (versions || o.Noncurrent.IsZero())
}

func (q *request) listPage(entries []listed) (any, error) {
	slices.SortFunc(entries, func(a, b listed) int {
		if c := strings.Compare(a.key, b.key); c != 0 || a.object == nil || b.object == nil {
			return c
		}
		return cmpInt(a.object.Generation, b.object.Generation)
	})
	entries = slices.CompactFunc(entries, func(a, b listed) bool { return a.prefix && b.prefix && a.key == b.key })
	keys := make([]string, len(entries))
	byKey := map[string]listed{}
	for i, e := range entries {
		keys[i] = e.key
		if e.object != nil {
			keys[i] += "\x00" + strconv.FormatInt(e.object.Generation, 10)
		}
		byKey[keys[i]] = e
	}
	slices.Sort(keys)
	keys, next, err := page(q, keys, "maxResults", 1000)
	if err != nil {
		return nil, err
	}
	out := objectList{Kind: "storage#objects", Next: next}
	for _, k := range keys {
		if e := byKey[k]; e.prefix {
			out.Prefixes = append(out.Prefixes, e.key)
		} else {
			out.Items = append(out.Items, q.objectResource(e.object))
		}
	}
	return out, nil
}
