// sandbox: the cloud inside the program, for other programs to talk to.
package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type sandboxOptions struct{ Listen string }

func (a *app) sandboxCommand() *cobra.Command {
	c := a.command(page{
		Use: "sandbox", Short: "Use the cloud inside the program from other programs",
		Examples: []string{"$PROGRAM sandbox serve --listen 127.0.0.1:9000"},
	})
	var o sandboxOptions
	serve := a.command(page{
		Use: "serve", Short: "Serve the cloud inside the program on a loopback address until interrupted",
		Long: "Prints the environment that makes the cloud's own tools talk to it, then serves. It knows $CLOUD's own protocol and enforces its policies, and holds nothing but what you put into it. " +
			"Only a loopback address is accepted, because it is no place for real data.",
		Examples: []string{"$PROGRAM sandbox serve --listen 127.0.0.1:9000", "$PROGRAM sandbox serve --listen 127.0.0.1:9000 --sandbox-file cloud.json"},
	})
	serve.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:0", "serve on this loopback `ADDRESS`; port 0 is any free port")
	serve.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return serveRun(c.Context(), a, o) })
	}
	c.AddCommand(serve)
	return c
}

// serving is what is going on while nothing else is: an interrupt just ends it.
const serving = "serving"

func serveRun(ctx context.Context, a *app, o sandboxOptions) (err error) {
	if err := loopback(o.Listen); err != nil {
		return err
	}
	if a.global.JSON {
		return noJSON("lines for a shell")
	}
	a.global.Sandbox = a.global.SandboxFile == ""
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return &core.Error{What: fmt.Sprintf("listen on %q", o.Listen), Err: err, Hint: "choose another port; port 0 is any free one"}
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	for _, line := range s.sandbox.Environment(l.Addr().String()) {
		w.line("export %s", line)
	}
	if a.talks() {
		e := a.paper(a.env.Stderr, a.env.Terminal.Err)
		e.loud(sandboxBanner)
		e.line("run the lines above in another shell, and the cloud's own tools there talk to this one")
		e.line("serving %s on http://%s; interrupt to end", a.info.Title, l.Addr())
	}
	a.env.Doing.Set(serving)
	server := &http.Server{Handler: s.sandbox.Handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(end)
	})
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return w.err
}

// noJSON refuses a flag that would change nothing.
func noJSON(prints string) error {
	return core.Faults{{Field: "json", Rule: "is given, but the command prints " + prints, Accepts: "the command without it"}}
}

// loopback refuses an address that other machines could reach.
func loopback(listen string) error {
	at, err := netip.ParseAddrPort(listen)
	if err != nil || !at.Addr().IsLoopback() {
		return core.Faults{{Field: "listen", Value: listen, Rule: "is not a loopback address with a port", Accepts: "127.0.0.1:9000 or [::1]:9000"}}
	}
	return nil
}
