// Desk: the writers of one policy. Whoever comes while a write is under way is part of the next one.
package gcs

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"google.golang.org/api/googleapi"
)

// desks are the desks of all policies that a provider writes. A policy is
// replaced as a whole, and Cloud Storage takes about one change of a bucket in a
// second: hundreds of grants of one run on one bucket must not queue one by one.
// https://cloud.google.com/storage/quotas#buckets
type desks struct {
	mu     sync.Mutex
	queues map[string]*queue
}

// queue is who waits for the next write of one policy.
type queue struct {
	turn    chan struct{} // holds one: who writes, while the others wait
	waiting []*edit
}

// edit is one grant's wish about a policy.
type edit struct {
	role  *role
	want  bindingDocument // no members: the binding goes
	force bool            // write even what reads the same
	done  chan struct{}   // closed once err is final
	err   error
}

func newDesks() *desks { return &desks{queues: map[string]*queue{}} }

// edit has the policy of that place changed, together with the wishes of all who
// wait for the same policy. It makes one attempt: the caller repeats it after a conflict.
func (d *desks) edit(ctx context.Context, key string, at place, e *edit) error {
	e.done = make(chan struct{})
	d.mu.Lock()
	q := d.queues[key]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1)}
		d.queues[key] = q
	}
	q.waiting = append(q.waiting, e)
	d.mu.Unlock()
	for {
		select {
		case <-e.done:
			return e.err
		case q.turn <- struct{}{}:
			d.serve(ctx, q, at, e)
		case <-ctx.Done():
			if d.leave(q, e) {
				return context.Cause(ctx)
			}
			<-e.done // it is being written: what came of it is known in a moment
			return e.err
		}
	}
}

// leave takes an edit back; false if it is being written.
func (d *desks) leave(q *queue, e *edit) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(q.waiting)
	q.waiting = slices.DeleteFunc(q.waiting, func(w *edit) bool { return w == e })
	return len(q.waiting) < n
}

// serve writes for all who wait, in the name of mine, and gives the turn back.
// If whoever does it is stopped, the others wait for the next one: their wishes
// can be written twice.
func (d *desks) serve(ctx context.Context, q *queue, at place, mine *edit) {
	d.mu.Lock()
	batch := q.waiting
	q.waiting = nil
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		q.waiting = append(batch, q.waiting...)
		d.mu.Unlock()
		<-q.turn
	}()
	for len(batch) > 0 && ctx.Err() == nil {
		settled := slices.Clone(commit(ctx, at, batch))
		stopped := ctx.Err() != nil
		settled = slices.DeleteFunc(settled, func(e *edit) bool { return stopped && e.err != nil && e != mine })
		batch = slices.DeleteFunc(batch, func(e *edit) bool { return slices.Contains(settled, e) })
		for _, e := range settled {
			close(e.done)
		}
	}
}

// commit reads the policy, makes all the edits, writes it once and reads it
// again. It returns those edits whose outcome is known; the others are to be
// tried again without them.
func commit(ctx context.Context, at place, batch []*edit) []*edit {
	settle := func(list []*edit, err error) []*edit {
		for _, e := range list {
			e.err = err
		}
		return list
	}
	p, err := at.policy(ctx)
	if err != nil {
		for _, e := range batch {
			if e.err = err; isMissing(err) && len(e.want.Members) == 0 {
				e.err = nil
			}
		}
		return batch
	}
	before, write, check := p.bindings, false, false
	for _, e := range batch {
		var changed bool
		p.bindings, changed = merge(p.bindings, e.role.run, e.want)
		write = write || changed || e.force
		check = check || !at.fresh()
	}
	if !write {
		return settle(batch, nil)
	}
	if err := at.write(ctx, p); err != nil {
		return settle(blamed(batch, err), err)
	}
	if !check {
		return settle(batch, nil)
	}
	return settle(batch, checkPolicy(ctx, at, before, batch))
}

// blamed are the edits that a refusal is about: those whose member it names, or
// else all if they are only one or if it is nobody's fault. Of many, of which
// one must be at fault, it is the first, which leaves the others for later.
func blamed(batch []*edit, err error) []*edit {
	g, ok := errors.AsType[*googleapi.Error](err)
	if !ok || len(batch) == 1 || g.Code != http.StatusBadRequest && problemOf(err).constraint == "" {
		return batch
	}
	named := slices.DeleteFunc(slices.Clone(batch), func(e *edit) bool {
		return !slices.ContainsFunc(e.want.Members, func(m string) bool {
			_, name, _ := strings.Cut(m, ":")
			return strings.Contains(g.Message, name)
		})
	})
	if len(named) > 0 {
		return named
	}
	return batch[:1:1]
}

// policyKey tells policies apart.
func (r *run) policyKey(folder string) string { return r.project + "\x00" + r.bucket + "\x00" + folder }
