// The slow half of effort: make mutants breaks everything.

//go:build mutants

package mutants

const full = true
