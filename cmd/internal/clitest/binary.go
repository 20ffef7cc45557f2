// Binary: what the program weighs, and what must not be in it.
package clitest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
)

// tags are the build tags of the product. Without them the storage client
// brings gRPC's tracing, and with it half of the standard library's templates.
const tags = "disable_grpc_modules,grpcnotrace"

// Binary builds the program in the current directory as users get it, and holds
// it to a size in MiB.
func Binary(t *testing.T, c cli.Cloud, most int64) {
	path := filepath.Join(t.TempDir(), c.Program)
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", tags, "-ldflags=-s -w", "-o", path, ".") //nolint:gosec // in the test's own directory
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(path) //nolint:gosec // in the test's own directory
	if err != nil {
		t.Fatal(err)
	}
	if size := int64(len(data)); size > most<<20 {
		t.Errorf("%s: got %.1f MiB, want at most %d", c.Program, float64(size)/(1<<20), most)
	}
	for _, function := range []string{"text/template.(*Template).Execute", "testing.tRunner"} {
		if bytes.Contains(data, []byte(function)) {
			t.Errorf("%s: got %s in it, want a program without it", c.Program, function)
		}
	}
}
