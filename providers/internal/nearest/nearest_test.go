// The distances that suggestions rest on.
package nearest

import "testing"

func TestDistanceCountsLetters(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"get", "", 3}, {"", "get", 3}, {"get", "get", 0}, {"object", "objects", 1}, {"gte", "get", 2}, {"write", "create", 3},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: got %d, want %d", c.a, c.b, got, c.want)
		}
		if got := Distance(c.b, c.a); got != c.want {
			t.Errorf("%q to %q: got %d, want %d as the other way round", c.b, c.a, got, c.want)
		}
	}
}
