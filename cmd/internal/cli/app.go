// App: one run of a program, from its words to the command that they name.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/nearest"
)

// app is one run.
type app struct {
	cloud  Cloud
	env    Env
	info   core.Info
	global globalOptions

	differing *strings.Replacer // see words; made once, since every help text needs it

	// parsed, if set, gets a command's options in place of its run function.
	parsed func(options any) error
}

// globalOptions are the flags that every command has.
type globalOptions struct {
	Sandbox       bool
	SandboxFile   string
	AllowEndpoint bool
	JSON          bool
	Quiet         bool
	NoColor       bool
}

// Run runs one command and returns its exit code.
func Run(ctx context.Context, c Cloud, env Env) int {
	a := newApp(c, env)
	root := a.root()
	root.SetArgs(env.Args)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && err != nil && !errors.Is(err, errInterrupted) && errors.Is(context.Cause(ctx), errInterrupted) {
		err = errors.Join(err, errInterrupted)
	}
	return a.report(err)
}

func newApp(c Cloud, env Env) *app {
	a := &app{cloud: c, env: env, info: c.Connect(core.Connection{}).Info()}
	a.differing = a.difference()
	return a
}

// root is the tree of commands.
func (a *app) root() *cobra.Command {
	root := a.command(page{
		Use:   a.cloud.Program,
		Short: fmt.Sprintf("Give somebody access to a bucket on %s: exactly that access, proven, and handed over sealed", a.info.Title),
		Long: "From one small grant, $PROGRAM makes the bucket, the smallest role and a credential; proves with the credential itself that what is granted works and everything else is refused; " +
			"and seals it to the public key of whoever asked for it. The receipt is safe in a ticket.",
		Examples: []string{
			"$PROGRAM demo",
			"$PROGRAM plan --profile event-dump --bucket acme-events $SETTINGS",
			"$PROGRAM apply --profile event-dump --bucket acme-events $SETTINGS --to age1… --out handoff/",
		},
		Ends: everyKind(),
	})
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.BoolVar(&a.global.Sandbox, "sandbox", false, "use a cloud inside the program that ends with the command")
	flags.StringVar(&a.global.SandboxFile, "sandbox-file", "", "use a cloud inside the program that lives in `FILE`")
	flags.BoolVar(&a.global.AllowEndpoint, "allow-endpoint", false, "consent to an endpoint that is not the cloud's own")
	flags.BoolVar(&a.global.JSON, "json", false, "print JSON")
	flags.BoolVar(&a.global.Quiet, "quiet", false, "say nothing but errors, warnings and the result")
	flags.BoolVar(&a.global.NoColor, "no-color", false, "use no colours, like NO_COLOR=1")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { a.printHelp(c) })
	root.SetUsageFunc(func(c *cobra.Command) error { a.printHelp(c); return nil })
	root.SetFlagErrorFunc(a.flagError)
	showVersion := root.Flags().Bool("version", false, "print the version")
	root.RunE = func(c *cobra.Command, _ []string) error {
		if *showVersion {
			return a.run(nil, func() error { return versionRun(a) })
		}
		return c.Help()
	}
	root.SetHelpCommand(a.helpCommand())
	root.AddCommand(
		a.planCommand(), a.applyCommand(), a.verifyCommand(), a.statusCommand(), a.rotateCommand(), a.reissueCommand(),
		a.revokeCommand(), a.restoreCommand(), a.destroyCommand(),
		a.preflightCommand(), a.listCommand(), a.doctorCommand(),
		a.receiveCommand(), a.profilesCommand(), a.explainCommand(), a.schemaCommand(), a.sandboxCommand(), a.demoCommand(),
		a.versionCommand(), a.completionCommand(), a.manCommand(),
	)
	closeTree(root)
	return root
}

// flagError is a mistake in a flag, or in the command before it: cobra looks at
// the flags first.
func (a *app) flagError(c *cobra.Command, err error) error {
	if !c.HasParent() {
		for _, word := range a.env.Args {
			if strings.HasPrefix(word, "-") {
				continue
			}
			if !slices.ContainsFunc(c.Commands(), func(sub *cobra.Command) bool { return sub.Name() == word }) {
				return c.Args(c, []string{word})
			}
			break
		}
	}
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := meant(name, known); near != "" {
			err = fmt.Errorf("%w (did you mean %q?)", err, "--"+near)
		}
	}
	return usageError(err, c.CommandPath()+" --help")
}

// closeTree makes an unknown command an error with a suggestion.
func closeTree(c *cobra.Command) {
	if !c.HasSubCommands() {
		return
	}
	var known []string
	for _, sub := range c.Commands() {
		known = append(known, sub.Name())
		closeTree(sub)
	}
	if c.RunE == nil {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Errorf("unknown command %q", args[0])
		if near := nearest.Word(args[0], known); near != "" {
			err = fmt.Errorf("%w (did you mean %q?)", err, near)
		}
		return usageError(err, c.CommandPath()+" --help")
	}
}

// run hands options to work, or to the test that wants to see them.
func (a *app) run(options any, work func() error) error {
	if err := a.global.faults().Err(); err != nil {
		return err
	}
	if a.parsed != nil {
		return a.parsed(options)
	}
	return work()
}

func (g globalOptions) faults() core.Faults {
	if g.Sandbox && g.SandboxFile != "" {
		return core.Faults{{Field: "sandbox", Rule: "is given together with sandbox-file", Accepts: "one of them"}}
	}
	return nil
}

// exactly refuses any other number of arguments and says what they are.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error { return argsError(c, args, len(names), len(names), names) }
}

// atMost refuses more arguments than names.
func atMost(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error { return argsError(c, args, 0, len(names), names) }
}

func argsError(c *cobra.Command, args []string, least, most int, names []string) error {
	switch {
	case len(args) < least:
		return usageError(fmt.Errorf("missing %s", strings.Join(names[len(args):], " ")), c.CommandPath()+" --help")
	case len(args) > most:
		extra := slices.Clone(args[most:])
		for i, arg := range extra {
			extra[i] = fmt.Sprintf("%q", arg)
		}
		return usageError(fmt.Errorf("unexpected %s", strings.Join(extra, " ")), c.CommandPath()+" --help")
	}
	return nil
}

// Understand reads args as [Run] does and does nothing, so that documents with
// commands in them can be checked.
func Understand(ctx context.Context, c Cloud, args []string) error {
	a := newApp(c, Env{Stdout: io.Discard, Stderr: io.Discard})
	understood := errors.New("has nothing to do")
	a.parsed = func(any) error {
		understood = nil
		return nil
	}
	root := a.root()
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	return understood
}
