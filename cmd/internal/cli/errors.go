// Errors: the only table from kinds of errors to exit codes and hints.
package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// The kinds of ends that only a program knows.
var (
	errInterrupted = errors.New("interrupted")
	errChanges     = errors.New("there are changes")
	errPanic       = errors.New("internal error")
)

// end is one way in which a command can end.
type end struct {
	Kind  error // nil for the last row: any other failure
	Name  string
	Code  int
	Means string // for the EXIT STATUS of help texts
	Hint  string // $PROGRAM is replaced; errors may bring a better one
}

// ends is every end but success, gravest first: of several errors that happen
// together the gravest decides the exit code.
func ends() []end {
	return []end{
		{core.ErrUnknown, "unknown", 10, "outcome unknown: run the same command again, it finds out", "run the same command again: it finds out what happened and goes on from there"},
		{core.ErrUnproven, "unproven", 5, "access is not what was granted; the credential was retired", "the credential was not delivered; run $PROGRAM plan to look for what widens or narrows the access"},
		{errInterrupted, "interrupted", 130, "interrupted; an undelivered credential was retired", "run the same command again: it goes on from there"},
		{core.ErrNotConverged, "not_converged", 6, "access did not become visible everywhere in time", "run the same command again in some minutes"},
		{core.ErrBlocked, "blocked", 7, "blocked by a policy of your organisation, or not available on this cloud", ""},
		{core.ErrNotOurs, "not_ours", 4, "something of that name exists and was not made by this grant, or the access was revoked", "choose another --name, or look at what is there"},
		{core.ErrOperator, "operator", 11, "your own credentials are missing or insufficient", ""},
		{core.ErrLocked, "locked", 9, "another run works on the same grant", "wait until the other run has ended"},
		{core.ErrSomeFailed, "some_failed", 8, "some of many grants failed", ""},
		{core.ErrInvalid, "invalid", 2, "invalid input; nothing was done", ""},
		{errChanges, "changes", 3, "there are changes (with --exit-code)", ""},
		{core.ErrInUse, "in_use", 1, "", ""},
		{core.ErrMoved, "moved", 1, "", "make the plan again and review it: $PROGRAM plan --out FILE"},
		{nil, "failure", 1, "failure", ""},
	}
}

