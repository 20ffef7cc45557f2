// Statements: the grant's statements in the bucket's policy, told from all others by their Sids.
package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// mostPolicy is the size of a bucket's policy in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
const mostPolicy = 20 * 1024

// The kinds of statements, as the ends of their Sids.
const (
	objectsKind    = "Objects"
	listKind       = "List"
	locateKind     = "Locate"
	uploadsKind    = "Uploads"
	documentedKind = "Documented" // a digit follows: which statement of the recipe
)

// statementKind is an end of a Sid that belongs to a grant, in this form of it or in another.
var statementKind = regexp.MustCompile(`^(` + objectsKind + `|` + listKind + `|` + locateKind + `|` + uploadsKind + `|` + documentedKind + `[1-9])$`)

// sidStem is what the Sids of a grant begin with. A Sid has no character that a
// grant's name could be separated by, so the hash tells "a-b" from "ab".
func (d design) sidStem() string {
	var b strings.Builder
	for word := range strings.SplitSeq(d.grant.Name, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	name := b.String()
	sum := sha256.Sum256([]byte(d.grant.Name))
	return "Bucketgrant" + name[:min(len(name), 40)] + hex.EncodeToString(sum[:])[:8]
}

// ownSid reports whether a statement is this grant's.
func (d design) ownSid(sid string) bool {
	end, ok := strings.CutPrefix(sid, d.sidStem())
	return ok && statementKind.MatchString(end)
}

// statementAddr is the address of the grant's statements.
func (d design) statementAddr() string { return "s3:statement/" + d.bucket() + "/" + d.sidStem() }

// bucketStatements are the grant's statements for the principal with that ARN.
// What is permitted on a KMS key is left out: a bucket's policy cannot say it.
func (p *Provider) bucketStatements(d design, arn string) []statement {
	var list []statement
	for _, s := range p.grantStatements(d) {
		switch {
		case s.Sid == keySid:
			continue
		case len(d.native.Statements) > 0:
			s.Sid = fmt.Sprint(documentedKind, len(list)+1)
		case s.Sid == "":
			s.Sid = objectsKind
		}
		list = append(list, principalStatement(d.sidStem()+s.Sid, arn, s))
	}
	return list
}

// principalStatement is s for one principal, under a Sid of its own.
func principalStatement(sid, arn string, s statement) statement {
	s.Sid, s.Principal = sid, awsPrincipal{arn}
	return s
}

// shelf is a bucket's policy, taken apart.
type shelf struct {
	doc        map[string]json.RawMessage
	statements []json.RawMessage
}

// openShelf reads a policy; "" is none.
func openShelf(text string) (*shelf, error) {
	s := &shelf{doc: map[string]json.RawMessage{}}
	if text == "" {
		return s, nil
	}
	if err := json.Unmarshal([]byte(text), &s.doc); err != nil {
		return nil, fmt.Errorf("the policy that is there is not JSON: %w", err)
	}
	list := s.doc["Statement"]
	if err := json.Unmarshal(list, &s.statements); err != nil {
		s.statements = []json.RawMessage{list} // a single statement may stand without its list
	}
	return s, nil
}

// sidOf is a statement's Sid, "" if it has none.
func sidOf(statement json.RawMessage) string {
	var head struct{ Sid string }
	if json.Unmarshal(statement, &head) != nil {
		return ""
	}
	return head.Sid
}

// own are the statements whose Sid is, by its Sid.
func (s *shelf) own(is func(sid string) bool) []json.RawMessage {
	return slices.DeleteFunc(slices.Clone(s.statements), func(one json.RawMessage) bool { return !is(sidOf(one)) })
}

// says reports whether the statements whose Sid is ours are exactly want.
func (s *shelf) says(want []statement, is func(sid string) bool) bool {
	there := s.own(is)
	if len(there) != len(want) {
		return false
	}
	for _, w := range want {
		if !slices.ContainsFunc(there, func(t json.RawMessage) bool { return sidOf(t) == w.Sid && samePolicy(t, mustJSON(w)) }) {
			return false
		}
	}
	return true
}

// put leaves exactly want of the statements whose Sid is ours. Each takes the
// place of its namesake, or the end. Everything else stays as it is, byte for byte.
func (s *shelf) put(want []statement, is func(sid string) bool) {
	var kept []json.RawMessage
	placed := map[string]bool{}
	for _, there := range s.statements {
		sid := sidOf(there)
		if !is(sid) {
			kept = append(kept, there)
			continue
		}
		i := slices.IndexFunc(want, func(w statement) bool { return w.Sid == sid })
		if i >= 0 && !placed[sid] {
			kept = append(kept, mustJSON(want[i]))
			placed[sid] = true
		}
	}
	for _, w := range want {
		if !placed[w.Sid] {
			kept = append(kept, mustJSON(w))
		}
	}
	s.statements = kept
}

// text is the whole policy, "" if nothing is left of it.
func (s *shelf) text() string {
	if len(s.statements) == 0 {
		return ""
	}
	if s.doc["Version"] == nil {
		s.doc["Version"] = mustJSON(policyVersion)
	}
	s.doc["Statement"] = mustJSON(s.statements)
	return string(mustJSON(s.doc))
}

// deadID is what S3 shows in the place of a user or role that does not exist any
// more. Sent back, it is refused.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
var deadID = regexp.MustCompile(`^(AIDA|AROA)[A-Z0-9]{12,}$`)

// deadIn are the principals of a statement that do not exist any more.
func deadIn(statement json.RawMessage) []string {
	var s struct{ Principal, NotPrincipal json.RawMessage }
	if json.Unmarshal(statement, &s) != nil {
		return nil
	}
	var dead []string
	for _, raw := range []json.RawMessage{s.Principal, s.NotPrincipal} {
		var kinds struct{ AWS json.RawMessage }
		if json.Unmarshal(raw, &kinds) != nil {
			continue
		}
		var one string
		var list []string
		if json.Unmarshal(kinds.AWS, &one) == nil {
			list = []string{one}
		} else if json.Unmarshal(kinds.AWS, &list) != nil {
			continue
		}
		dead = append(dead, slices.DeleteFunc(list, func(id string) bool { return !deadID.MatchString(id) })...)
	}
	return dead
}

// orphans says which statements of others name principals that do not exist any more.
func (s *shelf) orphans(is func(sid string) bool) []string {
	var list []string
	for i, one := range s.statements {
		if is(sidOf(one)) {
			continue
		}
		for _, id := range deadIn(one) {
			name := sidOf(one)
			if name == "" {
				name = fmt.Sprintf("number %d", i+1)
			}
			list = append(list, fmt.Sprintf("statement %q names %s", name, id))
		}
	}
	return list
}

// statementsChange is a change of the grant's statements.
func (d design) statementsChange(a core.Action, why string, needs ...string) core.Change {
	return roleChange(a, d.statementAddr(), why, needs...)
}
