// Diagnose: from symptoms to ranked causes.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Complaint is what somebody knows of an access that fails. Everything is optional.
type Complaint struct {
	Manifest   Blueprint  // what the manifest tells of the grant
	Error      string     // what a program printed
	Credential Credential // to try it; zero if it is not at hand
	Key        string     // the ID of the key that the manifest names; "" if it names none
	Grant      *Grant     // on the owner's side: the grant itself, to be looked at as its operator
}

// Hypothesis is a cause with what speaks for it.
type Hypothesis struct {
	Cause
	Score    int       `json:"score"`
	Evidence []Symptom `json:"evidence"`
}

// Diagnosis is what a doctor found, the likeliest cause first.
type Diagnosis struct {
	Symptoms   []Symptom    `json:"symptoms"`
	Hypotheses []Hypothesis `json:"hypotheses"`
	Unseen     []string     `json:"unseen,omitempty"` // what could not be looked at, with the reason
}

// clockOff is how far a clock may be off before anybody need know.
const clockOff = time.Minute

// Diagnose gathers symptoms from everything that c has, and ranks the causes that
// the provider knows by the weights of their signs. It only reads, but for the
// tries, which leave what a proof would leave.
func (e *Engine) Diagnose(ctx context.Context, c Complaint) (Diagnosis, error) {
	advisor, ok := Power[Advisor](e.Provider)
	if !ok {
		return Diagnosis{}, &Error{Kind: ErrInvalid, What: "doctor", Err: errors.New("this cloud's provider knows no causes")}
	}
	var d Diagnosis
	for line := range strings.Lines(c.Error) {
		if line = strings.TrimSpace(line); line != "" {
			d.Symptoms = append(d.Symptoms, Symptom{Source: SaidError, Text: line})
		}
	}
	d.claims(c.Manifest)
	b := c.Manifest
	if c.Grant != nil {
		e.asOwner(ctx, c, &d, &b)
	}
	if !c.Credential.Secret.Empty() {
		e.asHolder(ctx, b, c.Credential, &d)
	}
	if ctx.Err() != nil {
		return d, context.Cause(ctx)
	}
	d.rank(advisor.Causes(b))
	return d, nil
}

// claims adds what the manifest itself says.
func (d *Diagnosis) claims(b Blueprint) {
	if end := b.Grant.Limits.Expires; !end.IsZero() {
		d.Symptoms = append(d.Symptoms, Symptom{Source: SaidClaim, Text: "expires " + ending(end, time.Now()), Good: end.After(time.Now())})
	}
	for _, from := range b.Grant.Limits.From {
		d.Symptoms = append(d.Symptoms, Symptom{Source: SaidClaim, Text: "from " + from.String()})
	}
}

// asOwner looks at the grant as its operator does.
func (e *Engine) asOwner(ctx context.Context, complaint Complaint, d *Diagnosis, b *Blueprint) {
	p, err := e.Plan(ctx, *complaint.Grant, Present)
	if err != nil {
		d.Unseen = append(d.Unseen, "the owner's side: "+oneLine(err))
		return
	}
	*b = p.Blueprint
	for _, c := range p.Changes {
		if c.Step != CredentialStep {
			d.Symptoms = append(d.Symptoms, Symptom{Source: SaidPlan, Text: c.Action.String() + " " + c.Addr + ": " + c.Why, Good: c.Action == Keep})
		}
	}
	if key := complaint.Key; key != "" && p.steps.Credential != nil && !slices.ContainsFunc(p.Keys, func(k Key) bool { return k.ID == key }) {
		d.Symptoms = append(d.Symptoms, Symptom{Source: SaidKey, Text: key + " missing: it was deleted, and its holder may have it still"})
	}
	for _, k := range p.Keys {
		state := "active"
		if !k.Active {
			state = "inactive"
		}
		d.Symptoms = append(d.Symptoms, Symptom{Source: SaidKey, Text: k.ID + " " + state + ": " + k.age(p.Made), Good: k.Active})
	}
	found, err := e.Inspect(ctx, p)
	if err != nil {
		d.Unseen = append(d.Unseen, "an inspection: "+oneLine(err))
	}
	for _, f := range found {
		d.Symptoms = append(d.Symptoms, Symptom{Source: SaidLook, Text: string(f.Kind) + " " + f.Addr + ": " + f.Text})
	}
}

// asHolder tries everything that was granted, once, and notes what it was answered.
func (e *Engine) asHolder(ctx context.Context, b Blueprint, c Credential, d *Diagnosis) {
	actor, err := e.Provider.Act(ctx, b, c)
	if err != nil {
		d.Unseen = append(d.Unseen, "trying it: "+oneLine(err))
		return
	}
	teller, ok := actor.(Teller)
	if !ok {
		d.Unseen = append(d.Unseen, "trying it: this kind of credential cannot be tried here")
		return
	}
	can, _ := triable(actor, e.Provider.Info().Abilities)
	clock := false
	for _, p := range ProbesFor(b, can, e.RunID, "") {
		if p.Want != Allowed || p.removes() || ctx.Err() != nil {
			continue
		}
		tctx, cancel := context.WithTimeout(ctx, tryFor)
		got, a, err := teller.Tell(tctx, p)
		cancel()
		text := fmt.Sprintf("%s %s: %d %s: %s", p.Ability, p.Where, a.Status, a.Code, a.Message)
		if err != nil && a.Status == 0 {
			text = fmt.Sprintf("%s %s: no answer: %s", p.Ability, p.Where, oneLine(err))
		}
		d.Symptoms = append(d.Symptoms, Symptom{Source: SaidTry, Text: text, Good: got == Allowed})
		if off := time.Since(a.Date).Abs().Round(time.Second); !clock && !a.Date.IsZero() {
			clock = true
			d.Symptoms = append(d.Symptoms, Symptom{Source: SaidClock, Text: "off by " + off.String(), Good: off < clockOff})
		}
	}
}

// rank gives every cause the sum of the weights of its signs that a symptom shows.
// Each sign counts once; what is as it should be is evidence against only.
func (d *Diagnosis) rank(causes []Cause) {
	for _, cause := range causes {
		h := Hypothesis{Cause: cause}
		for _, sign := range cause.Signs {
			i := slices.IndexFunc(d.Symptoms, func(s Symptom) bool {
				return (sign.Source == "" || sign.Source == s.Source) && (!s.Good || sign.Weight < 0) && sign.Match.MatchString(s.Text)
			})
			if i < 0 {
				continue
			}
			h.Score += sign.Weight
			if sign.Weight > 0 && !slices.Contains(h.Evidence, d.Symptoms[i]) {
				h.Evidence = append(h.Evidence, d.Symptoms[i])
			}
		}
		if h.Score > 0 && len(h.Evidence) > 0 {
			d.Hypotheses = append(d.Hypotheses, h)
		}
	}
	slices.SortStableFunc(d.Hypotheses, func(a, b Hypothesis) int {
		return cmp.Or(b.Score-a.Score, strings.Compare(a.Name, b.Name))
	})
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
