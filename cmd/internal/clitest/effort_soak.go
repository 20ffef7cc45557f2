//go:build soak

// Effort: every moment of a process is tried.
package clitest

const (
	killEvery   = 1
	signalEvery = 1
	leakEvery   = 10
)
