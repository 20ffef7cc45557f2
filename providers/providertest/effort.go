// Effort: how much is tried at every change of this code.

//go:build !soak

package providertest

// soak is whether everything is tried, rather than something of every kind.
const soak = false
