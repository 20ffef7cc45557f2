// Lives: stories over which months pass, told in virtual time.
package clitest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/core"
)

// lives is where the stories with virtual time are, seen from cmd/PROGRAM.
const lives = scripts + "/life"

// Lives runs every story of a life. The program runs in the test's own process, in
// which a story can let time go by: later 90d.
func Lives(t *testing.T, c cli.Cloud) {
	told(t, lives)
	stories, err := filepath.Glob(filepath.Join(lives, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	w := world{c, c.Connect(core.Connection{}).Info()}
	for _, story := range stories {
		t.Run(strings.TrimSuffix(filepath.Base(story), ".txtar"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := w.params("", w.inside)
				p.Files = []string{story}
				p.Cmds["later"], p.Cmds["certificate"] = later, certificate
				testscript.RunT(bubble{t}, p)
			})
		})
	}
}

// bubble is a test whose parts run one after the other in its own time.
type bubble struct{ *testing.T }

// Run implements [testscript.T].
func (b bubble) Run(_ string, f func(testscript.T)) { f(b) }

// Parallel implements [testscript.T].
func (bubble) Parallel() {}

// Verbose implements [testscript.T].
func (bubble) Verbose() bool { return testing.Verbose() }

// inside runs the program in this process.
func (w world) inside(ts *testscript.TestScript, line []string) int {
	var out, conversation bytes.Buffer
	code := cli.Run(context.Background(), w.cloud, cli.Env{
		Args: line, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &conversation, Getenv: ts.Getenv, Dir: ts.MkAbs("."),
	})
	_, err := ts.Stdout().Write(out.Bytes())
	ts.Check(err)
	_, err = ts.Stderr().Write(conversation.Bytes())
	ts.Check(err)
	return code
}

// later lets time go by: later 36h, later 90d.
func later(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: later TIME")
	}
	text, isDays := strings.CutSuffix(args[0], "d")
	if isDays {
		text += "h"
	}
	d, err := time.ParseDuration(text)
	ts.Check(err)
	if isDays {
		d *= 24
	}
	time.Sleep(d)
}

// certificate makes a certificate for a year, as a grantee with a key pair of its own
// would: certificate FILE.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certificate FILE")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "unused"}, NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
}
