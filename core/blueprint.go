// Blueprint: a grant compiled for one cloud, as plain data.
package core

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// Blueprint is a grant compiled for one cloud: safe to print, hash and keep.
type Blueprint struct {
	Cloud     string       `json:"cloud"` // [Info.Name]
	Grant     Grant        `json:"grant"`
	Resources []Resource   `json:"resources"`
	Documents []Document   `json:"documents"`
	Gaps      []Gap        `json:"gaps,omitempty"`
	Checks    []Probe      `json:"checks,omitempty"` // what the cloud's simulator is asked beyond the abilities, in the cloud's own actions
	Notes     []string     `json:"notes,omitempty"`  // what a reader of the plan must know, in words
	Operator  []Permission `json:"operator"`
	Probes    string       `json:"probes"` // keys that begin with this are written by the proof and removed by the operator
}

// Resource is one thing that the grant consists of.
type Resource struct {
	Step StepName `json:"step"`
	Addr string   `json:"addr"`
	What string   `json:"what"` // one line for people
}

// Document is a policy, role or configuration in the cloud's own language.
type Document struct {
	Name string          `json:"name"` // file name of its golden, without the extension: "policy"
	Of   string          `json:"of"`   // the address of the resource that it belongs to
	Why  string          `json:"why"`
	Body json.RawMessage `json:"body"`
}

// Gap is where this cloud cannot say exactly what the grant says.
type Gap struct {
	Ability Ability `json:"ability"`
	Where   Where   `json:"where,omitempty"` // "" is [Inside]
	Outcome Outcome `json:"outcome"`         // what trying it there really gives
	Why     string  `json:"why"`
}

// Permission is something that the person who runs this must be allowed to do.
type Permission struct {
	Action   string   `json:"action"`
	Resource string   `json:"resource"`
	Step     StepName `json:"step"`
	Verbs    []string `json:"verbs"` // of "plan", "apply" and so on, see [ForPlan]
	Why      string   `json:"why,omitempty"`
}

// The runs that a [Permission] can be for.
const (
	ForPlan      = "plan"
	ForApply     = "apply"
	ForProve     = "prove"
	ForDestroy   = "destroy"
	ForRepair    = "repair"    // an apply, but only if ours has drifted or was deleted
	ForRotate    = "rotate"    // rotate and reissue: a plan and a proof are taken as well
	ForRevoke    = "revoke"    // revoke and restore
	ForStatus    = "status"    // an inspection: a plan is taken as well
	ForList      = "list"      // every grant of the account
	ForPreflight = "preflight" // a look at what would stop a plan: a plan is taken as well
)

// Gap returns the gap for a inside the prefix, if there is one.
func (b Blueprint) Gap(a Ability) (Gap, bool) { return b.gap(a, Inside) }

func (b Blueprint) gap(a Ability, at Where) (Gap, bool) {
	i := slices.IndexFunc(b.Gaps, func(g Gap) bool { return g.Ability == a && cmp.Or(g.Where, Inside) == at })
	if i < 0 {
		return Gap{}, false
	}
	return b.Gaps[i], true
}

// PolicyHash is a fingerprint of the documents, for comparing without reading
// them: "sha256:" and 64 hex digits.
func (b Blueprint) PolicyHash() string {
	docs := slices.Clone(b.Documents)
	slices.SortFunc(docs, func(x, y Document) int { return strings.Compare(x.Name, y.Name) })
	h := sha256.New()
	for _, d := range docs {
		h.Write([]byte(d.Name + "\x00"))
		h.Write(canonical(d.Body))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// canonical is JSON with sorted keys and no white space. Bytes that are not JSON stay themselves.
func canonical(raw []byte) []byte {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}
