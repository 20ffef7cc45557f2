// Effort: how much is tried where there is time for it.

//go:build soak

package providertest

// soak is whether everything is tried, rather than something of every kind.
const soak = true
