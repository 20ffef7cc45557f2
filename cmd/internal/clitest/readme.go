// README: what it tells people to type is understood.
package clitest

import (
	"os"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
)

// Readme shows that the program understands every command of README.md that begins with its name.
func Readme(t *testing.T, c cli.Cloud) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found, inside := 0, false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inside = !inside
			continue
		}
		words := strings.Fields(line)
		if !inside || len(words) == 0 || words[0] != c.Program {
			continue
		}
		found++
		if err := cli.Understand(t.Context(), c, words[1:]); err != nil {
			t.Errorf("README: %q: %v", line, err)
		}
	}
	if found == 0 {
		t.Errorf("README: got no command of %s, want the main job", c.Program)
	}
}
