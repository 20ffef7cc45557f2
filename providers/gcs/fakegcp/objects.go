// Objects: generations, get, list, patch, delete, restore.
package fakegcp

import (
	"encoding/json"
	"strconv"
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
	name = "projects/_/buckets/" + bucket + "/objects/" + name
	return resource{Label: name, Name: name, Type: "storage.googleapis.com/Object", Service: storageService}
}

// mayOnObject decides on a permission whose resource is an object. Where
// object ACLs are on, whoever uploaded an object owns it: reads it, and says
// who else may.
// https://cloud.google.com/storage/docs/access-control/lists#default
func (q *request) mayOnObject(permission string, b *bucket, name string) bool {
	sources := append(q.folderSources(b, name), q.sources(b)...)
	if o := b.live(name); o != nil && !b.uniform() && o.Owner != "" {
		sources = append(sources, source{Where: "ACL of the object", Policy: policy{Bindings: []binding{
			{Role: "roles/storage.legacyObjectOwner", Members: []member{{Text: "serviceAccount:uploader", UID: o.Owner}}},
		}}})
	}
	return q.may(permission, objectResourceName(b.Name, name), sources)
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
// not list where it would be does not learn that.
func (q *request) missing(permission string, b *bucket, name string) error {
	if !q.mayList("storage.objects.list", b, name) {
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

func (q *request) restoreObject() (any, error) {
	b, err := q.needObjectAccess("storage.objects.restore", q.params["bucket"], q.params["object"])
	if err != nil {
		return nil, err
	}
	if !q.mayOnObject("storage.objects.create", b, q.params["object"]) {
		return nil, q.denied("storage.objects.create", "Storage object")
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
	o.Updated = moment()
	return q.objectResource(o), nil
}
