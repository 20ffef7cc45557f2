// Text: what people see on a terminal, and nothing that steers the terminal.
package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf16"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// clean makes one line of remote text harmless to a terminal.
func clean(s string) string { return handoff.Safe(s) }

// paper is a stream for people. It cleans every line that it prints and
// remembers the first failure to write.
type paper struct {
	w     io.Writer
	color bool
	err   error
}

func (a *app) paper(w io.Writer, terminal bool) *paper {
	color := terminal && !a.global.NoColor && a.env.Getenv("NO_COLOR") == "" && a.env.Getenv("TERM") != "dumb" // https://no-color.org
	return &paper{w: w, color: color}
}

// line prints one line.
func (p *paper) line(format string, args ...any) {
	p.raw(clean(fmt.Sprintf(format, args...)) + "\n")
}

// field prints a name and a text that is folded beside it.
func (p *paper) field(name, text string) { p.beside(name, 8, text) }

// beside is field for names of another width.
func (p *paper) beside(name string, width int, text string) {
	for i, line := range strings.Split(fold(clean(text), 96), "\n") {
		if i > 0 {
			name = ""
		}
		p.raw(fmt.Sprintf("  %-*s %s\n", width, clean(name), line))
	}
}

// sign prints one line that begins with the sign of a change, in its colour.
func (p *paper) sign(a core.Action, format string, args ...any) {
	text := clean(fmt.Sprintf(format, args...))
	code := map[core.Action]string{core.Make: "32", core.Alter: "33", core.Drop: "31", core.Refuse: "1;31"}[a]
	if !p.color || code == "" {
		p.raw("  " + a.String() + " " + text + "\n")
		return
	}
	p.raw("  \x1b[" + code + "m" + a.String() + " " + text + "\x1b[0m\n")
}

// loud prints one line that must not be missed.
func (p *paper) loud(format string, args ...any) {
	text := clean(fmt.Sprintf(format, args...))
	if p.color {
		text = "\x1b[1;33m" + text + "\x1b[0m"
	}
	p.raw(text + "\n")
}

// table prints rows in columns.
func (p *paper) table(rows [][]string) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
		}
		_, _ = fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	_ = w.Flush()
	for line := range strings.Lines(b.String()) {
		p.raw(strings.TrimRight(line, " \n") + "\n")
	}
}

func (p *paper) raw(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}

// printJSON prints v with nothing in it that steers a terminal.
func printJSON(w io.Writer, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, harmlessJSON(raw)+"\n")
	return err
}

// harmlessJSON is a document with what steers a terminal written as JSON's own codes.
func harmlessJSON(raw []byte) string {
	var b strings.Builder
	for _, r := range string(raw) {
		switch {
		case r == '\n' || clean(string(r)) == string(r):
			b.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}
