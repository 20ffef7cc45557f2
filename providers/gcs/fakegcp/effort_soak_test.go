//go:build soak

// Effort: how much chance is given to random tests when there is time.
package fakegcp_test

const randomGrants = 14_000 // judged in all
