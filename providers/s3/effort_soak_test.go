//go:build soak

// Effort: how much chance is given to random tests when there is time.
package s3_test

const (
	randomGrants = 6_000 // judged in all
	everyAction  = true
)
