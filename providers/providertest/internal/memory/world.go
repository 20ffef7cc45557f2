// The cloud in memory as a world for the judge.
package memory

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// World is a fresh cloud and a provider with the given flaw, or none.
func World(flaw Flaw) providertest.Open {
	return func(t *testing.T) providertest.World {
		c := New()
		h, minted := providertest.Overhear(c, regexp.MustCompile(`"Secret":"([^"]+)"`))
		return &world{t, c, flaw, &cloudsim.Transport{Handler: h, Classify: classify}, minted}
	}
}

type world struct {
	t         *testing.T
	cloud     *Cloud
	flaw      Flaw
	transport *cloudsim.Transport
	minted    func() [][]byte
}

func classify(r *http.Request) cloudsim.Op {
	action := strings.TrimPrefix(r.URL.Path, "/")
	reads := strings.HasSuffix(action, ".read") || strings.HasSuffix(action, ".list") || strings.HasSuffix(action, ".ask") || action == "principal.enter" || action == "object.get"
	return cloudsim.Op{Name: action, Write: !reads}
}

func (w *world) Provider() core.Provider {
	return w.as("operator")
}

func (w *world) ProviderAs(p []core.Permission) core.Provider {
	some := []string{}
	for _, one := range p {
		some = append(some, one.Action)
	}
	token := fmt.Sprintf("operator-%d", len(w.cloud.operators))
	w.cloud.operators[token] = some
	return w.as(token)
}

func (w *world) as(token string) *Provider {
	return &Provider{Transport: w.transport, Token: token, Vendor: "vendor", Stranger: "stranger", Flaw: w.flaw}
}

func (w *world) Grant() core.Grant {
	return core.Grant{Name: "acme-events", Profile: "event-dump", Who: core.WhoKey, Can: []core.Ability{core.Create, core.Abort},
		Target: core.Target{Bucket: "acme-events", Prefix: "events/", Region: "here"}}
}

func (w *world) Grants() map[string]core.Grant {
	one := func(who core.Who, can ...core.Ability) core.Grant {
		g := w.Grant()
		g.Who, g.Can = who, can
		if who == core.WhoAccount {
			g.Settings = map[string]string{"vendor": "vendor", "word": "open sesame"}
		}
		return g
	}
	shared, whole := one(core.WhoKey, core.Create, core.Read, core.List), one(core.WhoKey, core.Create, core.Read, core.List, core.Delete, core.Erase, core.Administer)
	shared.Target.Shared, shared.Target.Prefix = true, "sites/acme.example/"
	whole.Literal, whole.Target.Prefix = true, ""
	adopted := one(core.WhoAccount, core.Create)
	adopted.Target.Adopt = true
	both := one(core.WhoAccount, core.Create, core.List)
	both.Target = shared.Target
	return map[string]core.Grant{
		"event-dump account": one(core.WhoAccount, core.Create, core.Abort),
		"event-dump adopted": adopted,
		"event-dump hmac":    one(core.WhoHMAC, core.Create, core.Abort),
		"reader":             one(core.WhoAccount, core.Read, core.List),
		"service":            one(core.WhoService, core.Create, core.Read),
		"sites":              shared,
		"sites account":      both,
		"as documented":      whole,
	}
}

func (w *world) Minted() [][]byte { return w.minted() }

func (w *world) Lose(b core.Blueprint) bool {
	name := core.Stem(b.Grant.Name, 30)
	_, there := w.cloud.principals[name]
	delete(w.cloud.principals, name)
	return there
}

func (w *world) Goldens() map[string]core.Grant {
	return map[string]core.Grant{"testdata/memory": w.Grant()}
}

func (w *world) Decisive() []string {
	return []string{"key.make", "principal.make", "bucket.make", "policy.add"}
}

// Answer is a code with a status.
func (w *world) Answer(_ *http.Request, why providertest.Trouble) *http.Response {
	out, status := httptest.NewRecorder(), map[providertest.Trouble]int{providertest.Throttled: 429, providertest.Failing: 500, providertest.Unavailable: 503, providertest.Refused: 403}
	reply(out, status[why], answer{Code: string(why)})
	return out.Result()
}

func (w *world) Transport() *cloudsim.Transport { return w.transport }
func (w *world) SetDelay(d time.Duration)       { w.cloud.delay = d }
func (w *world) Block()                         { w.cloud.blocked = true }

func (w *world) Strangers() []providertest.Stranger {
	return []providertest.Stranger{providertest.StrangersBucket, providertest.OwnersBucket, providertest.Principal, providertest.Role,
		providertest.Others, providertest.OtherBucket, providertest.Data}
}

func (w *world) Plant(s providertest.Stranger, b core.Blueprint) {
	t, name := b.Grant.Target, core.Stem(b.Grant.Name, 30)
	filled := func(owner string) *bucket {
		return &bucket{owner: owner, settings: []string{"of its own"}, objects: map[string]string{"old": "data"}}
	}
	switch s {
	case providertest.StrangersBucket:
		w.cloud.buckets[t.Bucket] = filled("stranger")
	case providertest.OwnersBucket:
		w.cloud.buckets[t.Bucket] = filled(owner)
	case providertest.OtherBucket:
		w.cloud.buckets["zz-other"] = filled(owner)
	case providertest.Principal:
		w.cloud.principals[name] = &principal{keys: map[string]*key{}}
	case providertest.Role:
		w.cloud.roles[name] = &role{}
	case providertest.Others:
		k := w.cloud.buckets[t.Bucket]
		k.settings = append(k.settings, "foreign")
		k.bindings.Set(append(slices.Clone(k.bindings.Now), binding{Principal: "foreign", Role: "foreign", Prefix: t.Prefix}, binding{Principal: "deleted:somebody#0"}), nil)
	case providertest.Data:
		w.cloud.buckets[t.Bucket].objects[t.Prefix+"one"] = "data"
		w.cloud.buckets[t.Bucket].objects["two"] = "data"
	default:
		w.t.Fatalf("no such stranger: %q", s)
	}
}

