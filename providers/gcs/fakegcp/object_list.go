// Listing a bucket: prefixes, delimiters, versions, pages.
package fakegcp

import (
	"slices"
	"strconv"
	"strings"
)

type objectList struct {
	Kind     string           `json:"kind"`
	Items    []objectResource `json:"items,omitempty"`
	Prefixes []string         `json:"prefixes,omitempty"`
	Next     string           `json:"nextPageToken,omitempty"`
}

// listObjects lists a bucket, or a managed folder by its prefix. Its resource is
// the bucket: a condition on object names does not hold.
func (q *request) listObjects() (any, error) {
	b, err := q.needBucket("")
	if err != nil {
		return nil, err
	}
	prefix, delimiter := q.query.Get("prefix"), q.query.Get("delimiter")
	folders := q.query.Get("includeFoldersAsPrefixes") == "true"
	for _, permission := range []string{"storage.objects.list", "storage.managedFolders.list"} {
		if (permission == "storage.objects.list" || folders) && !q.mayList(permission, b, prefix) {
			return nil, q.denied(permission, "Storage bucket")
		}
	}
	entries := b.list(prefix, delimiter, q.query.Get("startOffset"), q.query.Get("endOffset"), q.query.Get("versions") == "true", q.query.Get("softDeleted") == "true")
	if folders && delimiter == "/" {
		entries = append(entries, b.foldersBelow(prefix)...)
	}
	return q.listPage(entries)
}

// list is what a listing shows, in no order: the objects whose names begin with
// prefix, are not before start and are before end, if there is one.
func (b *bucket) list(prefix, delimiter, start, end string, versions, soft bool) []listed {
	b.purge()
	var entries []listed
	for name, generations := range b.Objects {
		if !strings.HasPrefix(name, prefix) || name < start || end != "" && name >= end {
			continue
		}
		if i := strings.Index(name[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			if p := name[:len(prefix)+i+len(delimiter)]; slices.ContainsFunc(generations, func(o *object) bool { return shown(o, versions, soft) }) {
				entries = append(entries, listed{key: p, prefix: true})
			}
			continue
		}
		for _, o := range generations {
			if shown(o, versions, soft) {
				entries = append(entries, listed{key: name, object: o})
			}
		}
	}
	return entries
}

// foldersBelow are the managed folders directly below a prefix, as a listing
// shows them when it is asked to, whether or not they hold an object.
// https://cloud.google.com/storage/docs/json_api/v1/objects/list
func (b *bucket) foldersBelow(prefix string) []listed {
	var out []listed
	for name := range b.Folders {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			first, _, _ := strings.Cut(rest, "/")
			out = append(out, listed{key: prefix + first + "/", prefix: true})
		}
	}
	return out
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
