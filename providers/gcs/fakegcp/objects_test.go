// Objects: uploads, generations, preconditions, lists.
package fakegcp_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

// creator returns a bucket as the operator sees it, and as an account sees it that may only create.
func creator(t *testing.T, cloud *fakegcp.Cloud) (mine, theirs *storage.BucketHandle) {
	t.Helper()
	s := iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	email, key := makeAccount(t, s, "event-dump")
	grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", "serviceAccount:"+email, "")
	return b, storageClient(t, cloud, key).Bucket("acme-events")
}

func TestPermissionIsLookedAtBeforePreconditionsAndThoseBeforeTheRightToReplace(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	mine, theirs := creator(t, cloud)
	try := func(b *storage.BucketHandle, name string, c storage.Conditions) error {
		w := b.Object(name).If(c).NewWriter(t.Context())
		if _, err := io.WriteString(w, "x"); err != nil {
			return err
		}
		return w.Close()
	}
	if err := write(t.Context(), mine, "there", "first"); err != nil {
		t.Fatal(err)
	}
	stranger := storageClient(t, cloud, cloud.AddProject("other-project", "210987654321")).Bucket("acme-events")
	wantStatus(t, try(stranger, "new", storage.Conditions{GenerationMatch: 1}), 403, "storage.objects.create")
	wantStatus(t, try(theirs, "new", storage.Conditions{GenerationMatch: 1}), 412, "pre-conditions")
	wantStatus(t, try(theirs, "there", storage.Conditions{DoesNotExist: true}), 412, "pre-conditions")
	wantStatus(t, write(t.Context(), theirs, "there", "second"), 403, "storage.objects.delete")
	if err := try(theirs, "new", storage.Conditions{DoesNotExist: true}); err != nil {
		t.Error(err)
	}
	wantStatus(t, theirs.Object("new").If(storage.Conditions{GenerationMatch: 1}).Delete(t.Context()), 403, "storage.objects.delete")
	wantStatus(t, mine.Object("nothing").If(storage.Conditions{GenerationMatch: 1}).Delete(t.Context()), 412, "pre-conditions")
	if err := mine.Object("nothing").Delete(t.Context()); !errors.Is(err, storage.ErrObjectNotExist) {
		t.Errorf("got %v, want that the object does not exist", err)
	}
}

func TestMissingObjectIsNotToldToWhoMayNotList(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	email, key := makeAccount(t, s, "event-dump")
	grantOn(t, b.IAM().V3(), "roles/storage.legacyObjectReader", "serviceAccount:"+email, "")
	_, err := storageClient(t, cloud, key).Bucket("acme-events").Object("nothing").Attrs(t.Context())
	wantStatus(t, err, 403, "storage.objects.get")
	if _, err := b.Object("nothing").Attrs(t.Context()); !errors.Is(err, storage.ErrObjectNotExist) {
		t.Errorf("got %v, want that the object does not exist", err)
	}
}

func TestResumableUploadArrivesWholeAndCountsAsCreate(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	mine, theirs := creator(t, cloud)
	data := bytes.Repeat([]byte("0123456789abcdef"), 40<<10) // 640 KiB in chunks of 256
	w := theirs.Object("big").NewWriter(t.Context())
	w.ChunkSize = 256 << 10
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := read(t.Context(), mine, "big")
	if err != nil || got != string(data) {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(data))
	}
	w = theirs.Object("big").NewWriter(t.Context())
	w.ChunkSize = 256 << 10
	_, werr := w.Write(data)
	wantStatus(t, errors.Join(werr, w.Close()), 403, "storage.objects.delete")
	_, err = startResumable(t, cloud, "big")
	wantStatus(t, err, 403, "storage.objects.delete")
}

