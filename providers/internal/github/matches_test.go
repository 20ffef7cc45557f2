// Promises about patterns.
package github

import "testing"

func TestPatternMatchesWhatACloudWouldLetIn(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"main", "main", true}, {"main", "main2", false}, {"main", "", false}, {"", "", true},
		{"*", "", true}, {"*", "a/b", true},
		{"release/*", "release/1.x", true}, {"release/*", "other-release/1.x", false}, {"release/*", "release", false},
		{"*/x", "a/b/x", true}, {"*/x", "a/xx", false},
		{"a*b*c", "abc", true}, {"a*b*c", "a-b-b-c", true}, {"a*b*c", "acb", false}, {"a*bb", "ab", false}, {"a*a", "a", false},
		{"v?", "v1", true}, {"v?", "v", false}, {"v?", "v10", false}, {"v?*", "v10", true}, {"?", "ü", true},
	} {
		if got := Matches(c.pattern, c.text); got != c.want {
			t.Errorf("%q and %q: got %t, want %t", c.pattern, c.text, got, c.want)
		}
	}
}
