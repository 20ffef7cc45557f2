//go:build !conformance

// Effort: how many worlds the discovery documents judge at every change.
package gcs

const oneWorldIn = 8
