// How many hostile places are tried, where every second counts.

//go:build !soak

package cli

// everyMask tries each umask with each trap, instead of one in turn.
const everyMask = false