// everyKind is what some command can end with.
func everyKind() []error {
	var kinds []error
	for _, e := range ends() {
		if e.Kind != nil && e.Code != 1 {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// endOf is the row for err, which is not nil.
func endOf(err error) end {
	all := ends()
	for _, e := range all {
		if e.Kind != nil && errors.Is(err, e.Kind) {
			return e
		}
	}
	if errors.Is(err, context.Canceled) {
		return endOf(errInterrupted)
	}
	return all[len(all)-1]
}

// problem is an error as machines read it.
type problem struct {
	SchemaVersion int         `json:"schema_version"`
	Error         string      `json:"error"`
	Kind          string      `json:"kind"`
	ExitCode      int         `json:"exit_code"`
	Hint          string      `json:"hint,omitempty"`
	Faults        core.Faults `json:"faults,omitempty"`
}

// clean makes remote text in p harmless to a terminal.
func (p problem) clean() problem {
	p.Error, p.Hint = clean(strings.ReplaceAll(p.Error, "\n", "; ")), clean(p.Hint)
	faults := slices.Clone(p.Faults)
	for i, f := range faults {
		faults[i] = core.Fault{Field: clean(f.Field), Value: clean(f.Value), Rule: clean(f.Rule), Accepts: clean(f.Accepts)}
	}
	p.Faults = faults
	return p
}

func describe(err error, program string) problem {
	e := endOf(err)
	p := problem{SchemaVersion: 1, Error: err.Error(), Kind: e.Name, ExitCode: e.Code}
	if e.Kind == errInterrupted { //nolint:errorlint // a row of the table
		p.Error = interruption(p.Error)
	}
	var hints []string
	visit(err, func(err error) {
		switch v := err.(type) { //nolint:errorlint // visit unwraps
		case *core.Error:
			if hint := ownCommand(v.Hint, program); hint != "" && !slices.Contains(hints, hint) {
				hints = append(hints, hint)
			}
		case core.Faults:
			p.Faults = append(p.Faults, v...)
		case core.Fault:
			p.Faults = append(p.Faults, v)
		}
	})
	if len(hints) == 0 && unreached(err) && !errors.Is(err, core.ErrUnknown) {
		hints = []string{"the cloud could not be reached: check network and proxy"}
	}
	p.Hint = cmp.Or(strings.Join(hints, "; "), strings.ReplaceAll(e.Hint, "$PROGRAM", program))
	return p
}

// ownCommand puts the program's name before a hint that is a command of its own:
// core knows the commands, and not what the program is called.
func ownCommand(hint, program string) string {
	verb, _, _ := strings.Cut(hint, " ")
	if slices.Contains([]string{"apply", "rotate", "reissue", "revoke", "restore", "destroy"}, strings.TrimRight(verb, ",;:")) {
		return program + " " + hint
	}
	return hint
}

// bounded cuts what users gave down to what they recognise.
func bounded(faults core.Faults) core.Faults {
	const most = 64
	list := slices.Clone(faults)
	for i, f := range list {
		if given := []rune(f.Value); len(given) > most {
			list[i].Value = string(given[:most]) + "…"
		}
	}
	return list
}

// interruption leaves out of text what only says that the work was cancelled.
func interruption(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !strings.Contains(line, context.Canceled.Error()) {
			lines = append(lines, line)
		}
	}
	return cmp.Or(strings.Join(lines, "\n"), errInterrupted.Error())
}

// unreached reports whether err came from the network and not from the cloud.
func unreached(err error) bool {
	if at, ok := errors.AsType[net.Error](err); ok && at.Timeout() {
		return true
	}
	_, name := errors.AsType[*net.DNSError](err)
	_, op := errors.AsType[*net.OpError](err)
	return name || op
}

// visit calls f for err and everything that it wraps.
func visit(err error, f func(error)) {
	if err == nil {
		return
	}
	f(err)
	switch v := err.(type) { //nolint:errorlint // this is what unwraps
	case interface{ Unwrap() error }:
		visit(v.Unwrap(), f)
	case interface{ Unwrap() []error }:
		for _, e := range v.Unwrap() {
			visit(e, f)
		}
	}
}

// report prints err and returns the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	if faults, ok := err.(core.Faults); ok { //nolint:errorlint // only what is nothing but faults
		err = bounded(faults)
	}
	p := describe(err, a.cloud.Program)
	if p.ExitCode == 3 {
		return 3 // an answer, not a failure
	}
	if a.global.JSON || slices.Contains(a.env.Args, "--json") { // a mistake in the words may come before the flag was seen
		p = p.clean()
		a.jsonLine(p)
		return p.ExitCode
	}
	for line := range strings.Lines(p.Error) {
		say(a.env.Stderr, a.cloud.Program+": "+strings.TrimRight(line, "\n"))
	}
	if p.Hint != "" {
		say(a.env.Stderr, "hint: "+p.Hint)
	}
	return p.ExitCode
}

// join adds more to err; either may be nil.
func join(err, more error) error {
	switch {
	case err == nil:
		return more
	case more == nil:
		return err
	}
	return errors.Join(err, more)
}

// jsonLine prints v as one line on standard error, where with --json every line is a document.
func (a *app) jsonLine(v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(errPanic)
	}
	_, _ = io.WriteString(a.env.Stderr, harmlessJSON(raw)+"\n")
}

// warn prints something that the user must know, whatever is asked for.
func (a *app) warn(w *paper, text string) {
	if !a.global.JSON {
		w.loud("warning: %s", text)
		return
	}
	a.jsonLine(struct {
		SchemaVersion int    `json:"schema_version"`
		Warning       string `json:"warning"`
	}{1, clean(text)})
}

// usageError is a mistake in how the command was called.
func usageError(err error, hint string) error {
	return &core.Error{Kind: core.ErrInvalid, Err: err, Hint: hint}
}

// collect moves the faults in err into faults. What is no fault is returned.
func collect(faults *core.Faults, err error) error {
	if list, ok := errors.AsType[core.Faults](err); ok {
		*faults = append(*faults, list...)
		return nil
	}
	if one, ok := errors.AsType[core.Fault](err); ok {
		*faults = append(*faults, one)
		return nil
	}
	return err
}
