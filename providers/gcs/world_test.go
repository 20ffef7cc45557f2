// The world in which the judge tries this provider: a fake Google Cloud, and hands that reach into it past the provider.
package gcs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// world is one fresh fake cloud.
type world struct {
	t         *testing.T
	fake      *fakegcp.Cloud
	transport *cloudsim.Transport // the provider's
	owner     *cloud              // the operator, past the transport
	stranger  *cloud              // of another project; nil until there is one
	delay     time.Duration
	operators int
}

func newWorld(t *testing.T) *world { return newWorldOf(t, fakegcp.Options{}) }

func newWorldOf(t *testing.T, o fakegcp.Options) *world {
	fake := fakegcp.New(o)
	w := &world{t: t, fake: fake, transport: &cloudsim.Transport{Handler: judged(t, fake), Classify: fake.Classify}}
	w.owner = w.hands(fake.Operator())
	return w
}

// hands are clients of an identity that the judge neither sees nor breaks.
func (w *world) hands(key []byte) *cloud {
	side := &cloudsim.Transport{Handler: w.fake}
	id, err := operatorIdentity(key, side)
	if err != nil {
		w.t.Fatal(err)
	}
	return newCloud(id.credentials, side, google())
}

func (w *world) Provider() core.Provider {
	return New(Config{Transport: w.transport, Credentials: w.fake.Operator(), StandIn: keyring{everybodyElse{w.fake}}})
}

func (w *world) ProviderAs(p []core.Permission) core.Provider {
	var actions []string
	for _, one := range p {
		actions = append(actions, one.Action)
	}
	w.operators++
	key := w.fake.AddOperator(SandboxProject, fmt.Sprintf("operator-%d", w.operators), actions...)
	return New(Config{Transport: w.transport, Credentials: key, StandIn: keyring{everybodyElse{w.fake}}})
}

func (w *world) Grant() core.Grant { return strict(eventDump()) }

// Grants are the grants beside the main one: the judge takes each through its life.
func (w *world) Grants() map[string]core.Grant { return joined(ownGrants(), keylessGrants()) }

func (w *world) Goldens() map[string]core.Grant { return goldens() }
func (w *world) Transport() *cloudsim.Transport { return w.transport }
func (w *world) Block()                         { w.fake.SetConstraints("constraints/iam.disableServiceAccountKeyCreation") }
func (w *world) Strangers() []providertest.Stranger {
	return []providertest.Stranger{providertest.StrangersBucket, providertest.OwnersBucket, providertest.Principal, providertest.Role,
		providertest.Others, providertest.OtherBucket, providertest.Data}
}

func (w *world) SetDelay(d time.Duration) {
	w.delay = d
	w.fake.SetDelay(d)
}

// now runs f with changes that are seen at once.
func (w *world) now(f func()) {
	w.fake.SetDelay(0)
	defer w.fake.SetDelay(w.delay)
	f()
}

const (
	storageAPI = "https://storage.googleapis.com"
	iamAPI     = "https://iam.googleapis.com"
)

// ask sends one request of any API; false if what it is about does not exist.
func (w *world) ask(as *cloud, method, address string, in, out any) bool {
	w.t.Helper()
	var raw []byte
	if in != nil {
		raw = body(in)
	}
	got, err := as.sendTo(context.Background(), method, address, raw)
	if isMissing(err) {
		return false
	}
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, address, err)
	}
	if out != nil {
		if err := json.Unmarshal(got.body, out); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, address, err, got.body)
		}
	}
	return true
}

type dict = map[string]any

func (w *world) makeBucket(as *cloud, project, name, region string) {
	w.t.Helper()
	w.ask(as, "POST", storageAPI+"/storage/v1/b?project="+project, dict{
		"name": name, "location": region, "labels": dict{"team": "finance"},
		"iamConfiguration": dict{"uniformBucketLevelAccess": dict{"enabled": true}},
		"lifecycle":        dict{"rule": []any{dict{"action": dict{"type": "Delete"}, "condition": dict{"age": 3650}}}},
	}, nil)
	w.put(as, name, "ledger/2026.csv")
}

