// Leaks: whatever happens to a process, and whatever it is told to log, nobody reads a secret.
package clitest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// chatty is every switch that makes a library of the program, or the runtime, say more.
var chatty = []string{
	"GODEBUG=http2debug=2", "GOTRACEBACK=all", "GOOGLE_SDK_GO_LOGGING_LEVEL=debug",
	"GRPC_GO_LOG_SEVERITY_LEVEL=info", "GRPC_GO_LOG_VERBOSITY_LEVEL=99",
	"AWS_SDK_LOAD_CONFIG=1", "AWS_DEBUG=true", "BOTO_DEBUG=1", "SSLKEYLOGFILE=keys.log", "DEBUG=*",
	"CLOUDSDK_CORE_VERBOSITY=debug", "CLOUDSDK_CORE_LOG_HTTP=true",
}

// plight is what a process has to go through.
type plight struct {
	Name string
	Do   deed
	At   []moment
	Env  []string
	JSON bool
	Ends func(result) bool // whether it ended as it should; nil: in any way
}

func plights() []plight {
	works := func(r result) bool { return r.Code == 0 }
	fails := func(r result) bool {
		return r.Code == 0 || (r.Code == 1 || r.Code == 10) && strings.Contains(r.Stderr, "internal error at ") && strings.Contains(r.Stderr, "hint: ")
	}
	dumps := func(r result) bool { return r.Code == 2 || r.Signal == syscall.SIGABRT }
	told := func(r result) bool {
		return r.Code == 0 || r.Code > 0 && r.Code != 130 && strings.Contains(r.Stderr, "error\":") || strings.Contains(r.Stderr, "grant: ")
	}
	shut := func(r result) bool {
		limit := regexp.MustCompile(`(?m)^Max core file size\s+0\s+0\s`)
		return r.Code == 0 && (!watched || !r.Report.Seen.Dumpable && limit.MatchString(r.Report.Seen.Proc["limits"]))
	}
	return []plight{
		{Name: "undisturbed, for machines", JSON: true, Ends: works},
		{Name: "panics", Do: panics, At: []moment{beforeCall, afterCall}, Env: []string{"GOTRACEBACK=all"}, Ends: fails},
		{Name: "connection breaks", Do: lose, At: []moment{afterCall, cutCall}, Ends: told},
		{Name: "connection breaks, for machines", Do: lose, At: []moment{afterCall}, JSON: true, Ends: told},
		{Name: "disk is full", Do: full, At: []moment{beforeStep}, Ends: told},
		{Name: "disk is full, for machines", Do: full, At: []moment{beforeStep}, JSON: true, Ends: told},
		{Name: "dumps its goroutines", Do: quit, At: []moment{afterCall, beforeStep}, Env: []string{"GOTRACEBACK=crash"}, Ends: dumps},
		{Name: "looked at", Do: look, At: []moment{afterCall}, Ends: shut},
	}
}

// leaks takes the program through every plight at every moment, and reads all that there is to read.
func (g *stage) leaks(t *testing.T) {
	t.Attr("suite", "L1")
	for n, v := range verbs() {
		w := g.wholes[v.Name]
		for i, pl := range plights() {
			if (n+i)%leakVerbs != 0 && v.Name != "apply" {
				continue
			}
			points := []point{{}}
			if len(pl.At) > 0 {
				points = w.points(pl.Do, leakEvery, pl.At...)
				points = points[min(i, len(points)-1):] // not the same moments for everything
			}
			for _, p := range points {
				t.Run(fmt.Sprintf("%s/%s %s", v.Name, pl.Name, p), func(t *testing.T) {
					t.Parallel()
					g.bed(t, g.scenes[v.In]).suffers(v, pl, p)
				})
			}
		}
		if n%leakVerbs != 0 {
			continue
		}
		t.Run(v.Name+"/over the Internet, with every switch on", func(t *testing.T) {
			t.Parallel()
			from := g.scenes[v.In]
			from.secure = true
			b := g.bed(t, from)
			if r := b.with(chatty, point{}, v.Args...); r.Code != 0 {
				t.Errorf("got exit code %d, want 0\n%s", r.Code, r.Stderr)
			}
			b.hunt()
		})
	}
}

// suffers runs a verb through a plight, and hunts.
func (b *bed) suffers(v verb, pl plight, p point) {
	b.Helper()
	args := v.Args
	if pl.JSON {
		args = append(slices.Clone(args), "--json")
	}
	r := b.with(pl.Env, p, args...)
	if pl.Ends != nil && !pl.Ends(r) {
		b.Errorf("got exit code %d, want another end or another word of it\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	for _, name := range names(b.T, b.home) {
		if strings.HasPrefix(name, "core") || strings.HasSuffix(name, ".log") {
			b.Errorf("got the file %q, want no dump and no log", name)
		}
	}
	b.hunt()
}

// planted shows that the hunt sees a leak in each place in which there can be one.
func (g *stage) planted(t *testing.T) {
	t.Attr("suite", "L1")
	v := verbs()[0]
	b := g.bed(t, g.scenes[v.In])
	told := func(where string) {
		t.Helper()
		if !slices.ContainsFunc(b.leaks(), func(leak string) bool { return strings.HasPrefix(leak, where) }) {
			t.Errorf("a secret in %s: got no word of it, want one", where)
		}
	}
	b.run(point{afterCall, 1, blab}, v.Args...)
	told("standard output")
	told("standard error")
	told("file " + b.home)

	b = g.bed(t, g.scenes[v.In])
	b.with([]string{"SECRET=" + canaryOfPanics}, point{afterCall, 1, look}, append(slices.Clone(v.Args), "--name", canaryOfPanics)...)
	told("/proc/PID/cmdline")
	told("/proc/PID/environ")
	told("file " + b.home) // the journal is called like the grant

	b = g.bed(t, g.scenes[v.In])
	if b.run(point{}, v.Args...); len(b.heard) == 0 {
		t.Error("got no secret from the cloud, want that of a key")
	}
	for _, secret := range append(b.heard, b.fake.Operator) {
		b.said = []text{{"what the cloud said", string(secret)}}
		told("what the cloud said")
	}
}
