// Saved plan: what was reviewed, so that nothing else is applied.
package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// planKeeps is how long a saved plan may be applied.
const planKeeps = 24 * time.Hour

const savedPlanKind = "bucketgrant plan"

// savedPlan is a plan in a file. It holds the wish and a fingerprint of what
// was seen, not the changes: those are found again and compared.
type savedPlan struct {
	SchemaVersion int       `json:"schema_version"` // 1
	Kind          string    `json:"kind"`
	Cloud         string    `json:"cloud"`
	Sandbox       bool      `json:"sandbox,omitempty"`
	Account       string    `json:"account"`
	Digest        string    `json:"digest"`
	Made          time.Time `json:"made"`
	request
	Sum string `json:"sum"` // of all of the above: tells a damaged file, not a forged one
}

func (p savedPlan) sum() string {
	p.Sum = ""
	raw, err := json.Marshal(p)
	if err != nil {
		panic(errPanic)
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// savePlan writes p to a file that does not exist yet.
func (a *app) savePlan(path string, p *core.Plan, r request, sandbox bool) error {
	saved := savedPlan{
		SchemaVersion: 1, Kind: savedPlanKind, Cloud: a.info.Name, Sandbox: sandbox, Account: p.Operator.Account,
		Digest: p.Digest, Made: p.Made, request: r,
	}
	saved.Sum = saved.sum()
	raw, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return err
	}
	return writeNew(a.env.path(path), path, append(raw, '\n'))
}

// loadPlan reads a saved plan and refuses one that must not be applied here and now.
func (a *app) loadPlan(path string, sandbox bool, now time.Time) (savedPlan, error) {
	var p savedPlan
	refuse := func(rule, accepts string) (savedPlan, error) {
		return p, core.Faults{{Field: "plan", Value: path, Rule: rule, Accepts: accepts}}
	}
	again := "a plan made by: " + a.cloud.Program + " plan --out FILE"
	raw, err := readBounded(a.env.path(path))
	if err != nil {
		return refuse("cannot be read: "+cause(err), again)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || p.Kind != savedPlanKind {
		return refuse("is not a saved plan", again)
	}
	switch {
	case p.SchemaVersion != 1:
		return refuse(fmt.Sprintf("has the schema version %d", p.SchemaVersion), "schema version 1")
	case p.Sum != p.sum():
		return refuse("was changed after it was made", again)
	case p.Cloud != a.info.Name:
		return refuse(fmt.Sprintf("is for the cloud %q", p.Cloud), fmt.Sprintf("a plan for %q", a.info.Name))
	case p.Sandbox != sandbox:
		return refuse("was made for "+cloudKind(p.Sandbox), "a plan for "+cloudKind(sandbox))
	case now.Sub(p.Made) > planKeeps || p.Made.Sub(now) > time.Hour:
		return refuse("was made at "+p.Made.Format(time.RFC3339), "a plan that is not older than 24 hours")
	}
	return p, nil
}

func cloudKind(sandbox bool) string {
	if sandbox {
		return "a sandbox"
	}
	return "the real cloud"
}

// moved is the error if the plan that was made is not the one that was reviewed.
func (p savedPlan) moved(found *core.Plan, account string) error {
	if p.Account != found.Operator.Account {
		return core.Faults{{Field: "plan", Value: p.Account, Rule: "was made for another " + account, Accepts: "a plan for " + found.Operator.Account}}
	}
	if p.Digest != found.Digest {
		return &core.Error{Kind: core.ErrMoved, What: "plan of " + p.Grant.Name, Err: errors.New("not what was reviewed")}
	}
	return nil
}
