// A cloud in a few maps: buckets, roles, principals, keys and bindings, behind HTTP.

// Package memory is the smallest cloud and provider that keep every promise of
// the conformance suite. It exists so that the suite itself can be judged: the
// sound provider must pass, and each of its [Flaws] must be convicted.
package memory

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// Cloud is an http.Handler: POST /ACTION with a bearer token and a JSON request.
type Cloud struct {
	mu         sync.Mutex
	delay      time.Duration
	lent       *cloudsim.Lag // to the request that is served
	made       int           // keys and principals so far
	blocked    bool
	operators  map[string][]string // token → actions; nil is every action
	buckets    map[string]*bucket
	roles      map[string]*role
	principals map[string]*principal
	accounts   []string           // tokens of other accounts, which are their names too
	sessions   map[string]session // token → whose it is
}

// session is what somebody gets who has become a principal.
type session struct {
	principal string
	serial    int
}

type bucket struct {
	owner, mark string
	settings    []string // foreign
	objects     map[string]string
	bindings    cloudsim.Eventual[[]binding]
}

type binding struct {
	Principal, Role, Prefix, Until string // Until is a moment of RFC 3339, "" is for ever
	serial                         int    // of the principal that was meant; 0 is anybody of that name
	tampered                       bool   // somebody else has added it
}

type role struct {
	mark    string
	actions cloudsim.Eventual[[]string]
}

type principal struct {
	mark   string
	serial int                     // a principal that is made again is another one
	hidden cloudsim.Eventual[bool] // from policies
	keys   map[string]*key
	trust  cloudsim.Eventual[trust]
	shut   cloudsim.Eventual[bool] // whoever it is, is refused everything
	login  bool                    // it can sign in with a password
	claim  string                  // which run is at work on it
}

// trust says who may become a principal: whoever of that account says the word.
// Without a word nobody is asked for one; nobody has the empty name.
type trust struct{ Account, Word string }

type key struct {
	secret  string
	created time.Time
	first   time.Time // it was used
	used    time.Time // last
	works   cloudsim.Eventual[bool]
	listed  cloudsim.Eventual[bool]
}

// request and answer are what crosses the wire.
type request struct {
	Name, Bucket, Key, Mark string
	Actions                 []string `json:",omitempty"`
	Binding                 binding
	Trust                   trust
	On                      bool
	Claim, Was              string `json:",omitempty"`
	Most                    int    // keys that there may be
	Dry                     bool   // authorize only
}

type answer struct {
	Code     string    `json:",omitempty"`
	Mark     string    `json:",omitempty"`
	Names    []string  `json:",omitempty"`
	Actions  []string  `json:",omitempty"`
	Bindings []binding `json:",omitempty"`
	Secret   string    `json:",omitempty"`
	Trust    trust
	Times    []time.Time
	Keys     []state `json:",omitempty"`
	Shut     bool    `json:",omitempty"`
	Login    bool    `json:",omitempty"`
	Claim    string  `json:",omitempty"`
}

// state is what a list says of a key.
type state struct {
	ID                   string
	Created, First, Used time.Time
	Works                bool
}

const owner = "acme"

// New returns an empty cloud whose operator's token is "operator".
func New() *Cloud {
	return &Cloud{operators: map[string][]string{"operator": nil}, buckets: map[string]*bucket{}, roles: map[string]*role{}, principals: map[string]*principal{},
		accounts: []string{"vendor", "stranger"}, sessions: map[string]session{}}
}

// ServeHTTP authorizes and serves one call.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lent = cloudsim.Lent(r)
	defer func() { c.lent = nil }()
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		reply(w, http.StatusBadRequest, answer{Code: "malformed"})
		return
	}
	action, token := strings.TrimPrefix(r.URL.Path, "/"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if action == "principal.enter" {
		status, out := c.enter(token, in)
		reply(w, status, out)
		return
	}
	known, may := c.authorize(token, action, in)
	switch {
	case known && action == "operator.ask": // whoever is known may ask what it may do
		_, may := c.authorize(token, in.Key, in)
		reply(w, http.StatusOK, answer{Code: map[bool]string{true: "allowed", false: "denied"}[may]})
	case !known:
		reply(w, http.StatusUnauthorized, answer{Code: "unknown key"})
	case !may:
		reply(w, http.StatusForbidden, answer{Code: "denied"})
	case in.Dry:
		reply(w, http.StatusOK, answer{})
	default:
		status, out := c.serve(action, in)
		reply(w, status, out)
	}
}

func reply(w http.ResponseWriter, status int, out answer) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}

// authorize looks the token up and decides about the action.
func (c *Cloud) authorize(token, action string, in request) (known, may bool) {
	if actions, ok := c.operators[token]; ok {
		return true, actions == nil || slices.Contains(actions, action)
	}
	if s, ok := c.sessions[token]; ok {
		p := c.principals[s.principal]
		return p != nil && p.serial == s.serial, c.bound(s.principal, action, in)
	}
	for name, p := range c.principals {
		for _, k := range p.keys {
			if k.secret != token || !k.works.Seen() {
				continue
			}
			if k.used = time.Now(); k.first.IsZero() {
				k.first = k.used
			}
			return true, c.bound(name, action, in)
		}
	}
	return false, false
}

