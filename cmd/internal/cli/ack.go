// Acknowledgements: whether a holder has opened what was sent, by the code that only it can know.
package cli

import (
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// acknowledgedJSON is what a code confirms.
type acknowledgedJSON struct {
	Key  string `json:"key"`
	What string `json:"what"` // "opened", or "tried": opened, tried and found as promised
	By   string `json:"by"`   // "record" of this machine, or "manifest", which nobody has signed
}

// acknowledged checks a code against the deliveries that this machine has on
// record for the grant of p, or against the one of a manifest.
func (a *app) acknowledged(e *core.Engine, p *core.Plan, code, manifest string) (*acknowledgedJSON, error) {
	if code == "" {
		return nil, nil
	}
	handed, err := e.Handed(p.Operator.Account)
	if err != nil {
		return nil, err
	}
	by := "record"
	if manifest != "" {
		m, err := handoff.Manifest(a.env.path(manifest))
		if err != nil || m.Key == nil || m.Delivery == nil || m.Grant != p.Blueprint.Grant.Name {
			return nil, core.Faults{{Field: "manifest", Value: manifest, Rule: "is no manifest of a credential of this grant", Accepts: "the .manifest.json that apply has written beside the sealed file"}}
		}
		if !slices.ContainsFunc(p.Keys, func(k core.Key) bool { return k.ID == m.Key.ID }) {
			return nil, core.Faults{{Field: "manifest", Value: manifest, Rule: "is of key " + m.Key.ID + ", which the grant does not have", Accepts: "the manifest of a key that status lists"}}
		}
		if !slices.ContainsFunc(handed, func(h core.Handed) bool { return h.Key == m.Key.ID && h.Ack != nil }) { // else this machine knows better
			handed, by = []core.Handed{{Key: m.Key.ID, Ack: m.Delivery.Acknowledge}}, "manifest"
		}
	}
	for _, h := range handed {
		if h.Ack == nil {
			continue
		}
		if what, ok := handoff.CheckCode(code, *h.Ack); ok {
			return &acknowledgedJSON{h.Key, string(what), by}, nil
		}
	}
	return nil, core.Faults{{Field: "ack", Value: code, Rule: "is no code of a delivery of this grant that this machine has on record", Accepts: "the code that receive has printed, as it is; with --manifest FILE where another machine has sent it"}}
}

// acknowledgement prints what a code confirms.
func acknowledgement(w *paper, j *acknowledgedJSON) {
	if j != nil && j.By == "manifest" {
		w.loud("by the manifest, which nobody has signed: it is worth as much as the way that it came by")
	}
	switch {
	case j == nil:
	case j.What == string(handoff.Tried):
		w.line("acknowledged: key %s was opened by its holder, tried, and found as promised", j.Key)
	default:
		w.line("acknowledged: key %s was opened by its holder, who has not tried it", j.Key)
	}
}
