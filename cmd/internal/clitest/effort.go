//go:build !soak

// Effort: which part of the moments of a process is tried with every change.
package clitest

const (
	killEvery   = 150
	signalEvery = 150
	leakEvery   = 120
	leakVerbs   = 6 // one verb in so many, and apply, goes through each plight
)
