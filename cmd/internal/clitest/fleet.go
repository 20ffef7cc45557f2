// Fleets: how long many sites take where every call takes its time.
package clitest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/core"
)

// Fleet applies a file of that many sites, whose plugins hold such credentials, in the sandbox of c, in virtual time,
// and wants all of them done within most. What the machine computes is not in
// it; the time of every call is.
func Fleet(t *testing.T, c cli.Cloud, who core.Who, sites int, most time.Duration) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var file strings.Builder
	fmt.Fprintf(&file, "profile: site-backup\nwho: %s\nbucket: acme-backups\nto: %s\nout: %s\n", who, id.Recipient(), filepath.Join(dir, "sealed"))
	w := world{c, c.Connect(core.Connection{}).Info()}
	required := w.required()
	for i := 0; i < len(required); i += 2 {
		fmt.Fprintf(&file, "%s: %s\n", strings.TrimPrefix(required[i], "--"), required[i+1])
	}
	file.WriteString("grants:\n")
	for i := range sites {
		fmt.Fprintf(&file, "  - site-%03d.example\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "sites.yaml"), []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		start := time.Now()
		code := cli.Run(context.Background(), c, cli.Env{
			Args: []string{"apply", "--sandbox", "-f", "sites.yaml", "--yes"}, Dir: dir,
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
		})
		took := time.Since(start)
		if code != 0 || !strings.Contains(out.String(), fmt.Sprintf("%d of %d grants", sites, sites)) || took > most {
			t.Errorf("exit %d after %s, want 0 within %s\n%s\n%s", code, took, most, tail(out.String()), tail(errs.String()))
		}
		t.Logf("%d sites: %s", sites, took)
	})
	t.Logf("computing: %s", time.Since(began))
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
