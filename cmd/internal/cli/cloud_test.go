// A cloud in a hundred lines, for tests of the words around it.
package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// toy is a cloud with one resource for each step. It is its own sandbox.
type toy struct {
	mu      sync.Mutex
	Bucket  string           // the name of the bucket that is there
	Foreign bool             // the bucket is not ours
	Role    bool             // the role is there
	Issued  []string         // IDs of the keys that are there
	Count   int              // of keys ever issued
	Fail    map[string]error `json:"-"` // by address
	Wide    bool             // the credential may do everything
	Stays   bool             // the foreign bucket is in nobody's way when a grant ends
	Stuck   bool             // the bucket cannot be dropped
	Caller  string           // who plans and applies, if it is not ann
	Away    bool             // nobody here can become the grantee
	Inside  bool             `json:"-"` // a command said that it runs where the grantee runs
	cancel  func()           // called while the key is issued
	trying  func()           // called for each thing that is tried
	look    toyLook          // what it shows of itself
}

func toyCloud(t *toy) Cloud {
	return Cloud{
		Program: "toygrant", Region: "moon-1",
		Connect: func(c core.Connection) core.Provider { t.Inside = c.Inside; return t },
		Sandbox: func(snapshot []byte) (Sandbox, error) {
			fresh := &toy{Fail: t.Fail, Wide: t.Wide, Foreign: t.Foreign, Bucket: t.Bucket, Away: t.Away}
			if snapshot == nil {
				return fresh, nil
			}
			return fresh, json.Unmarshal(snapshot, fresh)
		},
	}
}

func (t *toy) Provider() core.Provider            { return t }
func (t *toy) Handler() http.Handler              { return http.NotFoundHandler() }
func (t *toy) Snapshot() ([]byte, error)          { return json.Marshal(t) }
func (t *toy) Environment(listen string) []string { return []string{"TOY_ENDPOINT=http://" + listen} }

func (t *toy) Info() core.Info {
	return core.Info{
		Name: "s3", Title: "Toy", Nouns: core.Nouns{Account: "box", Region: "shelf", Principal: "doll"}, Settle: time.Minute,
		Identities: []core.Identity{
			{Who: core.WhoAccount, Title: "a doll of the vendor's", Why: "nothing can be stolen", Forgeries: []core.Forgery{{Name: "other-doll", Why: "a stranger"}, {Name: "no-face", Why: "nobody"}}},
			{Who: core.WhoOIDC, Title: "a doll with papers", Why: "the papers are checked"},
			{Who: core.WhoKey, Title: "a key of the box", Why: "works for whoever holds it", Form: core.PairForm},
		},
		Settings: []core.Setting{
			{Name: "owner", Usage: "who owns the box", Example: "ann", Env: []string{"TOY_OWNER"}, Required: true},
			{Name: "vendor", Usage: "whose doll it is", Example: "bob", Env: []string{"TOY_VENDOR"}, Required: true, Only: []core.Who{core.WhoAccount}},
			{Name: "face", Usage: "a picture", Example: "face.pem", File: true, Only: []core.Who{core.WhoAccount}},
			{Name: "papers", Usage: "which papers", Example: "blue", Required: true, Only: []core.Who{core.WhoOIDC}},
			{Name: "lamp", Usage: "light the box", Example: "true", Flag: true},
		},
		Abilities: []core.Ability{core.Create, core.Abort, core.Overwrite, core.Read, core.List},
		Reasons: []core.Reason{
			{Ability: core.Create, Action: "toy:Put", Level: "object", Why: "putting is Put"},
			{Ability: core.Uploads, Action: "toy:Unfinished", Level: "bucket", Why: "what nobody has finished"},
		},
		Vocabulary: core.Vocabulary{Noun: "deed", Source: "https://toys.example/", Date: "2026-01-02", Lookup: func(word string) core.Word {
			switch word {
			case "toy:Put", "toy:Unfinished", "toy:Paint":
				return core.Word{Known: true}
			case "PutToy", "toy:PutToy":
				return core.Word{Meant: "toy:Put", Because: "it is the name of a call"}
			}
			return core.Word{Because: "nothing is near"}
		}},
	}
}

func (t *toy) Compile(g core.Grant) (core.Blueprint, error) {
	var f core.Faults
	if g.Target.Bucket == "" {
		f = append(f, core.Fault{Field: "bucket", Rule: "is missing", Accepts: "a name"})
	} else if g.Target.Bucket != strings.ToLower(g.Target.Bucket) {
		f = append(f, core.Fault{Field: "bucket", Value: g.Target.Bucket, Rule: "has capital letters", Accepts: "small letters"})
	}
	if g.Target.Region == "" {
		f = append(f, core.Fault{Field: "shelf", Rule: "is missing", Accepts: "moon-1"})
	}
	if g.Settings["owner"] == "" {
		f = append(f, core.Fault{Field: "owner", Rule: "is missing", Accepts: "a name"})
	}
	if g.Who == core.WhoAccount && g.Settings["vendor"] == "" {
		f = append(f, core.Fault{Field: "vendor", Rule: "is missing", Accepts: "a name"})
	}
	if strings.Contains(g.Settings["face"], "bad") {
		f = append(f, core.Fault{Field: "face", Value: g.Settings["face"], Rule: "is no face", Accepts: "a face"})
	}
	return core.Blueprint{
		Cloud: "s3", Grant: g, Probes: g.Target.Prefix + ".probe/",
		Resources: []core.Resource{{Step: core.BucketStep, Addr: "toy:bucket/" + g.Target.Bucket, What: "a bucket"}, {Step: core.RoleStep, Addr: "toy:role", What: "a role"}, {Step: core.CredentialStep, Addr: "toy:key", What: "a key"}},
		Documents: []core.Document{{Name: "policy", Of: "toy:role", Why: "what may be put", Body: json.RawMessage(`{"put":true}`)}},
		Gaps:      []core.Gap{{Ability: core.Overwrite, Outcome: core.Allowed, Why: "toys can be replaced"}},
		Operator:  toyNeeds(g),
	}, f.Err()
}

