// Three judges: what a random grant compiles to means the same to the fake, to Google's own evaluator and in words.
package fakegcp_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

type bound = fakegcp.Bound

// court is a test or one try of a property.
type court interface {
	Fatalf(format string, args ...any)
}

func TestRandomGrantsMeanTheSameToEveryJudge(t *testing.T) {
	t.Attr("suite", "M2")
	judged := 0
	for judged < randomGrants {
		rapid.Check(t, func(rt *rapid.T) {
			b, err := core.Compile(gcs.New(gcs.Config{}), wish(rt))
			if errors.Is(err, core.ErrInvalid) {
				return // no grant: another one is drawn
			}
			if err != nil {
				rt.Fatalf("compile: %v", err)
			}
			judged++
			own, condition := taken(rt, b)
			for _, r := range requests(b.Grant, own.Member) {
				judge(rt, b.Grant, own, r)
			}
			if condition != "" {
				enter(rt, b.Grant, condition)
			}
		})
	}
	t.Attr("cases", strconv.Itoa(judged))
	t.Logf("%d grants were judged", judged)
}

// judge asks all three.
func judge(t court, g core.Grant, own bound, r request) {
	name := r.name
	if r.kind == "" {
		name = ""
	}
	fake, second, words := own.Allows(r.who, r.permission, r.bucket, r.kind, name, r.when), r.second(own), r.who == own.Member && means(g, r)
	if fake != second || fake != words {
		t.Fatalf("three judges disagree\ngrant   %s\nbinding %+v\nrequest %+v\nfake %v, second %v, words %v", text(g), own, r, fake, second, words)
	}
}

func text(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}

