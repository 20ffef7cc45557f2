// How much of what can befall a disk is tried, where there is time.

//go:build soak

package disktest

// EveryFault asks for each cause of each failure, once and for ever, instead of one of them.
const EveryFault = true
