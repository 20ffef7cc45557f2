// Shut: the policy inside of a user or a role that keeps its grantee out, and what it leaves behind.
package s3

import (
	"encoding/json"
	"slices"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"github.com/bucketgrant/bucketgrant/core"
)

// shutName is what our policy that denies everything is called, inside of a user or a role.
const shutName = "bucketgrant-shut"

// shutAddr is the address of that policy.
func shutAddr(principal string) string { return principal + "/shut" }

// tokenIssued is when temporary credentials were issued. Requests that are signed
// with a long-term key have no such time, so that no Deny that asks for it holds for them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
const tokenIssued = "aws:TokenIssueTime"

// shutPolicy denies everything, to sessions that were issued before as well: each
// request is judged anew, and an explicit Deny overrides every Allow, that of a
// bucket's policy included.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_disable-perms.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
func shutPolicy() policy {
	return policy{Version: policyVersion, Statement: []statement{{Sid: "BucketgrantShut", Effect: "Deny", Action: texts{"*"}, Resource: texts{"*"}}}}
}

// reopenedPolicy denies everything to sessions that were issued before the
// grantee was let in again: what was stolen before the access was revoked must
// not come back to life with it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
func reopenedPolicy(since time.Time) policy {
	p := shutPolicy()
	p.Statement[0].Sid = "BucketgrantReopened"
	p.Statement[0].Condition = map[string]map[string]texts{"DateLessThan": {tokenIssued: {since.UTC().Format(time.RFC3339)}}}
	return p
}

// shutState is what stands in the policy of that name. The zero shutState is that there is none.
type shutState struct {
	text   string
	closed bool      // everything is denied
	since  time.Time // sessions from before are denied; zero if that is not what it says
	read   time.Time // when it was read, by AWS's clock if AWS has told it
}

func readShut(text string, answer middleware.Metadata) shutState {
	s := shutState{text: text, closed: samePolicy([]byte(text), mustJSON(shutPolicy())), read: time.Now()}
	if at, told := awsmiddleware.GetServerTime(answer); told {
		s.read = at
	}
	var doc struct {
		Statement []struct {
			Condition map[string]map[string]string
		}
	}
	if s.closed || json.Unmarshal([]byte(text), &doc) != nil || len(doc.Statement) != 1 {
		return s
	}
	t, err := time.Parse(time.RFC3339, doc.Statement[0].Condition["DateLessThan"][tokenIssued])
	if err == nil && samePolicy([]byte(text), mustJSON(reopenedPolicy(t))) {
		s.since = t
	}
	return s
}

// strange reports whether the policy says what nobody here has written.
func (s shutState) strange() bool { return s.text != "" && !s.closed && s.since.IsZero() }

// opensIn is how long a restoration of a moment ago still refuses new sessions: a
// second or so. A time that no restoration writes is none.
func (s shutState) opensIn() time.Duration {
	if left := s.since.Sub(s.read); !s.since.IsZero() && left <= 2*time.Second {
		return left
	}
	return 0
}

// over reports whether no session lives any more that the policy refuses, if
// none lives longer than life.
func (s shutState) over(life time.Duration) bool {
	return !s.since.IsZero() && s.read.Sub(s.since) > life
}

// refusal is why nothing is applied over a grantee that was shut out; false if it was not.
func (s shutState) refusal(principal string) (core.Change, bool) {
	why := ""
	switch {
	case s.closed:
		why = "is shut: the access was revoked"
	case s.strange():
		why = "its policy " + shutName + " says something else than was written"
	default:
		return core.Change{}, false
	}
	c := roleChange(core.Refuse, principal, why)
	c.Hint, c.Shut = "restore", s.closed
	return c, true
}

// leftover is what becomes of the policy of a grantee that was let in again;
// none if there is no such policy.
func (s shutState) leftover(principal string, life time.Duration) []core.Change {
	switch {
	case s.since.IsZero():
		return nil
	case !s.over(life):
		return []core.Change{roleChange(core.Keep, shutAddr(principal), s.words())}
	}
	c := roleChange(core.Drop, shutAddr(principal), "no session from before the restoration lives any more")
	c.Before = s.text
	return []core.Change{c}
}

func (s shutState) words() string {
	return "open; sessions from before " + s.since.UTC().Format(time.RFC3339) + " stay refused"
}

// before drops the policy before the principal that it is in, and after everything
// else that the principal's end needs: nobody gets in between.
func (s shutState) before(end core.Change) []core.Change {
	if s.text == "" {
		return []core.Change{end}
	}
	c := roleChange(core.Drop, shutAddr(end.Addr), "the grant ends", end.Needs...)
	end.Needs = append(slices.Clone(end.Needs), c.Addr)
	return []core.Change{c, end}
}

// withoutShut is a list of the names of policies without that one.
func withoutShut(names []string) (rest []string, there bool) {
	rest = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == shutName })
	return rest, len(rest) < len(names)
}
