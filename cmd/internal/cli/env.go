// Env: everything that a command may know of the process around it.
package cli

import (
	"io"
	"path/filepath"
	"sync/atomic"
)

// Env is the world around one run. Tests fill it in.
type Env struct {
	Args     []string // without the program's name
	Stdin    io.Reader
	Stdout   io.Writer // the product
	Stderr   io.Writer // the conversation
	Getenv   func(string) string
	Dir      string // relative paths begin here; "" is the process's own directory
	Terminal Terminal
	Doing    *Activity // may be nil
}

// Terminal says which of the streams are terminals.
type Terminal struct{ In, Out, Err bool }

// path is where a path that the user has written leads.
func (e Env) path(p string) string {
	if e.Dir == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(e.Dir, p)
}

// Activity is what a run is doing at this moment, for whoever interrupts it.
type Activity struct{ text atomic.Value }

// Set notes what begins.
func (a *Activity) Set(text string) {
	if a != nil {
		a.text.Store(text)
	}
}

// String is the last thing noted.
func (a *Activity) String() string {
	if a != nil {
		if s, ok := a.text.Load().(string); ok {
			return s
		}
	}
	return "finishing what is under way"
}