func (w *world) Foreign(b core.Blueprint) string {
	var out strings.Builder
	name := core.Stem(b.Grant.Name, 30)
	for _, n := range slices.Sorted(maps.Keys(w.cloud.buckets)) {
		k := w.cloud.buckets[n]
		foreign := slices.DeleteFunc(slices.Clone(k.bindings.Now), func(g binding) bool { return g.serial != 0 && g.Principal == name })
		if strings.HasPrefix(k.mark, "ours") {
			if len(foreign)+len(k.settings) > 0 {
				fmt.Fprintln(&out, "bucket", n, k.settings, foreign)
			}
			continue
		}
		raw, err := json.Marshal(k.objects)
		if err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintln(&out, "bucket", n, k.owner, k.mark, k.settings, foreign, string(raw))
	}
	for _, n := range slices.Sorted(maps.Keys(w.cloud.principals)) {
		if p := w.cloud.principals[n]; p.mark == "" {
			fmt.Fprintln(&out, "principal", n, slices.Sorted(maps.Keys(p.keys)))
		}
	}
	for _, n := range slices.Sorted(maps.Keys(w.cloud.roles)) {
		if r := w.cloud.roles[n]; r.mark == "" {
			fmt.Fprintln(&out, "role", n, r.actions.Now)
		}
	}
	return out.String()
}

func (w *world) Ours(b core.Blueprint) []string {
	var list []string
	name := core.Stem(b.Grant.Name, 30)
	if k := w.cloud.buckets[b.Grant.Target.Bucket]; k != nil {
		if k.mark == "ours:"+b.Grant.Name || k.mark == sharedMark && b.Grant.Target.Shared {
			list = append(list, "bucket")
		}
		for _, g := range k.bindings.Now {
			if g.serial != 0 && g.Principal == name && !g.tampered {
				list = append(list, "binding/"+w.cloud.show(g).Principal)
			}
		}
	}
	if p := w.cloud.principals[name]; p != nil && p.mark != "" {
		list = append(list, "principal/"+name)
	}
	if r := w.cloud.roles[name]; r != nil && r.mark != "" {
		list = append(list, "role/"+name)
	}
	slices.Sort(list)
	return list
}

func (w *world) Keys(b core.Blueprint) []string {
	p := w.cloud.principals[core.Stem(b.Grant.Name, 30)]
	if p == nil {
		return nil
	}
	var list []string
	for id, k := range p.keys {
		if k.works.Now {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

func (w *world) AddKey(b core.Blueprint) string {
	if !keyed(b.Grant) {
		return ""
	}
	_, out := w.cloud.makeKey(core.Stem(b.Grant.Name, 30), 1000)
	return out.Names[0]
}

func (w *world) Spoil(b core.Blueprint, kind core.FindingKind) bool {
	p := w.cloud.principals[core.Stem(b.Grant.Name, 30)]
	switch kind {
	case core.ConsoleLogin:
		p.login = true
	case core.ShutOut:
		p.shut.Set(true, nil)
	default:
		return false
	}
	return true
}

func (w *world) Objects(bucket string) []string {
	k := w.cloud.buckets[bucket]
	if k == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(k.objects))
}

func (w *world) Powers(b core.Blueprint) []string {
	list := []string{}
	if r := w.cloud.roles[core.Stem(b.Grant.Name, 30)]; r != nil {
		list = slices.Clone(r.actions.Now)
	} else {
		for _, d := range b.Documents[:1] {
			if err := json.Unmarshal(d.Body, &list); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if b.Grant.Who == core.WhoAccount {
		list = append(list, "principal.enter")
	}
	return list
}

func (w *world) Excesses(b core.Blueprint) []string {
	var list []string
	for _, a := range core.Abilities() {
		if action := actions[a.Ability]; action != "" && !b.Grant.Allows(a.Ability) {
			list = append(list, action)
		}
	}
	if b.Grant.Who == core.WhoAccount {
		list = append(list, "no word", "any account")
	}
	if b.Grant.Target.Prefix != "" {
		list = append(list, "whole bucket")
	}
	if b.Grant.Who != core.WhoService {
		list = append(list, "other bucket") // a simulator is not asked about other buckets
	}
	return list
}

func (w *world) Tamper(b core.Blueprint, drop, add string) {
	name := core.Stem(b.Grant.Name, 30)
	r, k, p := w.cloud.roles[name], w.cloud.buckets[b.Grant.Target.Bucket], w.cloud.principals[name]
	now := slices.DeleteFunc(slices.Clone(r.actions.Now), func(a string) bool { return a == drop })
	bind := func(k *bucket, prefix string) {
		k.bindings.Set(append(slices.Clone(k.bindings.Now), binding{Principal: name, Role: name, Prefix: prefix, serial: p.serial, tampered: true}), nil)
	}
	trusted := p.trust.Now
	if drop == "principal.enter" {
		trusted.Account = "nobody"
	}
	switch add {
	case "":
	case "no word":
		trusted.Word = ""
	case "any account":
		trusted.Account = anybody
	case "whole bucket":
		bind(k, "")
	case "other bucket":
		bind(w.cloud.buckets["zz-other"], "")
	default:
		now = append(now, add)
	}
	r.actions.Set(now, nil)
	p.trust.Set(trusted, nil)
}
