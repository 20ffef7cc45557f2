// Inspection: what is there beside what a plan compares, and every grant that is there.
package core

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Finding is one thing that is not as the grant and its profile want it.
type Finding struct {
	Kind  FindingKind `json:"kind"`
	Addr  string      `json:"addr"`
	Text  string      `json:"text"`            // what was found, one line, no secret
	Fix   string      `json:"fix,omitempty"`   // a command that mends it; "" if there is none
	Grave bool        `json:"grave,omitempty"` // somebody may do more than the grant says
}

// FindingKind says what a finding is about.
type FindingKind string

// The kinds of findings. A provider reports those that its cloud can have.
const (
	ExtraPermission   FindingKind = "extra-permission"   // the grantee may do more than was granted
	MissingPermission FindingKind = "missing-permission" // it may do less
	ForeignKey        FindingKind = "foreign-key"        // a key that no run of ours has issued
	DisabledKey       FindingKind = "disabled-key"       // a key that is switched off
	OldKey            FindingKind = "old-key"            // a key that should have been replaced
	ConsoleLogin      FindingKind = "console-login"      // a password, or another way to sign in as the grantee
	DirectPolicy      FindingKind = "direct-policy"      // permissions that hang on the grantee itself
	WideTrust         FindingKind = "wide-trust"         // more can become the grantee than was granted
	OrphanPrincipal   FindingKind = "orphan-principal"   // a policy names a principal that exists no more
	PublicAccess      FindingKind = "public-access"      // the bucket is not guarded against being public
	ShutOut           FindingKind = "shut-out"           // the access was revoked and not restored
	Exposed           FindingKind = "exposed"            // the cloud has found the key in public
	Ended             FindingKind = "ended"              // the access is over, or its end is near
	Unread            FindingKind = "unread"             // something could not be read, so it may be anything
	Differs           FindingKind = "differs"            // anything else that a plan would change
)

// Inspector looks, as the operator, at what a plan does not compare: further
// ways in, further permissions, principals that exist no more. It only reads,
// and shares what the plan of the same [Steps] has read. What it may not read is
// a finding of kind [Unread] and no error.
type Inspector interface {
	Inspect(ctx context.Context) ([]Finding, error)
}

// Finder is a [Provider] that finds every grant of an account by its marks.
type Finder interface {
	// Find lists the grants in the operator's account, by name. settings are
	// those of [Info].Settings that say which account is meant. It only reads.
	Find(ctx context.Context, settings map[string]string) (Operator, []Found, error)
}

// Found is a grant as its marks tell of it. What they do not tell is empty.
type Found struct {
	Grant     string    `json:"grant"`
	Profile   string    `json:"profile,omitempty"`
	Who       Who       `json:"who,omitempty"`
	Principal string    `json:"principal,omitempty"` // as its cloud names it
	Bucket    string    `json:"bucket,omitempty"`
	Prefix    string    `json:"prefix,omitempty"`
	Region    string    `json:"region,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	Expires   time.Time `json:"expires,omitzero"` // the access ends by itself
	Keys      []Key     `json:"-"`
	Findings  []Finding `json:"findings,omitempty"` // what shows without looking at the whole grant
}

// Look lists what f shows that is not as it should be: what its marks tell, the
// age and state of its keys, and its end. Nothing is said twice.
func (f Found) Look(now time.Time) []Finding {
	all := slices.Clone(f.Findings)
	add := func(one Finding) {
		if !slices.ContainsFunc(all, func(o Finding) bool { return o.Kind == one.Kind && o.Addr == one.Addr }) {
			all = append(all, one)
		}
	}
	for _, one := range KeyFindings(f.Keys, now) {
		add(one)
	}
	if !f.Expires.IsZero() && now.After(f.Expires.Add(-Soon)) {
		add(Finding{Kind: Ended, Addr: f.Grant, Text: "the access " + ending(f.Expires, now)})
	}
	return all
}

// RotateBy is when the oldest key of f that works should be replaced at the
// latest; zero if it has none.
func (f Found) RotateBy() time.Time {
	var by time.Time
	for _, k := range f.Keys {
		if at := rotateBy(k.Created, f.Expires); k.Active && (by.IsZero() || at.Before(by)) {
			by = at
		}
	}
	return by
}

// Inspect lists everything about the grant of p that is not as it should be: what
// the plan would change, what the cloud shows beside it, and the age of its keys.
func (e *Engine) Inspect(ctx context.Context, p *Plan) ([]Finding, error) {
	var all []Finding
	for _, c := range p.Changes {
		switch {
		case c.Step == CredentialStep || c.Action == Keep:
		case c.Action == Make && nothing(p):
		default:
			all = append(all, Finding{Kind: Differs, Addr: c.Addr, Text: c.Action.String() + " " + c.Why, Fix: c.Hint, Grave: c.Action == Refuse})
		}
	}
	if p.steps != nil && p.steps.Inspector != nil && !nothing(p) {
		more, err := p.steps.Inspector.Inspect(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	handed, err := e.Handed(p.Operator.Account)
	if err != nil {
		return nil, err
	}
	all = append(all, KeyFindings(p.Keys, p.Made)...)
	for _, k := range p.Keys {
		switch {
		case !find(handed, k.ID).At.IsZero():
		case slices.ContainsFunc(handed, func(h Handed) bool { return !h.At.IsZero() }):
			all = append(all, Finding{Kind: ForeignKey, Addr: p.steps.Credential.Addr(k.ID), Grave: true,
				Text: "no run on this machine has handed it over, though others were: who has made it?"})
		default:
			all = append(all, Finding{Kind: ForeignKey, Addr: p.steps.Credential.Addr(k.ID), Text: "this machine has no record of it: it was handed over from another one, or made by hand"})
		}
	}
	if end := p.Blueprint.Grant.Limits.Expires; !end.IsZero() && p.Made.After(end.Add(-Soon)) {
		all = append(all, Finding{Kind: Ended, Addr: p.Blueprint.Grant.Name, Text: "the access " + ending(end, p.Made)})
	}
	return all, nil
}

// Soon is how long before an end a finding says that it is near.
const Soon = 14 * 24 * time.Hour

// nothing reports whether no part of the grant's role is there.
func nothing(p *Plan) bool {
	return len(p.Keys) == 0 && !slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Step == RoleStep && c.Action != Make })
}

// KeyFindings are what the age and the state of keys alone tell.
func KeyFindings(keys []Key, now time.Time) []Finding {
	var all []Finding
	for _, k := range keys {
		say := func(kind FindingKind, text string) {
			all = append(all, Finding{Kind: kind, Addr: k.ID, Text: text})
		}
		switch {
		case !k.Active:
			say(DisabledKey, k.age(now))
		case now.Sub(k.Created) > RotateAfter:
			say(OldKey, fmt.Sprintf("is %d days old: replace it", int(now.Sub(k.Created).Hours()/24)))
		}
		if !k.Expires.IsZero() && now.After(k.Expires.Add(-Soon)) {
			say(Ended, "the key "+ending(k.Expires, now))
		}
	}
	return all
}

// ending says when something ends, or that it has.
func ending(end, now time.Time) string {
	if !end.After(now) {
		return "is over since " + end.UTC().Format(time.RFC3339)
	}
	return "ends soon, at " + end.UTC().Format(time.RFC3339)
}
