//go:build bench

// The wire: a proxy in front of a sandbox that delays every call and notes when it began and ended.
package bench

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/cmd/internal/clitest"
)

// wire is the way to the sandbox.
type wire struct {
	served *clitest.Served
	url    string

	mu      sync.Mutex
	latency time.Duration
	calls   []span
}

type span struct{ from, to time.Time }

func newWire(t *testing.T, program string) *wire {
	t.Helper()
	w := &wire{served: clitest.NewServed(t, program)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: w.served.Address})
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		began := time.Now()
		w.mu.Lock()
		latency := w.latency
		w.mu.Unlock()
		time.Sleep(latency)
		proxy.ServeHTTP(out, r)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls = append(w.calls, span{began, time.Now()})
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// row is one line of the table.
type row struct {
	who, what string
	latency   time.Duration
	calls     int
	depth     int // the longest row of calls of which none overlaps another
	wall, cpu time.Duration
	memory    int64 // bytes, of the largest process
}

// run runs a command and measures it. All processes that it starts count.
func (w *wire) run(t *testing.T, who, what string, latency time.Duration, args []string) row {
	t.Helper()
	w.mu.Lock()
	w.latency, w.calls = latency, nil
	w.mu.Unlock()
	c := exec.CommandContext(context.WithoutCancel(t.Context()), args[0], args[1:]...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER="}
	for _, e := range w.served.Env {
		c.Env = append(c.Env, strings.ReplaceAll(e, "http://"+w.served.Address, w.url))
	}
	var said bytes.Buffer
	c.Stderr = &said
	began := time.Now()
	if err := c.Run(); err != nil {
		t.Fatalf("%s, %s: %v\n%.2000s", who, what, err, said.String())
	}
	r := row{who: who, what: what, latency: latency, wall: time.Since(began), cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.memory = u.Maxrss << 10
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.calls, r.depth = len(w.calls), depth(w.calls)
	return r
}

// depth is how many calls followed each other.
func depth(calls []span) (n int) {
	slices.SortFunc(calls, func(a, b span) int { return a.to.Compare(b.to) })
	var last time.Time
	for _, c := range calls {
		if !c.from.Before(last) {
			n, last = n+1, c.to
		}
	}
	return n
}
