//go:build !linux

// Core dumps are left to the system's own settings here.
package cli

func limitCore() {}
