// man: the help texts as man pages, for whoever packages the program.
package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bucketgrant/bucketgrant/core/handoff"
)

func (a *app) manCommand() *cobra.Command {
	c := a.command(page{
		Use: "man DIR", Short: "Write the man pages into a directory",
		Examples: []string{"$PROGRAM man /usr/local/share/man/man1"},
	})
	c.Args = exactly("DIR")
	c.RunE = func(c *cobra.Command, args []string) error {
		dir := args[0]
		return a.run(&dir, func() error { return manRun(a, c.Root(), dir) })
	}
	return c
}

func manRun(a *app, root *cobra.Command, dir string) error {
	dir = a.env.path(dir)
	if err := handoff.PublicDir(dir); err != nil {
		return err
	}
	var write func(c *cobra.Command) error
	write = func(c *cobra.Command) error {
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		if err := handoff.Replace(filepath.Join(dir, name), []byte(manPage(c, a.info.Title)), 0o644); err != nil {
			return err
		}
		for _, s := range c.Commands() {
			if s.IsAvailableCommand() {
				if err := write(s); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return write(root)
}

// manPage is the help of c in roff: https://man.openbsd.org/man.7
func manPage(c *cobra.Command, cloud string) string {
	var b strings.Builder
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH %q 1 \"\" \"bucketgrant\" \"bucketgrant for %s\"\n", strings.ToUpper(name), cloud)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(usageLine(c)))
	fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", strings.ReplaceAll(roff(c.Long), "\n\n", "\n.PP\n"))
	subs := c.Commands()
	if c.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, s := range subs {
			if s.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(name+"-"+s.Name()), roff(s.Short))
			}
		}
	}
	b.WriteString(".SH OPTIONS\n")
	flag := func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		if who := f.Annotations[onlyKey]; len(who) > 0 {
			usage += " (with --" + whoKey + " " + who[0] + " only)"
		}
		short := ""
		if f.Shorthand != "" {
			short = "-" + f.Shorthand + ", "
		}
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(short+"--"+f.Name+" "+value)), roff(usage))
	}
	c.LocalFlags().VisitAll(flag)
	c.InheritedFlags().VisitAll(flag)
	b.WriteString(".SH EXIT STATUS\n")
	for line := range strings.Lines(c.Annotations[endsKey]) {
		code, means, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", code, roff(means))
	}
	return b.String()
}

// roff makes text harmless to a formatter: no escape and no request.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
