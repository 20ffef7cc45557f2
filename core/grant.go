// Grant: who may do what where. The only thing a user writes.
package core

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Grant is what one grantee may do. Whatever Can leaves out must be refused.
type Grant struct {
	Name     string            `json:"name"`    // stem of every resource name
	Profile  string            `json:"profile"` // where the defaults came from: "event-dump"
	Target   Target            `json:"target"`
	Who      Who               `json:"who"` // how the grantee proves who it is
	Can      []Ability         `json:"can"`
	Limits   Limits            `json:"limits,omitzero"`
	Settings map[string]string `json:"settings,omitempty"` // what this cloud alone asks for, by [Setting.Name]

	// Literal says that the grant is what a source document asks for, with all
	// that is weak in it. Only then may it hold abilities that are not grantable.
	Literal bool `json:"literal,omitempty"`

	// Native is the profile's shape in the provider's own words; core never looks inside.
	Native json.RawMessage `json:"native,omitempty"`
}

// Target is the place that a grant is about.
type Target struct {
	Bucket string `json:"bucket"`

	// Prefix is "" for the whole bucket, or a path that ends in "/". Keys that
	// begin with it, byte for byte, are inside; all others are outside.
	Prefix string `json:"prefix,omitempty"`

	Region string `json:"region"` // where the bucket is or will be, in the cloud's own name

	// Adopt says that the bucket is somebody else's: it is never created,
	// dropped or altered beyond the one statement or binding of this grant.
	Adopt bool `json:"adopt,omitempty"`

	// Shared says that the bucket is ours and serves several grants: whichever
	// comes first makes it, each of them keeps its settings as they must be, and
	// it is marked as shared rather than as one grant's.
	Shared bool `json:"shared,omitempty"`
}

// Limits narrow a grant further than its abilities and its target do.
type Limits struct {
	// Expires is the moment from which everything is refused; zero is never. It
	// is in UTC and has no fraction of a second.
	Expires time.Time `json:"expires,omitzero"`

	// From are the networks that requests may come from; none is anywhere.
	From []netip.Prefix `json:"from,omitempty"`
}

// Allows reports whether the grant itself names a.
func (g Grant) Allows(a Ability) bool { return slices.Contains(g.Can, a) }

// MaxPrefix is the longest prefix in bytes. Clouds allow keys of 1,024 bytes;
// the grantee needs the rest.
const MaxPrefix = 512

var grantName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,98}[a-z0-9]$`)

// Faults returns what is wrong with g in any cloud. A provider knows further
// rules and reports them from Compile.
func (g Grant) Faults() Faults {
	var f Faults
	if !grantName.MatchString(g.Name) {
		f = append(f, Fault{"name", g.Name, "is not a usable name", `3 to 100 of a-z, 0-9 and "-", beginning with a letter and not ending in "-", e.g. "acme-events"`})
	}
	if rule := prefixRule(g.Target.Prefix); rule != "" {
		f = append(f, Fault{"prefix", g.Target.Prefix, rule, `a path that ends in "/", e.g. "events/", or nothing for the whole bucket`})
	}
	if g.Target.Adopt && g.Target.Shared {
		f = append(f, Fault{"shared", "true", "contradicts adopt: a shared bucket is ours, an adopted one is somebody else's", "one of them"})
	}
	if len(g.Can) == 0 && len(g.Native) == 0 {
		f = append(f, Fault{"profile", g.Profile, "grants nothing", "a profile with at least one ability"})
	}
	if e := g.Limits.Expires; e.Location() != time.UTC || e.Nanosecond() != 0 {
		f = append(f, Fault{"expires", e.Format(time.RFC3339Nano), "is not a whole second in UTC", `a date, e.g. "2027-02-20", or a moment, e.g. "2027-02-20T12:00:00Z"`})
	}
	for _, from := range g.Limits.From {
		if !from.IsValid() || from != from.Masked() {
			f = append(f, Fault{"from", from.String(), "is not a network", `an address and the length of its prefix, e.g. "203.0.113.0/24"`})
		}
	}
	for _, a := range g.Can {
		if i, ok := DescribeAbility(a); !ok || !i.Grantable && !g.Literal || i.Reach == DoorReach {
			f = append(f, Fault{"can", string(a), "is not an ability that can be granted", "create, abort, overwrite, read, list, delete, resume or locate"})
		}
	}
	return f
}

// prefixRule returns the rule that p breaks, or "".
func prefixRule(p string) string {
	switch {
	case p == "":
		return ""
	case len(p) > MaxPrefix:
		return "is longer than 512 bytes"
	case !utf8.ValidString(p):
		return "is not valid UTF-8"
	case strings.HasPrefix(p, "/"):
		return `begins with "/"`
	case !strings.HasSuffix(p, "/"):
		return `does not end in "/", so it would match its siblings too`
	case strings.Contains(p, "//"):
		return `has an empty part ("//")`
	}
	for _, part := range strings.Split(strings.TrimSuffix(p, "/"), "/") {
		if part == "." || part == ".." {
			return `has a part "` + part + `"`
		}
	}
	for _, r := range p {
		switch {
		case strings.ContainsRune("*?", r):
			return "has a wildcard, which would widen the grant"
		case strings.ContainsRune("${}\\\"'`<>", r):
			return "has " + string(r) + ", which policy languages give a meaning of its own"
		case r > 0xFF:
			return "has a character beyond U+00FF, which a policy document cannot hold"
		case unicode.IsControl(r):
			return "has a control character"
		case unicode.Is(unicode.Mn, r) || unicode.IsSpace(r):
			return "has white space or a combining character"
		}
	}
	return ""
}

// Stem shortens name to at most most bytes. What is cut is replaced by a hash
// of the whole name, so that two long names never become one.
func Stem(name string, most int) string {
	if len(name) <= most {
		return name
	}
	const digits = 8
	sum := sha256.Sum256([]byte(name))
	head := strings.TrimRight(name[:most-digits-1], "-_.")
	return head + "-" + hex.EncodeToString(sum[:])[:digits]
}

// DefaultName is the name of a grant that was given none: it shows the profile,
// the bucket and the beginning of the prefix, and different prefixes in one
// bucket get different names.
func DefaultName(profile, bucket, prefix string) string {
	const slug, digits, most = 24, 8, 100
	name := letters(profile + "-" + bucket)
	if prefix != "" {
		shown := letters(strings.TrimSuffix(prefix, "/"))
		sum := sha256.Sum256([]byte(prefix))
		name += "-" + strings.Trim(shown[:min(len(shown), slug)], "-") + "-" + hex.EncodeToString(sum[:])[:digits]
	}
	return strings.Trim(Stem(name, most), "-")
}

// letters is s in the letters that a grant's name may hold.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
}
