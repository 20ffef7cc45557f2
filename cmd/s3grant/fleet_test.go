// Fleets: two hundred sites in the time that a person is willing to watch.
package main

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
	"github.com/bucketgrant/bucketgrant/providers/s3"
)

// slow is the sandbox with that much time for every call.
func slow(latency time.Duration) cli.Cloud {
	c := cloud()
	c.Sandbox = func(snapshot []byte) (cli.Sandbox, error) {
		s, err := s3.OpenSandbox(snapshot)
		if err == nil {
			s.Transport().Latency = latency
		}
		return s, err
	}
	return c
}

func TestTwoHundredSitesAreDoneWithinTenSeconds(t *testing.T) {
	const sites, latency, most = 200, 50 * time.Millisecond, 10 * time.Second
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var file strings.Builder
	fmt.Fprintf(&file, "profile: site-backup\nbucket: acme-backups\nregion: eu-west-1\nto: %s\nout: %s\ngrants:\n", id.Recipient(), filepath.Join(dir, "sealed"))
	for i := range sites {
		fmt.Fprintf(&file, "  - site-%03d.example\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "sites.yaml"), []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	real := time.Now()
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		start := time.Now()
		code := cli.Run(context.Background(), slow(latency), cli.Env{
			Args: []string{"apply", "--sandbox", "-f", "sites.yaml", "--yes"}, Dir: dir,
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
		})
		took := time.Since(start)
		if code != 0 || !strings.Contains(out.String(), fmt.Sprintf("%d of %d grants", sites, sites)) || took > most {
			t.Errorf("exit %d after %s, want 0 within %s\n%s\n%s", code, took, most, tail(out.String()), tail(errs.String()))
		}
		t.Logf("%d sites at %s a call: %s", sites, latency, took)
	})
	t.Logf("computing: %s", time.Since(real))
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