func (t *toy) Open(_ context.Context, b core.Blueprint) (*core.Steps, error) {
	steps := &core.Steps{
		Whoami: func(context.Context) (core.Operator, error) {
			return core.Operator{Account: "box-7", Principal: cmp.Or(t.Caller, "ann\x1b[31m"), Source: "her word"}, t.Fail["whoami"]
		},
		Bucket: toyStep{t, b, core.BucketStep, "toy:bucket/" + b.Grant.Target.Bucket}, Role: toyStep{t, b, core.RoleStep, "toy:role"},
		Simulator: t, Inspector: t, Preflight: t,
	}
	if b.Grant.Who == core.WhoKey {
		steps.Credential = toyKeys{t}
		return steps, nil
	}
	steps.Outputs = func(context.Context) ([]core.Output, error) {
		return []core.Output{{Name: "DOLL", Value: "doll-of-" + b.Grant.Settings["vendor"], Why: "who comes"}, {Name: "workflow", Value: "play: " + b.Grant.Name + "\n", File: "play.yml"}}, nil
	}
	return steps, nil
}

func (t *toy) Act(_ context.Context, b core.Blueprint, c core.Credential) (core.Actor, error) {
	if c.Secret.Empty() && t.Away && !t.Inside {
		return nil, core.ErrNotHere
	}
	return toyActor{t, b, c.ID}, nil
}

func (t *toy) Simulate(_ context.Context, p core.Probe) (core.Outcome, error) { return p.Want, nil }

type toyStep struct {
	*toy
	b    core.Blueprint
	step core.StepName
	addr string
}

func (s toyStep) there() bool {
	if s.step == core.BucketStep {
		return s.Bucket == s.b.Grant.Target.Bucket
	}
	return s.Role
}

func (s toyStep) Diff(_ context.Context, want core.Want) ([]core.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := core.Change{Step: s.step, Action: core.Keep, Addr: s.addr}
	switch {
	case s.step == core.BucketStep && s.there() && s.Foreign && !s.b.Grant.Target.Adopt && (want.Present || !s.Stays):
		c.Action, c.Why, c.Hint = core.Refuse, "exists and is not ours", "--adopt"
	case want.Present && !s.there():
		c.Action = core.Make
	case !want.Present && !s.there():
		return nil, nil
	case want.DropBucket && s.step == core.BucketStep && s.Stuck:
		c.Why = "it is not empty"
	case !want.Present && (s.step == core.RoleStep || want.DropBucket):
		c.Action = core.Drop
	}
	return []core.Change{c}, s.Fail["diff"]
}

func (s toyStep) Do(_ context.Context, c core.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Fail[c.Addr]; err != nil {
		return err
	}
	if s.step == core.BucketStep {
		s.Bucket = map[core.Action]string{core.Make: s.b.Grant.Target.Bucket}[c.Action]
	} else {
		s.Role = c.Action == core.Make
	}
	return nil
}

type toyKeys struct{ *toy }

func (k toyKeys) Addr(id string) string { return "toy:key/" + id }
func (k toyKeys) Needs() []string       { return []string{"toy:role"} }

func (k toyKeys) List(context.Context) ([]core.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []core.Key
	for _, id := range k.Issued {
		list = append(list, core.Key{ID: id, Active: true, Created: time.Now().Add(-100 * 24 * time.Hour)})
	}
	return list, nil
}

func (k toyKeys) Issue(context.Context) (core.Credential, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.Fail["issue"]; err != nil {
		return core.Credential{}, err
	}
	if k.cancel != nil {
		k.cancel()
	}
	k.Count++
	id := "AKIAIOSFODNN7EXAMPLE"
	k.Issued = append(k.Issued, id)
	return core.Credential{ID: id, Form: core.PairForm, Holder: "doll", Secret: core.NewSecret([]byte(strings.Repeat("s3cr3t/+", 5))), Created: time.Now(), Revoke: "toy revoke"}, nil
}

func (k toyKeys) Retire(_ context.Context, id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.Fail["retire"]; err != nil {
		return err
	}
	k.Issued = slices.DeleteFunc(k.Issued, func(one string) bool { return one == id })
	return nil
}

// Forgeries implements [core.Forger].
func (a toyActor) Forgeries() []string { return []string{"other-doll"} }

type toyActor struct {
	*toy
	b   core.Blueprint
	key string
}

func (a toyActor) Try(_ context.Context, p core.Probe) (core.Outcome, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trying != nil {
		a.trying()
	}
	if a.b.Grant.Who == core.WhoKey && !slices.Contains(a.Issued, a.key) || a.b.Grant.Who != core.WhoKey && !a.Role && !a.Inside {
		return core.Unclear, errors.New("no such key")
	}
	if p.Ability == core.Enter {
		return map[bool]core.Outcome{true: core.Allowed, false: core.Denied}[p.Key == "" || a.Wide], nil
	}
	inside := strings.HasPrefix(p.Key, a.b.Grant.Target.Prefix)
	if a.Wide || inside && slices.Contains([]core.Ability{core.Create, core.Abort, core.Overwrite}, p.Ability) {
		return core.Allowed, nil
	}
	return core.Denied, nil
}
