// The keys of a cloud that does not exist: all different, all sound, and cheap.
package fakegcp

import (
	"testing"
)

func TestNoTwoKeysOfAPoolAreAlikeAndAllAreSound(t *testing.T) {
	seen := map[string]int{}
	var pool rsaPool
	for n := range ownPrimes + 300 {
		k := pool.take(n)
		if err := k.Validate(); err != nil || k.N.BitLen() != 2048 {
			t.Fatalf("key %d: %d bits, %v; want 2048 and sound", n, k.N.BitLen(), err)
		}
		if first, again := seen[k.N.String()]; again {
			t.Fatalf("keys %d and %d are the same", first, n)
		}
		seen[k.N.String()] = n
	}
}