func (w *world) put(as *cloud, bucket, key string) {
	w.t.Helper()
	w.ask(as, "POST", storageAPI+"/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name="+url.QueryEscape(key), dict{"a": 1}, nil)
}

// bucketOnWire is a bucket as the API shows it.
type bucketOnWire struct {
	Location       string              `json:"location,omitempty"`
	Labels         map[string]string   `json:"labels,omitempty"`
	IAM            *iamDocument        `json:"iamConfiguration,omitempty"`
	Lifecycle      *ruleList           `json:"lifecycle,omitempty"`
	SoftDelete     *softDeleteDocument `json:"softDeletePolicy,omitempty"`
	Versioning     *enabledDocument    `json:"versioning,omitempty"`
	Encryption     *encryptionDocument `json:"encryption,omitempty"`
	Metageneration string              `json:"metageneration,omitempty"`
}

func (w *world) Plant(s providertest.Stranger, b core.Blueprint) {
	w.t.Helper()
	n := namesOf(b.Grant, SandboxProject)
	w.now(func() {
		switch s {
		case providertest.StrangersBucket:
			w.stranger = w.hands(w.fake.AddProject("stranger-project", "210987654321"))
			w.makeBucket(w.stranger, "stranger-project", n.bucket, b.Grant.Target.Region)
		case providertest.OwnersBucket:
			w.makeBucket(w.owner, SandboxProject, n.bucket, b.Grant.Target.Region)
		case providertest.OtherBucket:
			if !w.ask(w.owner, "GET", storageAPI+"/storage/v1/b/acme-finance", nil, nil) {
				w.makeBucket(w.owner, SandboxProject, "acme-finance", "US")
			}
		case providertest.Principal:
			w.plantPrincipal(b)
		case providertest.Role:
			w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/roles",
				dict{"roleId": n.roleID, "role": dict{"title": "Made by hand", "stage": "GA", "includedPermissions": []string{"storage.objects.get"}}}, nil)
		case providertest.Others:
			w.plantOthers(n)
		case providertest.Data:
			w.put(w.owner, n.bucket, n.prefix+"2026/11/21.json")
			w.put(w.owner, n.bucket, "elsewhere/21.json")
		}
	})
}

// plantOthers adds a label, a lifecycle rule and two bindings, one of them with
// a condition, to the grant's bucket.
func (w *world) plantOthers(n names) {
	address := storageAPI + "/storage/v1/b/" + n.bucket
	var have bucketOnWire
	w.ask(w.owner, "GET", address, nil, &have)
	rules := []json.RawMessage{body(dict{"action": dict{"type": "Delete"}, "condition": dict{"age": 730, "matchesPrefix": []string{"tmp/"}}})}
	if have.Lifecycle != nil {
		rules = append(rules, have.Lifecycle.Rules...)
	}
	w.ask(w.owner, "PATCH", address, dict{"labels": dict{"cost-centre": "4711"}, "lifecycle": dict{"rule": rules}}, nil)
	w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
		member := "serviceAccount:operator@" + SandboxProject + ".iam.gserviceaccount.com"
		return append(p,
			bindingDocument{Role: "roles/storage.objectViewer", Members: []string{member}},
			bindingDocument{Role: "roles/storage.objectViewer", Members: []string{member},
				Condition: &conditionDocument{Title: "later", Description: "for the audit", Expression: `request.time < timestamp("2030-01-01T00:00:00Z")`}})
	})
}

type wirePolicy struct {
	Version  int               `json:"version"`
	Etag     string            `json:"etag"`
	Bindings []bindingDocument `json:"bindings"`
}

func (w *world) policy(as *cloud, bucket string) wirePolicy {
	var p wirePolicy
	w.ask(as, "GET", storageAPI+"/storage/v1/b/"+bucket+"/iam?optionsRequestedPolicyVersion=3", nil, &p)
	return p
}

