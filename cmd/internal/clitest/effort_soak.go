//go:build soak

// Effort: every moment of a process is its last, and many are those of something else.
package clitest

const (
	killEvery   = 1
	signalEvery = 8
	leakEvery   = 20
	leakVerbs   = 1
)
