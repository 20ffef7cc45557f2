// Seam: the program with its cloud behind a wire, at any moment of which it can come to grief.
package clitest

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/core"
)

// Fake is a cloud in the test's own process, where what it does survives the program.
type Fake struct {
	Handler  http.Handler
	Writes   func(*http.Request) bool // whether a success changes anything
	Snapshot func() ([]byte, error)
	Operator []byte         // the operator's credential, in the words of [Seam.Connect]
	Secret   *regexp.Regexp // whose group is secret in an answer or a request
}

// Seam is a program whose cloud is a [Fake].
type Seam struct {
	Cloud cli.Cloud

	// Open continues the cloud of a snapshot; nil is a fresh one.
	Open func(snapshot []byte) (Fake, error)

	// Connect is the provider of an operator beyond a wire.
	Connect func(wire http.RoundTripper, operator []byte) core.Provider
}

// seamFile names the variable that leads a process of the program to its orders.
const seamFile = "BUCKETGRANT_TEST_SEAM"

// orders are what a test tells one process of the program.
type orders struct {
	Address  string // where the cloud is
	Operator []byte
	TLS      bool // as over the Internet: TLS and HTTP/2
	Point    point
	Report   string // the file for a [report]
}

// report is what a process counted that came to its end.
type report struct {
	Calls int // to the cloud
	Steps int // on the disk, where they can be counted
	Seen  facts
}

// facts are what a process finds out about itself at its point.
type facts struct {
	Dumpable bool
	Proc     map[string]string // files of /proc/self
}

// Program is the program as its tests run it, and returns its exit code: with its
// cloud beyond a wire if a test says so, else as it is.
func Program(s Seam) int {
	path := os.Getenv(seamFile)
	if path == "" {
		return cli.Main(s.Cloud)
	}
	var o orders
	data, err := os.ReadFile(path) //nolint:gosec // the test's own file
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	if err != nil {
		panic(err)
	}
	p := &peril{point: o.Point}
	if err := p.watchDisk(); err != nil {
		panic(err)
	}
	code := cli.Main(s.through(newWire(o.Address, o.TLS, p), o.Operator))
	if data, err = json.Marshal(p.report()); err == nil {
		err = os.WriteFile(o.Report, data, 0o600)
	}
	if err != nil {
		panic(err)
	}
	return code
}

// through is the program's cloud with a sandbox that is beyond a wire.
func (s Seam) through(wire http.RoundTripper, operator []byte) cli.Cloud {
	c := s.Cloud
	c.Sandbox = func([]byte) (cli.Sandbox, error) { return remote{provider: s.Connect(wire, operator)}, nil }
	return c
}

// remote is a sandbox that lives elsewhere, so that nothing of it is kept here.
type remote struct {
	cli.Sandbox
	provider core.Provider
}

func (r remote) Provider() core.Provider { return r.provider }
