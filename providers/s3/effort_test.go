//go:build !soak

// Effort: how much chance is given to random tests at every change.
package s3_test

const (
	randomGrants = 300 // judged in all
	everyAction  = false
)
