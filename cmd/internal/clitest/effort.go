//go:build !soak

// Effort: which part of the moments of a process is tried with every change.
package clitest

const (
	killEvery   = 80
	signalEvery = 80
	leakEvery   = 60
	leakVerbs   = 6 // one verb in so many, and apply, goes through each plight
)
