// Lines: what a journal says, and how it is read back after a crash.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// line is one line: an intent, or what came of one.
type line struct {
	At     time.Time    `json:"at"`
	Intend *core.Intent `json:"intend,omitempty"`
	Settle string       `json:"settle,omitempty"` // the ID of the intent
	OK     *bool        `json:"ok,omitempty"`     // with Settle: whether it happened
}

// state is what the lines so far amount to.
type state struct {
	pending []core.Intent // oldest first
	settled bool          // some intent is settled: compacting would save it
}

func (s *state) has(id string) bool {
	return slices.ContainsFunc(s.pending, func(i core.Intent) bool { return i.ID == id })
}

func (s *state) apply(l line) {
	if l.Intend != nil {
		s.pending = append(s.pending, *l.Intend)
		return
	}
	before := len(s.pending)
	s.pending = slices.DeleteFunc(s.pending, func(i core.Intent) bool { return i.ID == l.Settle })
	s.settled = s.settled || len(s.pending) < before
}

// replay reads a journal. It returns the size of its whole lines; what follows
// them was cut off by a crash before anybody could rely on it, and is left out.
func replay(data []byte) (state, int64, error) {
	var s state
	size := 0
	for n := 1; ; n++ {
		length := bytes.IndexByte(data[size:], '\n')
		if length < 0 {
			return s, int64(size), nil
		}
		text := data[size : size+length]
		l, err := parse(text)
		if err != nil {
			last := size+length+1 == len(data)
			if last && bytes.IndexByte(text, 0) >= 0 {
				// A crash may keep the end of a line and lose an earlier block of it, which then reads as zeros.
				return s, int64(size), nil
			}
			return s, 0, fmt.Errorf("line %d: %w", n, err)
		}
		s.apply(l)
		size += length + 1
	}
}

// parse reads one line. Unknown fields are errors: they come from a newer
// program, whose meaning of "pending" may be another.
func parse(text []byte) (line, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, fmt.Errorf("is damaged: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return l, errors.New("is damaged: it goes on after its end")
	}
	intends := l.Intend != nil && l.Intend.ID != "" && l.Settle == "" && l.OK == nil
	settles := l.Intend == nil && l.Settle != "" && l.OK != nil
	if !intends && !settles {
		return l, errors.New("is damaged: it is neither an intent nor what came of one")
	}
	return l, nil
}
