//go:build !soak

// Effort: how much chance is given to random tests at every change.
package fakegcp_test

const randomGrants = 800 // judged in all
