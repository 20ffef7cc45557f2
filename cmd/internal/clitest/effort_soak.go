//go:build soak

// Effort: a good part of the moments of a process, where there is time.
package clitest

const (
	killEvery   = 4
	signalEvery = 20
	leakEvery   = 20
	leakVerbs   = 1
)
