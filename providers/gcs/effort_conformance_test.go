//go:build conformance

package gcs

const oneWorldIn = 1