// taken is a blueprint's documents taken apart: the binding with its role, and the
// condition of the provider that lets the grantee in, if there is one.
func taken(t court, b core.Blueprint) (own bound, condition string) {
	var role struct{ IncludedPermissions []string }
	var binding struct {
		Members   []string
		Condition struct{ Expression string }
	}
	var provider struct{ AttributeCondition string }
	for name, into := range map[string]any{"role": &role, "binding": &binding, "provider": &provider} {
		i := slices.IndexFunc(b.Documents, func(d core.Document) bool { return d.Name == name })
		if i < 0 && name == "provider" {
			continue
		}
		if err := json.Unmarshal(b.Documents[i].Body, into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if len(binding.Members) != 1 {
		t.Fatalf("a binding has one member: got %q", binding.Members)
	}
	if err := fakegcp.Acceptable(binding.Condition.Expression); binding.Condition.Expression != "" && err != nil {
		t.Fatalf("the cloud takes the condition %s: got %v", binding.Condition.Expression, err)
	}
	own = bound{Member: strings.ReplaceAll(binding.Members[0], "PROJECT_NUMBER", "123456789012"), Condition: binding.Condition.Expression, Permissions: role.IncludedPermissions}
	for _, r := range b.Resources {
		if folder, ok := strings.CutPrefix(r.Addr, "gcs:bucket/"+b.Grant.Target.Bucket+"/folder/"); ok && !strings.Contains(r.Addr, "/binding/") {
			own.Folder = folder
		}
	}
	return own, provider.AttributeCondition
}

// meanings are the permissions that each ability takes, by the kind of what they are asked on.
// https://cloud.google.com/storage/docs/access-control/iam-json
var meanings = map[core.Ability]map[string][]string{
	core.Create:    {"objects": {"storage.objects.create"}},
	core.Abort:     {"objects": {"storage.objects.create"}},
	core.Overwrite: {"objects": {"storage.objects.create", "storage.objects.delete"}},
	core.Read:      {"objects": {"storage.objects.get"}},
	core.Delete:    {"objects": {"storage.objects.delete"}},
	core.Resume:    {"objects": {"storage.multipartUploads.listParts"}},
	core.List:      {"list": {"storage.objects.list"}},
	core.Uploads:   {"bucket": {"storage.multipartUploads.list"}},
	core.Locate:    {"bucket": {"storage.buckets.get"}},
}

// means says in words whether g gives its grantee what r asks for.
func means(g core.Grant, r request) bool {
	if !g.Limits.Expires.IsZero() && !r.when.Before(g.Limits.Expires) {
		return false
	}
	below := strings.HasPrefix(r.name, g.Target.Prefix)
	return slices.ContainsFunc(g.Can, func(a core.Ability) bool {
		m := meanings[a]
		switch {
		case r.permission == "storage.objects.list":
			return slices.Contains(m["list"], r.permission) && (below && r.kind != "" || g.Target.Prefix == "")
		case a == core.Abort && g.Who == core.WhoHMAC && strings.HasPrefix(r.permission, "storage.multipartUploads."):
			return below && r.kind == "objects" && !strings.HasSuffix(r.permission, ".listParts") && !strings.HasSuffix(r.permission, ".list")
		case r.kind == "objects":
			return below && slices.Contains(m["objects"], r.permission)
		}
		return slices.Contains(m["bucket"], r.permission)
	})
}

// requests is the grid for one grant: every permission inside, the telling ones everywhere.
func requests(g core.Grant, member string) (grid []request) {
	in := g.Target.Prefix + "2026/a"
	ask := func(r request) {
		r.kind = kindOf(r)
		grid = append(grid, r)
	}
	moments := []time.Time{today}
	if e := g.Limits.Expires; !e.IsZero() {
		moments = append(moments, e.Add(-time.Second), e, e.Add(time.Hour))
	}
	for _, p := range fakegcp.Permissions() {
		if strings.HasPrefix(p, "storage.") {
			ask(request{member, p, g.Target.Bucket, in, "", today})
		}
	}
	for _, p := range telling {
		disguise := "projects/_/buckets/" + g.Target.Bucket + "/objects/" + g.Target.Prefix
		for _, key := range append(keys(g.Target.Prefix), disguise+"x", "x/"+disguise+"x") {
			ask(request{member, p, g.Target.Bucket, key, "", today})
		}
		for _, at := range moments {
			ask(request{member, p, g.Target.Bucket, in, "", at})
			for _, who := range []string{"serviceAccount:mallory@acme-project.iam.gserviceaccount.com", member + "0", "user:mallory@example.com"} {
				ask(request{who, p, g.Target.Bucket, in, "", at})
			}
		}
	}
	return grid
}

// telling are the permissions that are asked for everywhere.
var telling = []string{
	"storage.objects.create", "storage.objects.get", "storage.objects.delete", "storage.objects.list", "storage.objects.update",
	"storage.multipartUploads.create", "storage.multipartUploads.listParts", "storage.multipartUploads.list", "storage.buckets.get", "storage.buckets.getIamPolicy",
}

// kindOf is what a permission is asked on: objects, a listing's folder, or the bucket.
func kindOf(r request) string {
	of, verb, _ := strings.Cut(strings.TrimPrefix(r.permission, "storage."), ".")
	switch {
	case r.permission == "storage.objects.list" && r.name != "":
		return "managedFolders"
	case of == "objects" && verb != "list", of == "multipartUploads" && verb != "list":
		return "objects"
	}
	return ""
}

// keys are those that a prefix could be mistaken for.
func keys(prefix string) []string {
	stem := strings.TrimSuffix(prefix, "/")
	list := []string{
		prefix, prefix + "x", prefix + "../x", prefix + "*", prefix + `"`, prefix + "ü/€", prefix + "a/b/c", prefix + "\n",
		stem, stem + "x", stem + "-evil/x", stem + "/x", stem + "%2Fx", strings.ToUpper(prefix) + "x", strings.ToLower(prefix) + "x", "/" + prefix + "x", "x/" + prefix + "x", "../" + prefix,
		stem[:len(stem)/2], "", "*", "x", strings.ReplaceAll(prefix, ".", "x") + "x", stem[strings.LastIndex(stem, "/")+1:] + "/x",
	}
	slices.Sort(list)
	return slices.Compact(list)
}
