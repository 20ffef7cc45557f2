// Facts that need time to become visible, as identity services have them.
package cloudsim

import "time"

// Eventual is a fact of type T whose writers see it at once and whose readers
// see it after a delay. The zero value holds the zero T. It is not safe for
// concurrent use; a fake guards it with its own lock.
type Eventual[T any] struct {
	Now     T          // what the last writer wrote
	Pending []Sight[T] // values still seen by readers, oldest first; the last one is Now
}

// Sight is a value and the moment from which readers see it.
type Sight[T any] struct {
	Value T
	From  time.Time
}

// Set writes v; readers see it from now+delay on.
func (e *Eventual[T]) Set(v T, delay time.Duration) {
	now := time.Now()
	if len(e.Pending) == 0 {
		e.Pending = append(e.Pending, Sight[T]{Value: e.Now})
	}
	e.Now = v
	e.Pending = append(e.Pending, Sight[T]{v, now.Add(delay)})
	e.trim(now)
}

// Seen returns what a reader sees now.
func (e *Eventual[T]) Seen() T {
	now := time.Now()
	for i := len(e.Pending) - 1; i >= 0; i-- {
		if !e.Pending[i].From.After(now) {
			return e.Pending[i].Value
		}
	}
	return e.Now
}

// trim drops what no reader can see any more.
func (e *Eventual[T]) trim(now time.Time) {
	for len(e.Pending) > 1 && !e.Pending[1].From.After(now) {
		e.Pending = e.Pending[1:]
	}
}
