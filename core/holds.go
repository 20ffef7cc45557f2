// Holds: what the journal knows of keys that are in their holders' hands.
package core

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// Handed is a key that was delivered, as the journal of this machine knows it.
type Handed struct {
	Key   string
	At    time.Time
	Ack   *Acknowledgement // nil if nothing was sealed
	Off   time.Time        // since when it is switched off; zero if it is not, or if that was done elsewhere
	Cause string           // why it is: one of [Rotated], [Revoked], [Compromised]
}

// Why a key was switched off.
const (
	Rotated     = "rotated"     // its successor has been handed over
	Revoked     = "revoked"     // somebody ended the access for the time being
	Compromised = "compromised" // somebody else may have the secret
	Aborted     = "aborted"     // it was taken back and is not deleted yet
)

// Handed returns what the journal knows of keys of that account, oldest first.
// A key that is switched off but was never delivered by a run on this machine has no At.
func (e *Engine) Handed(account string) ([]Handed, error) {
	pending, err := e.Journal.Pending()
	return handedIn(pending, account), err
}

// handedIn is what entries of a journal tell of the keys of that account.
func handedIn(pending []Intent, account string) []Handed {
	var list []Handed
	at := func(key string) *Handed {
		i := slices.IndexFunc(list, func(h Handed) bool { return h.Key == key })
		if i < 0 {
			list, i = append(list, Handed{Key: key}), len(list)
		}
		return &list[i]
	}
	for _, i := range pending {
		switch {
		case i.Account != account:
		case i.Verb == DoHold:
			h := at(i.Key)
			h.At, h.Ack = i.At, i.Ack
		case i.Verb == DoRest, i.Verb == DoChange && i.Cause != "": // a run that ended before it knew has been told so by the key's state
			h := at(i.Key)
			h.Off, h.Cause = i.At, i.Cause
		}
	}
	slices.SortStableFunc(list, func(a, b Handed) int { return a.At.Compare(b.At) })
	return list
}

// find is what is known of a key; the zero Handed if nothing is.
func find(list []Handed, key string) Handed {
	i := slices.IndexFunc(list, func(h Handed) bool { return h.Key == key })
	if i < 0 {
		return Handed{}
	}
	return list[i]
}

// hold records that c is in its holder's hands, for as long as it exists.
func (e *Engine) hold(p *Plan, c Credential, d *Delivery) error {
	i := Intent{ID: e.RunID + "/hold/" + c.ID, RunID: e.RunID, Account: p.Operator.Account, Verb: DoHold, Addr: p.steps.Credential.Addr(c.ID), At: time.Now().UTC(), Key: c.ID}
	if d != nil {
		i.Ack = d.Acknowledge
	}
	return e.Journal.Intend(i)
}

// turned records what has become of a key: what is known of one that is gone is
// forgotten, and since when one is switched off is noted.
func (e *Engine) turned(p *Plan, id string, c Change) error {
	pending, err := e.Journal.Pending()
	if err != nil {
		return err
	}
	for _, i := range pending {
		stolen := i.Verb == DoRest && i.Cause == Compromised && c.Action == Drop // what was made with it may outlive it
		over := i.Verb == DoRest && !stolen || i.Verb == DoHold && c.Action == Drop || i.Verb == DoChange && i.Cause != "" && i.RunID != e.RunID
		if over && i.Account == p.Operator.Account && i.Key == id {
			err = errors.Join(err, e.Journal.Settle(i.ID, false))
		}
	}
	if c.Action == Alter && c.After == keyOff {
		err = errors.Join(err, e.Journal.Intend(Intent{ID: e.RunID + "/rest/" + id, RunID: e.RunID, Account: p.Operator.Account, Verb: DoRest, Addr: c.Addr,
			At: time.Now().UTC(), Key: id, Cause: cmp.Or(p.Want.Keys.Cause, Revoked)}))
	}
	return err
}

// noted keeps what an earlier run did not live to write down: that it has
// switched a key off. i is its intent, which p leaves as it is.
func (e *Engine) noted(p *Plan, i Intent) error {
	off := slices.ContainsFunc(p.Keys, func(k Key) bool { return k.ID == i.Key && !k.Active })
	kept := slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Addr == i.Addr && c.Action == Keep })
	if i.Verb != DoChange || i.Cause == "" || !off || !kept {
		return nil
	}
	i.ID, i.Verb = i.RunID+"/rest/"+i.Key, DoRest
	return e.Journal.Intend(i)
}
