// Saved plan: what was reviewed, so that nothing else is applied.
package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// planKeeps is how long a saved plan may be applied.
const planKeeps = 24 * time.Hour

const savedPlanKind = "bucketgrant plan"

// savedPlan is a plan in a file: the wish, to whom the credential goes, who
// planned, and a fingerprint of what was seen. The changes are found again and
// compared.
type savedPlan struct {
	SchemaVersion int       `json:"schema_version"` // 1
	Kind          string    `json:"kind"`
	Cloud         string    `json:"cloud"`
	Sandbox       bool      `json:"sandbox,omitempty"`
	Account       string    `json:"account"`
	Principal     string    `json:"principal"`
	Changes       string    `json:"changes"` // [core.Plan.Digest]
	Policy        string    `json:"policy"`  // [core.Blueprint.PolicyHash]
	Writes        []string  `json:"writes"`  // what would be written, as sign and address
	Made          time.Time `json:"made"`
	request
	handoffOptions
	Recipients []core.Recipient `json:"recipients,omitempty"`
	Digest     string           `json:"digest"` // of all of the above; whoever can write the file can write this as well
}

// sum is what Digest must be.
func (p savedPlan) sum() string {
	p.Digest = ""
	raw, err := json.Marshal(p)
	if err != nil {
		panic(errPanic)
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// savePlan writes p to a file that does not exist yet and returns its digest.
func (a *app) savePlan(path string, p *core.Plan, r request, o handoffOptions, h handoff.Handoff, sandbox bool) (string, error) {
	saved := savedPlan{
		SchemaVersion: 1, Kind: savedPlanKind, Cloud: a.info.Name, Sandbox: sandbox,
		Account: p.Operator.Account, Principal: caller(p.Operator), Changes: p.Digest, Policy: p.Blueprint.PolicyHash(), Writes: writes(p), Made: p.Made,
		request: r, handoffOptions: o, Recipients: publicOf(h.Recipients),
	}
	saved.Format, saved.Out = h.Format.Name, orDefault(r.Out, defaultOut)
	saved.Digest = saved.sum()
	raw, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return "", err
	}
	return saved.Digest, writeNew(a.env.path(path), path, append(raw, '\n'))
}

// publicOf is what a receipt says of recipients.
func publicOf(list []handoff.Recipient) []core.Recipient {
	var all []core.Recipient
	for _, r := range list {
		all = append(all, r.Recipient)
	}
	return all
}

// caller is who o is whenever they sign in.
func caller(o core.Operator) string { return cmp.Or(o.Identity, o.Principal) }

// loadPlan reads a saved plan and refuses one that must not be applied here and
// now. demanded is the digest that was reviewed, "" if none is given.
func (a *app) loadPlan(path, demanded string, sandbox bool, now time.Time) (savedPlan, error) {
	var p savedPlan
	refuse := func(rule, accepts string) (savedPlan, error) {
		return p, core.Faults{{Field: "plan", Value: path, Rule: rule, Accepts: accepts}}
	}
	again := "a plan made by: " + a.cloud.Program + " plan --out FILE"
	raw, err := handoff.ReadOwn(a.env.path(path), maxGrantFile)
	if err != nil {
		return refuse("cannot be trusted or read: "+cause(err), "a file of your own that nobody else can write to")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || p.Kind != savedPlanKind {
		return refuse("is not a saved plan", again)
	}
	switch {
	case p.SchemaVersion != 1:
		return refuse(fmt.Sprintf("has the schema version %d", p.SchemaVersion), "schema version 1")
	case p.Digest != p.sum():
		return refuse("was changed after it was made", again)
	case demanded != "" && demanded != p.Digest:
		return refuse("has another digest than the one that is demanded", "the plan with the digest "+demanded)
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

// reaches is a fault if the recipients are not those that were reviewed: a list
// in a file of its own may have changed since.
func (p savedPlan) reaches(h handoff.Handoff) core.Faults {
	if slices.Equal(p.Recipients, publicOf(h.Recipients)) {
		return nil
	}
	return core.Faults{{Field: "to", Rule: "leads to other public keys than those that were reviewed", Accepts: "the recipients of the plan, or a new plan"}}
}

// moved is the error if the plan that was made is not the one that was reviewed.
// A plan that an earlier run has begun may have less left to do.
func (p savedPlan) moved(found *core.Plan, account string, begun bool) error {
	if p.Account != found.Operator.Account {
		return core.Faults{{Field: "plan", Value: p.Account, Rule: "was made for another " + account, Accepts: "a plan for " + found.Operator.Account}}
	}
	if now := caller(found.Operator); p.Principal != now {
		return core.Faults{{Field: "plan", Value: p.Principal, Rule: "was made by somebody else", Accepts: "a plan made by " + now}}
	}
	if p.Changes != found.Digest && (!begun || !p.continues(found)) {
		return &core.Error{Kind: core.ErrMoved, What: "plan of " + p.Grant.Name, Err: errors.New("not what was reviewed")}
	}
	return nil
}

// writes names what a plan would write.
func writes(p *core.Plan) []string {
	list := []string{}
	for _, c := range p.Changes {
		if c.Action.Writes() {
			list = append(list, c.Action.String()+" "+c.Addr)
		}
	}
	return list
}

// continues reports whether found is what is left of p: the same policy, and no
// write that was not reviewed but the retirement of keys that the journal proves
// to be undelivered.
func (p savedPlan) continues(found *core.Plan) bool {
	return p.Policy == found.Blueprint.PolicyHash() && !slices.ContainsFunc(found.Changes, func(c core.Change) bool {
		undelivered := c.Step == core.CredentialStep && c.Action == core.Drop
		return c.Action.Writes() && !undelivered && !slices.Contains(p.Writes, c.Action.String()+" "+c.Addr)
	})
}

// mark is the entry of the journal while the plan is carried out.
func (p savedPlan) mark() string { return "plan/" + p.Digest }

// begun reports whether an earlier run has begun to carry the plan out.
func (p savedPlan) begun(j core.Journal) (bool, error) {
	pending, err := j.Pending()
	return slices.ContainsFunc(pending, func(i core.Intent) bool { return i.ID == p.mark() }), err
}

// carryOut applies p. That a saved plan has been begun is in the journal until
// it is done, so that a run which was interrupted can be followed by another.
func carryOut(ctx context.Context, e *core.Engine, p *core.Plan, saved *savedPlan, o core.ApplyOptions) (core.Receipt, error) {
	if saved == nil {
		return e.Apply(ctx, p, o)
	}
	begun, err := saved.begun(e.Journal)
	if err == nil && !begun {
		err = e.Journal.Intend(core.Intent{ID: saved.mark(), RunID: e.RunID, Account: p.Operator.Account, Verb: core.DoPlan, Addr: "plan", At: time.Now().UTC()})
	}
	if err != nil {
		return core.Receipt{}, err
	}
	r, err := e.Apply(ctx, p, o)
	if err == nil {
		err = e.Journal.Settle(saved.mark(), true)
	}
	return r, err
}