// startResumable asks for a session as an account that may only create.
func startResumable(t *testing.T, cloud *fakegcp.Cloud, name string) (string, error) {
	t.Helper()
	s := iamClient(t, cloud, cloud.Operator())
	hc := client(t, cloud, makeKey(t, s, "event-dump@acme-project.iam.gserviceaccount.com"))
	resp, err := hc.Post("https://storage.googleapis.com/upload/storage/v1/b/acme-events/o?uploadType=resumable&name="+name, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.Header.Get("Location"), googleapi.CheckResponse(resp)
}

func TestResumableSessionTellsWhatCameAndEndsWhenCancelled(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	creator(t, cloud)
	hc := client(t, cloud, cloud.Operator())
	do := func(method, url, contentRange string, body []byte) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if contentRange != "" {
			req.Header.Set("Content-Range", contentRange)
		}
		resp, err := hc.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	start := do("POST", "https://storage.googleapis.com/upload/storage/v1/b/acme-events/o?uploadType=resumable&name=big", "", []byte("{}"))
	session := start.Header.Get("Location")
	if !strings.HasPrefix(session, "https://storage.googleapis.com/upload/") {
		t.Fatalf("got session %q", session)
	}
	chunk := bytes.Repeat([]byte("x"), 256<<10)
	if resp := do("PUT", session, "bytes 0-262143/*", chunk); resp.StatusCode != 308 || resp.Header.Get("Range") != "bytes=0-262143" {
		t.Errorf("first chunk: got %d %q", resp.StatusCode, resp.Header.Get("Range"))
	}
	if resp := do("PUT", session, "bytes 0-262143/*", chunk); resp.StatusCode != 308 || resp.Header.Get("Range") != "bytes=0-262143" {
		t.Errorf("the same chunk again: got %d %q, want its bytes taken once", resp.StatusCode, resp.Header.Get("Range"))
	}
	if resp := do("PUT", session, "bytes */300000", nil); resp.StatusCode != 308 || resp.Header.Get("Range") != "bytes=0-262143" {
		t.Errorf("query: got %d %q", resp.StatusCode, resp.Header.Get("Range"))
	}
	if resp := do("DELETE", session, "", nil); resp.StatusCode != 499 {
		t.Errorf("cancel: got %d, want 499", resp.StatusCode)
	}
	if resp := do("PUT", session, "bytes 262144-299999/300000", chunk[:300000-262144]); resp.StatusCode != 404 {
		t.Errorf("after the cancel: got %d, want 404", resp.StatusCode)
	}
}

func TestVersionsAreKeptAndDeletedOneByOne(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	c := storageClient(t, cloud, cloud.Operator())
	b := makeBucket(t, c, "acme-events")
	if _, err := b.Update(t.Context(), storage.BucketAttrsToUpdate{VersioningEnabled: true}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		if err := write(t.Context(), b, "a", text); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Object("a").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t.Context(), b, "a"); !errors.Is(err, storage.ErrObjectNotExist) {
		t.Errorf("got %v, want no live version", err)
	}
	all := list(t, b, &storage.Query{Versions: true})
	if len(all) != 2 {
		t.Fatalf("got %d versions, want 2", len(all))
	}
	wantStatus(t, b.Delete(t.Context()), 409, "not empty")
	for _, o := range all {
		if err := b.Object("a").Generation(o.Generation).Delete(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := b.Delete(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSoftDeletedObjectComesBackUntilItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{})
		b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
		for _, name := range []string{"a", "b"} {
			if err := write(t.Context(), b, name, name); err != nil {
				t.Fatal(err)
			}
			if err := b.Object(name).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		gone := list(t, b, &storage.Query{SoftDeleted: true})
		if len(gone) != 2 || gone[0].HardDeleteTime.Sub(gone[0].SoftDeleteTime) != 7*24*time.Hour {
			t.Fatalf("got %+v, want two soft-deleted objects for seven days", gone)
		}
		if _, err := b.Object("a").Generation(gone[0].Generation).Restore(t.Context(), &storage.RestoreOptions{}); err != nil {
			t.Fatal(err)
		}
		if got, err := read(t.Context(), b, "a"); err != nil || got != "a" {
			t.Errorf("got %q, %v; want the restored object", got, err)
		}
		time.Sleep(7 * 24 * time.Hour)
		if got := list(t, b, &storage.Query{SoftDeleted: true}); len(got) != 0 {
			t.Errorf("got %d soft-deleted objects after seven days, want none", len(got))
		}
	})
}

func list(t *testing.T, b *storage.BucketHandle, q *storage.Query) []*storage.ObjectAttrs {
	t.Helper()
	var out []*storage.ObjectAttrs
	for it := b.Objects(t.Context(), q); ; {
		o, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
}

func TestListFoldsPrefixesAndTurnsPages(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	for _, name := range []string{"a", "events/1", "events/2", "events/x/3", "events2"} {
		if err := write(t.Context(), b, name, name); err != nil {
			t.Fatal(err)
		}
	}
	names := func(l []*storage.ObjectAttrs) (out []string) {
		for _, o := range l {
			out = append(out, o.Name+o.Prefix)
		}
		slices.Sort(out)
		return out
	}
	for _, c := range []struct {
		q    storage.Query
		want string
	}{
		{storage.Query{}, "a events/1 events/2 events/x/3 events2"},
		{storage.Query{Delimiter: "/"}, "a events/ events2"},
		{storage.Query{Prefix: "events/", Delimiter: "/"}, "events/1 events/2 events/x/"},
		{storage.Query{StartOffset: "events/2", EndOffset: "events2"}, "events/2 events/x/3"},
	} {
		if got := strings.Join(names(list(t, b, &c.q)), " "); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.q, got, c.want)
		}
	}
	it := b.Objects(t.Context(), nil)
	var page []*storage.ObjectAttrs
	token, pages, total := "", 0, 0
	for first := true; first || token != ""; first = false {
		page = nil
		next, err := iterator.NewPager(it, 2, token).NextPage(&page)
		if err != nil {
			t.Fatal(err)
		}
		token, pages, total = next, pages+1, total+len(page)
	}
	if pages != 3 || total != 5 {
		t.Errorf("got %d objects on %d pages, want 5 on 3", total, pages)
	}
}

func TestCopyAndComposeNeedReadingAndCreating(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	mine, theirs := creator(t, cloud)
	for _, name := range []string{"a", "b"} {
		if err := write(t.Context(), mine, name, name); err != nil {
			t.Fatal(err)
		}
	}
	_, err := theirs.Object("c").CopierFrom(theirs.Object("a")).Run(t.Context())
	wantStatus(t, err, 403, "storage.objects.get")
	_, err = theirs.Object("c").ComposerFrom(theirs.Object("a")).Run(t.Context())
	wantStatus(t, err, 403, "storage.objects.get")
	if _, err := mine.Object("c").CopierFrom(mine.Object("a")).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	o, err := mine.Object("d").ComposerFrom(mine.Object("c"), mine.Object("b")).Run(t.Context())
	if err != nil || o.ComponentCount != 2 {
		t.Fatalf("got %+v, %v; want two components", o, err)
	}
	if got, err := read(t.Context(), mine, "d"); err != nil || got != "ab" {
		t.Errorf("got %q, %v", got, err)
	}
	r, err := mine.Object("d").NewRangeReader(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "b" {
		t.Errorf("a range: got %q, %v", got, err)
	}
}

func TestRetainedObjectIsNeitherDeletedNorReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{})
		b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
		if _, err := b.Update(t.Context(), storage.BucketAttrsToUpdate{RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: time.Hour}}); err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), b, "a", "x"); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, b.Object("a").Delete(t.Context()), 403, "retention policy")
		wantStatus(t, write(t.Context(), b, "a", "y"), 403, "retention policy")
		time.Sleep(time.Hour)
		if err := b.Object("a").Delete(t.Context()); err != nil {
			t.Errorf("after the retention period: %v", err)
		}
	})
}
