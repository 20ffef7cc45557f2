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

	lag *Lag
}

// Set writes v; readers see it as the lag says.
func (e *Eventual[T]) Set(v T, l *Lag) {
	from := time.Now()
	if l != nil {
		from = from.Add(l.Delay)
		l.facts++
	}
	if len(e.Pending) == 0 {
		e.Pending = append(e.Pending, Sight[T]{Value: e.Now})
	}
	e.Now = v
	e.Pending = append(e.Pending, Sight[T]{v, from, l})
	e.trim()
}

// Seen returns what a reader sees now.
func (e *Eventual[T]) Seen() T {
	for i := len(e.Pending) - 1; i >= 0; i-- {
		if s := e.Pending[i]; s.lag.shows(s.From) {
			return s.Value
		}
	}
	return e.Now
}

// trim drops what no reader can see any more.
func (e *Eventual[T]) trim() {
	for len(e.Pending) > 1 && e.Pending[1].lag.over(e.Pending[1].From) {
		e.Pending = e.Pending[1:]
	}
}
