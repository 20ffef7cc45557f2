//go:build !conformance

package s3

import (
	"net/http"
	"testing"
)

// judged is the cloud as it is: AWS's models come with another language's clients,
// which only make conformance installs.
func judged(_ *testing.T, cloud http.Handler) http.Handler { return cloud }

func traffics(*testing.T) {}
