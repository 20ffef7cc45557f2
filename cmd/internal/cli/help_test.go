// Help: every example works, every command says how it can end.
package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand returns all commands that people can see, the root included.
func everyCommand(t *testing.T) []*cobra.Command {
	t.Helper()
	var all []*cobra.Command
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c)
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				walk(sub)
			}
		}
	}
	walk(newApp(toyCloud(&toy{}), Env{}).root())
	if len(all) < 16 {
		t.Fatalf("got %d commands, want all of them", len(all))
	}
	return all
}

func TestEveryExampleIsUnderstood(t *testing.T) {
	for _, c := range everyCommand(t) {
		if c.Example == "" {
			t.Errorf("%s: got no example, want one that works", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			line = strings.TrimSpace(line)
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, " > ")
			line = strings.TrimSuffix(strings.TrimPrefix(line, "source <("), ")")
			words := strings.Fields(line)
			if words[0] != "toygrant" {
				t.Errorf("%s: example %q: got program %q", c.CommandPath(), line, words[0])
				continue
			}
			if err := Understand(t.Context(), toyCloud(&toy{}), words[1:]); err != nil {
				t.Errorf("%s: example %q: got %v, want it understood", c.CommandPath(), line, err)
			}
		}
	}
}

func TestHelpBeginsWithAnExampleAndEndsWithExitStatus(t *testing.T) {
	for _, c := range everyCommand(t) {
		s := newStage(t, &toy{})
		r := s.run(append(strings.Fields(c.CommandPath())[1:], "--help")...)
		r.wants(t, 0, "Usage:\n  "+c.CommandPath())
		if !strings.HasPrefix(r.out, "Example:\n  toygrant") {
			t.Errorf("%s: got %.60q, want an example first", c.CommandPath(), r.out)
		}
		if !regexp.MustCompile(`Exit status:\n  0  done\n  1  failure\n  2  invalid`).MatchString(r.out) {
			t.Errorf("%s: got no exit status", c.CommandPath())
		}
		if strings.Contains(r.out, "$") || r.errout != "" {
			t.Errorf("%s: got a variable in the help, or something on standard error: %s", c.CommandPath(), r.errout)
		}
	}
}

func TestHelpSaysEveryEndThatCanHappen(t *testing.T) {
	for _, c := range []struct {
		verb string
		want []string
	}{
		{"apply", []string{"\n  4 ", "\n  5 ", "\n  6 ", "\n  7 ", "\n  9 ", "\n  10 ", "\n  11 ", "\n  130 "}},
		{"plan", []string{"\n  3 ", "\n  4 ", "\n  11 "}},
		{"status", []string{"\n  3 ", "\n  4 "}},
		{"verify", []string{"\n  5 ", "\n  6 ", "\n  11 "}},
		{"receive", []string{"\n  5 ", "\n  6 "}},
		{"destroy", []string{"\n  4 ", "\n  9 ", "\n  10 "}},
	} {
		newStage(t, &toy{}).run(c.verb, "--help").wants(t, 0, c.want...)
	}
}

func TestMistakesInWordsNameWhatIsAccepted(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"aply", `unknown command "aply" (did you mean "apply"?)`},
		{"help aply", `no help for "aply"`},
		{"sandbox serv", `unknown command "serv" (did you mean "serve"?)`},
		{"apply a b", `unexpected "b"`},
		{"plan x", `unexpected "x"`},
		{"receive", "missing FILE"},
		{"completion tcsh", `"tcsh"`},
		{"apply --colour", "unknown flag: --colour"},
		{"aply --colour", `unknown command "aply" (did you mean "apply"?)`},
		{"--colour apply", "unknown flag: --colour"},
		{"apply --buckt a", `unknown flag: --buckt (did you mean "--bucket"?)`},
		{"plan --profile default", "your own sign-in is chosen by the cloud's own environment variables"},
		{"apply --adopt=maybe", `must be "true" or "false"`},
		{"plan --sandbox --sandbox-file x", "sandbox: is given together with sandbox-file"},
		{"verify --credential a --bundle b", "credential: is given together with bundle"},
		{"verify --bundle b", "identity: is missing"},
		{"verify --identity b", "identity: is given without bundle"},
		{"sandbox serve --listen 10.0.0.1:80", `listen "10.0.0.1:80"`},
		{"sandbox serve --listen localhost", `accepted: 127.0.0.1:9000`},
	} {
		newStage(t, &toy{}).run(strings.Fields(c.line)...).wants(t, 2, c.want)
	}
}

func TestTheProgramSaysItsVersionAndAllItsExitCodes(t *testing.T) {
	s := newStage(t, &toy{})
	s.run("--version").wants(t, 0, "toygrant ", "go1")
	for _, code := range []string{"2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "130"} {
		s.run("--help").wants(t, 0, "\n  "+code+" ")
	}
	s.run("apply", "--help").wants(t, 0, "(default: handoff)")
}

func TestManPagesAreSound(t *testing.T) {
	s := newStage(t, &toy{})
	s.run("man", "pages").wants(t, 0)
	pages, err := filepath.Glob(filepath.Join(s.dir, "pages", "*.1"))
	if err != nil || len(pages) != len(everyCommand(t)) {
		t.Errorf("pages: got %d %v, want one for each command", len(pages), err)
	}
	mandoc, _ := exec.LookPath("mandoc")
	for _, p := range pages {
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, heading := range []string{".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH EXAMPLES", ".SH DESCRIPTION", ".SH OPTIONS", ".SH EXIT STATUS"} {
			if !bytes.Contains(raw, []byte("\n"+heading)) && !bytes.HasPrefix(raw, []byte(heading)) {
				t.Errorf("%s: got no %q", filepath.Base(p), heading)
			}
		}
		if mandoc == "" {
			continue // the headings must do
		}
		if out, err := exec.CommandContext(t.Context(), mandoc, "-T", "lint", "-W", "error", p).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", filepath.Base(p), out)
		}
	}
}
