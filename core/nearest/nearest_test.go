// What is a slip of the fingers, and what is another word.
package nearest

import (
	"strings"
	"testing"
)

func TestASlipOfTheFingersIsRecognised(t *testing.T) {
	known := []string{"apply", "plan", "bucket", "event-dump", "clickhouse"}
	for typed, want := range map[string]string{
		"aply": "apply", "paln": "plan", "buckt": "bucket", "event_dump": "event-dump", "clikchouse": "clickhouse",
		"": "", "x": "", "destroy": "", "mysql": "", "\x1b[31m": "", strings.Repeat("plan", 20): "",
	} {
		if got := Word(typed, known); got != want {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
}
