// The disk of a trial: a journal that outlives the processes that write it.
package providertest

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
)

var errKilled = errors.New("this process was killed")

// disk keeps what processes write, in memory.
type disk struct {
	mu      sync.Mutex
	intents []core.Intent
	settled map[string]bool
}

// journal is one process's hold on the disk.
type journal struct {
	disk *disk
	life *life
}

func (j *journal) Intend(i core.Intent) error {
	return j.write("intend "+what(i), func(d *disk) { d.intents = append(d.intents, i) })
}

func (j *journal) Settle(id string, ok bool) error {
	return j.write("settle "+j.disk.verb(id), func(d *disk) { d.settled[id] = true })
}

func (j *journal) Pending() ([]core.Intent, error) { return j.disk.pending(), nil }

// what names the kind of an intent.
func what(i core.Intent) string {
	kind, _, _ := strings.Cut(i.Addr, "/")
	return string(i.Verb) + " " + kind
}

func (d *disk) verb(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := slices.IndexFunc(d.intents, func(i core.Intent) bool { return i.ID == id }); n >= 0 {
		return what(d.intents[n])
	}
	return ""
}

func (j *journal) write(what string, do func(*disk)) error {
	if j.life.dead() {
		return errKilled
	}
	j.disk.mu.Lock()
	do(j.disk)
	j.disk.mu.Unlock()
	j.life.note(what)
	if j.life.step(recorded) {
		return errKilled
	}
	return nil
}

// debts is what is pending and has to be settled by somebody.
func (d *disk) debts() []core.Intent {
	return slices.DeleteFunc(d.pending(), func(i core.Intent) bool { return i.Verb.Lasts() })
}

func (d *disk) pending() []core.Intent {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.intents), func(i core.Intent) bool { return d.settled[i.ID] })
}

// desk is the place where credentials are delivered.
type desk struct {
	life   *life
	refuse error             // Deliver fails with it
	absent error             // Rehearse fails with it
	given  []core.Credential // what was delivered, with copies of the secrets
}

func (d *desk) Rehearse() error { return d.absent }

func (d *desk) Deliver(c core.Credential, r core.Receipt) (core.Delivery, error) {
	if d.life.dead() || d.life.step(beforeDelivery) {
		return core.Delivery{}, errKilled
	}
	if d.refuse != nil {
		return core.Delivery{}, d.refuse
	}
	c.Secret = core.NewSecret(slices.Clone(c.Secret.Reveal())) // the engine clears its own
	d.given = append(d.given, c)
	if d.life.step(afterDelivery) {
		return core.Delivery{}, errKilled
	}
	return core.Delivery{Sealed: true, Format: "judge"}, nil
}
