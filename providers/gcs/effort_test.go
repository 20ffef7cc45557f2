//go:build !conformance

package gcs

// oneWorldIn so many is judged by the discovery documents where time is short.
const oneWorldIn = 8
