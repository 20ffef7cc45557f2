// completion: scripts that complete commands and flags in a shell.
package cli

import "github.com/spf13/cobra"

func (a *app) completionCommand() *cobra.Command {
	c := a.command(page{
		Use: "completion SHELL", Short: "Print a script that completes commands and flags in bash, zsh, fish or powershell",
		Examples: []string{"$PROGRAM completion bash > /etc/bash_completion.d/$PROGRAM", "source <($PROGRAM completion zsh)"},
	})
	c.ValidArgs = []string{"bash", "zsh", "fish", "powershell"}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := exactly("SHELL: bash, zsh, fish or powershell")(c, args); err != nil {
			return err
		}
		return wrongShell(cobra.OnlyValidArgs(c, args), c)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		shell := args[0]
		return a.run(&shell, func() error { return completionRun(a, c.Root(), shell) })
	}
	return c
}

func wrongShell(err error, c *cobra.Command) error {
	if err == nil {
		return nil
	}
	return usageError(err, c.CommandPath()+" --help")
}

func completionRun(a *app, root *cobra.Command, shell string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(a.env.Stdout, true)
	case "zsh":
		return root.GenZshCompletion(a.env.Stdout)
	case "fish":
		return root.GenFishCompletion(a.env.Stdout, true)
	}
	return root.GenPowerShellCompletionWithDesc(a.env.Stdout)
}
