// How many hostile places are tried, where there is time.

//go:build soak

package cli

// everyMask tries each umask with each trap, instead of one in turn.
const everyMask = true
