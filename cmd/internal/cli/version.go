// version: what this program was built from.
package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionJSON is the version as machines read it.
type versionJSON struct {
	SchemaVersion int    `json:"schema_version"`
	Program       string `json:"program"`
	Version       string `json:"version"`
	Revision      string `json:"revision,omitempty"`
	Modified      bool   `json:"modified,omitempty"`
	Go            string `json:"go"`
	Platform      string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	c := a.command(page{Use: "version", Short: "Print the version", Examples: []string{"$PROGRAM version", "$PROGRAM version --json"}})
	c.RunE = func(*cobra.Command, []string) error { return a.run(nil, func() error { return versionRun(a) }) }
	return c
}

// version is what this program was built from.
func (a *app) version() versionJSON {
	v := versionJSON{SchemaVersion: 1, Program: a.cloud.Program, Version: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Revision = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	return v
}

func versionRun(a *app) error {
	v := a.version()
	if a.global.JSON {
		return printJSON(a.env.Stdout, v)
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	w.line("%s %s", v.Program, v.Version)
	w.line("%s %s", v.Go, v.Platform)
	return w.err
}
