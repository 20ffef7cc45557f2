// Help: every text begins with something that works.
package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

// page is what people read about a command. $PROGRAM stands for the program,
// $SETTINGS for the flags that the cloud asks for and $KEYLESS for those of a
// grantee without a secret, with values that work.
type page struct {
	Use      string
	Short    string
	Long     string
	Examples []string
	Ends     []error          // the kinds of failure that it can end with, beside plain failure and invalid input
	Means    map[error]string // of an end, where it is not what it is elsewhere
	Hidden   bool
}

const endsKey = "exit-status" // the annotation that carries the exit codes

// command makes the command that p describes, without any work to do.
func (a *app) command(p page) *cobra.Command {
	c := &cobra.Command{
		Use: p.Use, Short: a.words(p.Short), Long: a.words(cmp.Or(p.Long, p.Short+".")), Hidden: p.Hidden,
		Example:               a.words(strings.Join(p.Examples, "\n")),
		Annotations:           map[string]string{endsKey: exitStatus(p.Ends, p.Means)},
		Args:                  exactly(),
		DisableFlagsInUseLine: true,
	}
	c.Flags().SortFlags = false
	c.Flags().BoolP("help", "h", false, "show this text")
	return c
}

// words fills in what differs between programs.
func (a *app) words(s string) string { return a.differing.Replace(s) }

// difference is what differs between programs.
func (a *app) difference() *strings.Replacer {
	return strings.NewReplacer(
		"$PROGRAM", a.cloud.Program, "$SETTINGS", a.settingsExample(), "$KEYLESS", a.keylessExample(),
		"$ACCOUNT", a.info.Nouns.Account, "$REGION", a.info.Nouns.Region, "$PRINCIPAL", a.info.Nouns.Principal, "$CLOUD", a.info.Title,
	)
}

// settingsExample is every setting that all grants need, and the region, as flags.
func (a *app) settingsExample() string {
	var b strings.Builder
	for _, s := range a.info.Settings {
		if s.Required && len(s.Only) == 0 {
			fmt.Fprintf(&b, "--%s %s ", s.Name, s.Example)
		}
	}
	fmt.Fprintf(&b, "--%s %s", a.info.Nouns.Region, a.cloud.Region)
	return b.String()
}

// keylessExample is what chooses a grantee without a secret, as flags.
func (a *app) keylessExample() string {
	if prof, err := profile.Find(demoProfile); err == nil {
		for _, c := range a.choices(prof, "") {
			if c.Keyless {
				return a.flagsFor(c.Who, example)
			}
		}
	}
	return "--" + whoKey + " " + string(core.WhoKey)
}

// exitStatus lists exit codes with their meanings, in ascending order.
func exitStatus(kinds []error, means map[error]string) string {
	lines := []string{"0\tdone"}
	var rows []end
	for _, e := range ends() {
		if e.Kind == nil || slices.Contains(append(kinds, core.ErrInvalid), e.Kind) {
			rows = append(rows, e)
		}
	}
	slices.SortFunc(rows, func(x, y end) int { return cmp.Compare(x.Code, y.Code) })
	for _, e := range rows {
		lines = append(lines, fmt.Sprintf("%d\t%s", e.Code, cmp.Or(means[e.Kind], e.Means)))
	}
	return strings.Join(lines, "\n")
}

func (a *app) helpCommand() *cobra.Command {
	c := a.command(page{Use: "help [COMMAND]", Short: "Show what a command does, beginning with an example", Examples: []string{"$PROGRAM help apply"}})
	c.Args = func(*cobra.Command, []string) error { return nil }
	c.RunE = func(c *cobra.Command, args []string) error {
		about, rest, err := c.Root().Find(args)
		if err != nil || len(rest) > 0 {
			return usageError(fmt.Errorf("no help for %q", strings.Join(args, " ")), a.cloud.Program+" --help")
		}
		return a.run(&args, func() error { a.printHelp(about); return nil })
	}
	return c
}

// printHelp writes the help of c: example, description, usage, flags, exit status.
func (a *app) printHelp(c *cobra.Command) {
	w := c.OutOrStdout()
	if c.Example != "" {
		section(w, "Example", indent(c.Example))
	}
	section(w, "", fold(c.Long, 96))
	section(w, "Usage", "  "+usageLine(c))
	var subs strings.Builder
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() {
			fmt.Fprintf(&subs, "  %-12s %s\n", s.Name(), s.Short)
		}
	}
	section(w, "Commands", subs.String())
	own, groups, inherited := flagsOf(c)
	section(w, "Flags", own)
	for _, g := range groups {
		section(w, "Flags of use with --"+whoKey+" "+g.who+" only", g.set.FlagUsagesWrapped(100))
	}
	section(w, "Flags of every command", inherited)
	section(w, "Exit status", strings.ReplaceAll(indent(c.Annotations[endsKey]), "\t", "  "))
}

// flagGroup are the flags that are of use with some ways of proving who one is.
type flagGroup struct {
	who string
	set *pflag.FlagSet
}

// flagsOf returns the texts about c's own flags and about everybody's, and
// between them the flags that are of use only with some grantees.
func flagsOf(c *cobra.Command) (own string, groups []flagGroup, inherited string) {
	if !c.HasParent() {
		return "", nil, c.PersistentFlags().FlagUsagesWrapped(100)
	}
	var local pflag.FlagSet
	local.SortFlags = false
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if c.InheritedFlags().Lookup(f.Name) != nil {
			return
		}
		who := strings.Join(f.Annotations[onlyKey], "")
		if who == "" {
			local.AddFlag(f)
			return
		}
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.who == who })
		if i < 0 {
			i = len(groups)
			groups = append(groups, flagGroup{who, pflag.NewFlagSet(who, pflag.ContinueOnError)})
			groups[i].set.SortFlags = false
		}
		groups[i].set.AddFlag(f)
	})
	return local.FlagUsagesWrapped(100), groups, c.InheritedFlags().FlagUsagesWrapped(100)
}

func usageLine(c *cobra.Command) string {
	line := c.UseLine()
	if c.HasAvailableSubCommands() {
		line += " COMMAND"
	}
	return line + " [flags]"
}

func section(w io.Writer, title, body string) {
	body = strings.TrimRight(body, "\n")
	switch {
	case body == "":
	case title == "":
		_, _ = fmt.Fprintf(w, "%s\n\n", body)
	default:
		_, _ = fmt.Fprintf(w, "%s:\n%s\n\n", title, body)
	}
}

func indent(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return "  " + strings.Join(lines, "\n  ")
}

// fold breaks each line of s at spaces so that none is wider than width.
func fold(s string, width int) string {
	var out []string
	for _, line := range strings.Split(s, "\n") {
		var now string
		for _, word := range strings.Fields(line) {
			if now != "" && len(now)+1+len(word) > width {
				out, now = append(out, now), ""
			}
			if now != "" {
				now += " "
			}
			now += word
		}
		out = append(out, now)
	}
	return strings.Join(out, "\n")
}
