//go:build !soak

// Effort: how much chance is given to random tests at every change.
package s3_test

const (
	randomGrants = 200 // judged in all
	everyAction  = false
)
