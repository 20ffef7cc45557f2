// README: what it tells people to type is understood, and would work.
package clitest

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
)

// Readme shows that the program understands every command of README.md that
// begins with its name, and that every access in it can be planned on a sandbox.
func Readme(t *testing.T, c cli.Cloud) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	found, planned, inside := 0, 0, false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inside = !inside
			continue
		}
		words := strings.Fields(line)
		if !inside || len(words) < 2 || words[0] != c.Program {
			continue
		}
		found++
		if err := cli.Understand(t.Context(), c, words[1:]); err != nil {
			t.Errorf("README: %q: %v", line, err)
			continue
		}
		args, wants := planOf(words[1:], id.Recipient().String()), "SANDBOX"
		if words[1] == "explain" {
			args, wants = words[1:], ""
		}
		if args == nil {
			continue
		}
		planned++
		var out, errout bytes.Buffer
		env := cli.Env{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errout, Dir: t.TempDir(), Getenv: func(string) string { return "" }}
		if code := cli.Run(t.Context(), c, env); code != 0 || out.Len() == 0 || !strings.Contains(out.String(), wants) {
			t.Errorf("README: %q: got %d %s, want it to work", line, code, errout.String())
		}
	}
	if found == 0 || planned == 0 {
		t.Errorf("README: got %d commands of %s and %d plans, want the main job", found, c.Program, planned)
	}
}

// planOf is the command that plans on a sandbox what args would make; nil if they
// make nothing, or need a file.
func planOf(args []string, recipient string) []string {
	if args[0] != "plan" && args[0] != "apply" || slices.Contains(args, "-f") || len(args) < 2 || !strings.HasPrefix(args[1], "-") {
		return nil
	}
	line := []string{"plan", "--sandbox"}
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "--out", "--parallel":
			i++ // of apply, or another thing of plan
		case "age1…":
			line = append(line, recipient)
		default:
			line = append(line, args[i])
		}
	}
	return line
}
