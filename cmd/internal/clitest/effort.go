//go:build !soak

// Effort: how many of the moments of a process are tried with every change.
package clitest

const (
	killEvery   = 12
	signalEvery = 12
	leakEvery   = 40
)