func (c *Cloud) bound(name, action string, in request) bool {
	b, p := c.buckets[in.Bucket], c.principals[name]
	if b == nil || p == nil || p.shut.Seen() {
		return false
	}
	if action == "object.put" && b.objects[in.Key] != "" {
		action = "object.replace"
	}
	ofKeys := strings.HasPrefix(action, "object.") || strings.HasPrefix(action, "upload.")
	return slices.ContainsFunc(b.bindings.Seen(), func(g binding) bool {
		r := c.roles[g.Role]
		return g.Principal == name && (g.serial == 0 || g.serial == p.serial) && r != nil && g.holds() && (!ofKeys || strings.HasPrefix(in.Key, g.Prefix)) && slices.Contains(r.actions.Seen(), action)
	})
}

// holds reports whether the binding has not ended.
func (g binding) holds() bool {
	end, err := time.Parse(time.RFC3339, g.Until)
	return g.Until == "" || err == nil && time.Now().Before(end)
}

var (
	fine    = http.StatusOK
	missing = http.StatusNotFound
	taken   = http.StatusConflict
	early   = http.StatusTooEarly
)

// serve carries an authorized call out.
func (c *Cloud) serve(action string, in request) (int, answer) {
	thing, _, _ := strings.Cut(action, ".")
	b, ro, p := c.buckets[in.Bucket], c.roles[in.Name], c.principals[in.Name]
	switch {
	case action == "bucket.make" && b != nil:
		return taken, answer{Mark: b.mark}
	case action == "bucket.read" && b != nil && b.owner != owner:
		return http.StatusForbidden, answer{Code: "denied"}
	case (thing == "bucket" || thing == "object" || thing == "policy") && b == nil && action != "bucket.make" && action != "bucket.list":
		return missing, answer{}
	case thing == "role" && action != "role.make" && ro == nil, (action == "principal.read" || action == "principal.alter" || action == "principal.shut" || action == "principal.claim") && p == nil,
		action == "key.switch" && (p == nil || p.keys[in.Key] == nil):
		return missing, answer{}
	}
	switch action {
	case "bucket.make":
		c.buckets[in.Bucket] = &bucket{owner: owner, mark: in.Mark, objects: map[string]string{}}
	case "bucket.read":
		return fine, answer{Mark: b.mark}
	case "bucket.list":
		var names []string
		for name, b := range c.buckets {
			if b.owner == owner {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return fine, answer{Names: names}
	case "bucket.mark":
		b.mark = in.Mark
	case "object.list":
		return fine, answer{Names: slices.Sorted(maps.Keys(b.objects))}
	case "bucket.drop":
		if len(b.objects) > 0 {
			return taken, answer{Code: "not empty"}
		}
		delete(c.buckets, in.Bucket)
	case "policy.read":
		return fine, answer{Bindings: c.shown(b)}
	case "policy.add":
		meant := c.principals[in.Binding.Principal]
		switch {
		case meant == nil:
			return missing, answer{Code: "no such principal"}
		case meant.hidden.Seen():
			return early, answer{Code: "principal is not known yet"}
		}
		in.Binding.serial = meant.serial
		if !slices.Contains(b.bindings.Now, in.Binding) {
			b.bindings.Set(append(slices.Clone(b.bindings.Now), in.Binding), c.lag())
		}
	case "policy.remove":
		b.bindings.Set(slices.DeleteFunc(slices.Clone(b.bindings.Now), func(g binding) bool { return c.show(g) == in.Binding }), c.lag())
	case "role.make":
		if ro != nil {
			return taken, answer{Mark: ro.mark}
		}
		ro = &role{mark: in.Mark}
		ro.actions.Set(in.Actions, c.lag())
		c.roles[in.Name] = ro
	case "role.read":
		return fine, answer{Mark: ro.mark, Actions: ro.actions.Now}
	case "role.alter":
		ro.actions.Set(in.Actions, c.lag())
	case "role.drop":
		delete(c.roles, in.Name)
	case "principal.make":
		if p != nil {
			return taken, answer{Mark: p.mark, Claim: p.claim}
		}
		c.made++
		p = &principal{mark: in.Mark, claim: in.Claim, serial: c.made, keys: map[string]*key{}}
		p.trust.Set(in.Trust, c.lag())
		p.hidden.Now = true
		p.hidden.Set(false, c.lag())
		c.principals[in.Name] = p
	case "principal.read":
		return fine, answer{Mark: p.mark, Trust: p.trust.Now, Shut: p.shut.Now, Login: p.login, Claim: p.claim}
	case "principal.claim":
		if p.mark != in.Mark || p.claim != in.Was {
			return taken, answer{Mark: p.mark, Claim: p.claim}
		}
		p.claim = in.Claim
	case "principal.shut":
		p.shut.Set(!in.On, c.lag())
	case "principal.alter":
		p.trust.Set(in.Trust, c.lag())
	case "principal.ask":
		if c.bound(in.Name, in.Key, request{Bucket: in.Bucket, Key: in.Binding.Prefix}) {
			return fine, answer{Code: "allowed"}
		}
		return fine, answer{Code: "denied"}
	case "principal.drop":
		delete(c.principals, in.Name)
	case "key.make":
		return c.makeKey(in.Name, in.Most)
	case "key.list":
		return fine, c.listKeys(p)
	case "key.switch":
		p.keys[in.Key].works.Set(in.On, c.lag())
	case "key.drop":
		if p != nil {
			delete(p.keys, in.Key)
		}
	case "object.put":
		b.objects[in.Key] = "data"
	case "object.get":
		if b.objects[in.Key] == "" {
			return missing, answer{}
		}
	case "object.delete", "object.erase":
		delete(b.objects, in.Key)
	}
	return fine, answer{}
}
