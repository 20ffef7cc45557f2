// How many readers of hostile text are asked, where every second counts.

//go:build !soak

package handoff

// everyReader asks each shell of this machine, and formats that take a process for
// each reading about every text, instead of some.
const everyReader = false