func (w *world) editPolicy(bucket string, edit func([]bindingDocument) []bindingDocument) {
	w.t.Helper()
	p := w.policy(w.owner, bucket)
	p.Version, p.Bindings = 3, edit(p.Bindings)
	w.ask(w.owner, "PUT", storageAPI+"/storage/v1/b/"+bucket+"/iam", p, nil)
}

func (w *world) Foreign(b core.Blueprint) string {
	n := namesOf(b.Grant, SandboxProject)
	var text strings.Builder
	for _, as := range []*cloud{w.owner, w.stranger} {
		if as == nil {
			continue
		}
		project := SandboxProject
		if as == w.stranger {
			project = "stranger-project"
		}
		var list struct{ Items []struct{ Name string } }
		w.ask(as, "GET", storageAPI+"/storage/v1/b?project="+project, nil, &list)
		for _, i := range list.Items {
			w.foreignBucket(&text, as, i.Name, n, w.isOurs(b))
		}
	}
	var accounts struct {
		Accounts []struct{ Email, UniqueID, Description, DisplayName string }
	}
	w.ask(w.owner, "GET", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts", nil, &accounts)
	for _, a := range accounts.Accounts {
		if strings.HasPrefix(a.Description, managedBy) {
			continue
		}
		var keys struct{ Keys []struct{ Name string } }
		w.ask(w.owner, "GET", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts/"+a.Email+"/keys?keyTypes=USER_MANAGED", nil, &keys)
		fmt.Fprintf(&text, "account %+v %+v\n", a, keys)
	}
	text.WriteString(w.foreignPools())
	var roles struct {
		Roles []struct {
			Name, Title, Description string
			IncludedPermissions      []string
			Deleted                  bool
		}
	}
	w.ask(w.owner, "GET", iamAPI+"/v1/projects/"+SandboxProject+"/roles?view=FULL&showDeleted=true", nil, &roles)
	for _, r := range roles.Roles {
		if !strings.HasPrefix(r.Description, managedBy) {
			fmt.Fprintf(&text, "role %+v\n", r)
		}
	}
	return text.String()
}

// foreignBucket writes down a bucket, or the parts of ours that are not ours.
func (w *world) foreignBucket(text *strings.Builder, as *cloud, name string, n names, ours func(member string) bool) {
	var have bucketOnWire
	w.ask(as, "GET", storageAPI+"/storage/v1/b/"+name, nil, &have)
	mine := n.ourLabels(have.Labels)
	have.Metageneration = "" // moves with our binding
	if mine {
		for _, k := range []string{managedBy, grantLabel, profileLabel, sharedLabel} {
			delete(have.Labels, k)
		}
		rules := have.Lifecycle.Rules
		have = bucketOnWire{Labels: have.Labels, Lifecycle: &ruleList{slices.DeleteFunc(rules, func(r json.RawMessage) bool {
			return strings.Contains(string(r), abortAction)
		})}}
		if len(have.Labels) == 0 && len(have.Lifecycle.Rules) == 0 {
			have = bucketOnWire{}
		}
	}
	var lines []string
	for _, b := range w.policy(as, name).Bindings {
		members := slices.DeleteFunc(b.Members, func(m string) bool {
			return strings.HasPrefix(m, "project") || ours(m)
		})
		if len(members) > 0 {
			lines = append(lines, fmt.Sprintf("%s %v %+v", b.Role, members, b.Condition))
		}
	}
	for _, f := range w.folders(as, name) {
		for _, b := range f.bindings {
			if n.folder != f.name || b.Role != n.roleName {
				lines = append(lines, fmt.Sprintf("folder %s: %s %v %+v", f.name, b.Role, b.Members, b.Condition))
			}
		}
		if n.folder != f.name {
			lines = append(lines, "folder "+f.name)
		}
	}
	if mine && len(lines) == 0 && have.Labels == nil && have.Lifecycle == nil {
		return
	}
	fmt.Fprintf(text, "bucket %s %s\n%s\n", name, body(have), strings.Join(lines, "\n"))
	if !mine {
		fmt.Fprintf(text, "holds %v\n", w.stored(as, name))
	}
}

func (w *world) Ours(b core.Blueprint) []string {
	n := namesOf(b.Grant, SandboxProject)
	var found []string
	var bucket bucketOnWire
	if w.ask(w.owner, "GET", storageAPI+"/storage/v1/b?project="+SandboxProject+"&prefix="+n.bucket, nil, nil) && w.inProject(n.bucket) {
		if w.ask(w.owner, "GET", storageAPI+"/storage/v1/b/"+n.bucket, nil, &bucket) && n.ourLabels(bucket.Labels) {
			found = append(found, "bucket")
		}
		for _, one := range w.policy(w.owner, n.bucket).Bindings {
			if one.Role == n.roleName && slices.ContainsFunc(one.Members, w.isOurs(b)) {
				found = append(found, n.bindingAddr())
			}
		}
	}
	found = append(found, w.oursInPools(b)...)
	if policy, ok := w.folderPolicyOf(n); ok && n.folder != "" {
		used := slices.ContainsFunc(w.stored(w.owner, n.bucket), func(key string) bool { return strings.HasPrefix(key, n.folder) })
		if !b.Grant.Target.Adopt && !used { // it stays for what is below it
			found = append(found, n.folderAddr())
		}
		for _, one := range policy.Bindings {
			if one.Role == n.roleName && slices.ContainsFunc(one.Members, n.isOurs) {
				found = append(found, n.bindingAddr())
			}
		}
	}
	var role struct {
		Description string
		Deleted     bool
	}
	if w.ask(w.owner, "GET", iamAPI+"/v1/"+n.roleName, nil, &role) && n.ours(role.Description) && !role.Deleted {
		found = append(found, n.roleAddr())
	}
	var account struct{ Description string }
	if w.ask(w.owner, "GET", iamAPI+"/v1/"+n.accountName, nil, &account) && n.ours(account.Description) {
		found = append(found, n.accountAddr())
	}
	slices.Sort(found)
	return found
}

func (w *world) inProject(bucket string) bool {
	var list struct{ Items []struct{ Name string } }
	w.ask(w.owner, "GET", storageAPI+"/storage/v1/b?project="+SandboxProject, nil, &list)
	return slices.ContainsFunc(list.Items, func(i struct{ Name string }) bool { return i.Name == bucket })
}

// folder is a managed folder of a bucket.
type folder struct {
	name     string
	bindings []bindingDocument
}

func (w *world) folders(as *cloud, bucket string) []folder {
	var list struct{ Items []struct{ Name string } }
	w.ask(as, "GET", storageAPI+"/storage/v1/b/"+bucket+"/managedFolders", nil, &list)
	var found []folder
	for _, i := range list.Items {
		var p wirePolicy
		w.ask(as, "GET", storageAPI+"/storage/v1/b/"+bucket+"/managedFolders/"+url.PathEscape(i.Name)+"/iam?optionsRequestedPolicyVersion=3", nil, &p)
		found = append(found, folder{i.Name, p.Bindings})
	}
	return found
}

func (w *world) Keys(b core.Blueprint) []string {
	if b.Grant.Who == core.WhoHMAC {
		var ids []string
		for _, k := range w.hmacKeys(namesOf(b.Grant, SandboxProject)) {
			if k.State == active && w.alive(k.AccessID) {
				ids = append(ids, k.AccessID)
			}
		}
		slices.Sort(ids)
		return ids
	}
	var list struct {
		Keys []struct {
			Name, KeyOrigin string
			Disabled        bool
		}
	}
	w.ask(w.owner, "GET", iamAPI+"/v1/"+namesOf(b.Grant, SandboxProject).accountName+"/keys?keyTypes=USER_MANAGED", nil, &list)
	var ids []string
	for _, k := range list.Keys {
		if !k.Disabled && k.KeyOrigin != "USER_PROVIDED" { // of what was uploaded nobody here ever had the secret
			ids = append(ids, k.Name[strings.LastIndex(k.Name, "/")+1:])
		}
	}
	slices.Sort(ids)
	return ids
}

// alive reports whether the service account of an HMAC key is still there: the
// key of a deleted one is listed by its address, and opens nothing.
func (w *world) alive(accessID string) bool {
	raw, err := w.fake.Snapshot()
	if err != nil {
		w.t.Fatal(err)
	}
	var state struct {
		Accounts map[string]struct{ Deleted time.Time }
		HMACKeys map[string]struct{ Account string }
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		w.t.Fatal(err)
	}
	return state.Accounts[state.HMACKeys[accessID].Account].Deleted.IsZero()
}

func (w *world) Objects(bucket string) []string {
	as := w.owner
	if !w.inProject(bucket) {
		if as = w.stranger; as == nil {
			return nil
		}
	}
	return w.stored(as, bucket)
}

// stored lists objects, every version of them, and unfinished uploads, which no
// API lists: they are read from the fake's state.
func (w *world) stored(as *cloud, bucket string) []string {
	var list struct{ Items []struct{ Name string } }
	w.ask(as, "GET", storageAPI+"/storage/v1/b/"+bucket+"/o?versions=true", nil, &list)
	var keys []string
	for _, i := range list.Items {
		keys = append(keys, i.Name)
	}
	raw, err := w.fake.Snapshot()
	if err != nil {
		w.t.Fatal(err)
	}
	var state struct {
		Uploads, Multiparts map[string]struct{ Bucket, Name string }
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		w.t.Fatal(err)
	}
	for _, all := range []map[string]struct{ Bucket, Name string }{state.Uploads, state.Multiparts} {
		for _, u := range all {
			if u.Bucket == bucket {
				keys = append(keys, u.Name)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

func (w *world) Powers(b core.Blueprint) []string {
	return roleFor(b.Grant).Permissions
}

// The excesses that widen the place instead of an ability.
const (
	siblings    = "siblings"
	wholeBucket = "whole bucket"
	project     = "project"
)

func (w *world) Excesses(b core.Blueprint) []string {
	list := []string{project}
	if b.Grant.Target.Prefix != "" {
		list = append(list, siblings, wholeBucket)
	}
	if _, is := w.federated(b); is {
		list = append(list, anybody)
	}
	for _, a := range probed() {
		if !b.Grant.Allows(a) && w.excess(b, a) {
			list = append(list, string(a))
		}
	}
	return list
}

func (w *world) Tamper(b core.Blueprint, drop, add string) {
	w.t.Helper()
	n := namesOf(b.Grant, SandboxProject)
	w.now(func() {
		if drop != "" {
			left := slices.DeleteFunc(w.Powers(b), func(p string) bool { return p == drop })
			w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask=includedPermissions", dict{"includedPermissions": left}, nil)
		}
		if add != "" {
			w.widen(b, add)
		}
	})
}

func (w *world) widen(b core.Blueprint, add string) {
	n, member := namesOf(b.Grant, SandboxProject), w.bound(b)
	switch add {
	case anybody:
		w.openWide(b)
	case siblings:
		w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
			return append(p, bindingDocument{Role: n.roleName, Members: []string{member}, Condition: &conditionDocument{Title: "no slash",
				Expression: `resource.name.startsWith("projects/_/buckets/` + n.bucket + `/objects/` + strings.TrimSuffix(n.prefix, "/") + `")`}})
		})
	case wholeBucket:
		w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
			return append(p, bindingDocument{Role: n.roleName, Members: []string{member}})
		})
	case project:
		w.fake.Grant(SandboxProject, member, w.projectWide(b))
	case string(core.Identify):
		w.fake.Grant(SandboxProject, member, probePermissions(core.Identify, "")...)
	default:
		id := "excess_" + add
		w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/roles",
			dict{"roleId": id, "role": dict{"title": add, "description": managedBy + " the judge", "stage": "GA", "includedPermissions": probePermissions(core.Ability(add), b.Grant.Who)}}, nil)
		w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
			return append(p, bindingDocument{Role: "projects/" + SandboxProject + "/roles/" + id, Members: []string{member}})
		})
	}
}
