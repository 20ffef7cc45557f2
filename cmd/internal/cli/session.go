// Session: the cloud, real or inside the program, and the journal of one grant.
package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
	"github.com/bucketgrant/bucketgrant/core/journal"
)

// session is one run against one cloud.
type session struct {
	app      *app
	provider core.Provider
	sandbox  Sandbox // nil for the real cloud
	file     string  // where the sandbox lives; "" in memory
	loaded   []byte  // the sandbox as it was at first
	closers  []func() error
}

// connect returns the cloud that the global flags choose. It makes no call.
func (a *app) connect() (*session, error) { return a.connectFrom(false) }

// connectFrom is connect for a run that may be where the grantee runs.
func (a *app) connectFrom(inside bool) (*session, error) {
	s := &session{app: a}
	if !a.global.Sandbox && a.global.SandboxFile == "" {
		s.provider = a.cloud.Connect(core.Connection{AllowEndpoint: a.global.AllowEndpoint, Inside: inside})
		return s, nil
	}
	var snapshot []byte
	if a.global.SandboxFile != "" {
		if err := a.inDirectory("sandbox-file", a.global.SandboxFile).Err(); err != nil {
			return nil, err
		}
		file := a.env.path(a.global.SandboxFile)
		if err := s.lock(file); err != nil {
			return nil, err
		}
		var err error
		if snapshot, err = a.readSandbox(file); err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.file = file
	}
	var err error
	if s.sandbox, err = a.cloud.Sandbox(snapshot); err != nil {
		s.file = ""
		return nil, errors.Join(core.Faults{{Field: "sandbox-file", Value: a.global.SandboxFile, Rule: "is damaged: " + err.Error(), Accepts: "a file that --sandbox-file has written"}}, s.close())
	}
	if s.file != "" {
		if s.loaded, err = s.sandbox.Snapshot(); err != nil {
			s.file = ""
			return nil, errors.Join(fmt.Errorf("sandbox: %w", err), s.close())
		}
	}
	s.provider = hasty{s.sandbox.Provider()}
	return s, nil
}

// sandboxFile is a sandbox in a file. It says whose it is: another cloud would
// take its state for its own.
type sandboxFile struct {
	Of    string          `json:"sandbox_of"` // [core.Info.Name]
	State json.RawMessage `json:"state"`
}

// mostSandbox is more than a sandbox holds; it is kept in memory.
const mostSandbox = 1 << 30

// readSandbox returns the state in a sandbox's file, nil if there is no file yet.
func (a *app) readSandbox(path string) ([]byte, error) {
	refuse := func(rule string) ([]byte, error) {
		return nil, core.Faults{{Field: "sandbox-file", Value: a.global.SandboxFile, Rule: rule, Accepts: "a file that " + a.cloud.Program + " --sandbox-file has written, or one that does not exist yet"}}
	}
	raw, err := handoff.ReadSmall(path, mostSandbox)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return refuse("cannot be read: " + cause(err))
	}
	var f sandboxFile
	if json.Unmarshal(raw, &f) != nil || f.Of == "" || len(f.State) == 0 {
		return refuse("is not a sandbox")
	}
	if f.Of != a.info.Name {
		return refuse(fmt.Sprintf("is a sandbox of the cloud %q", f.Of))
	}
	return f.State, nil
}

// hasty is the provider of a sandbox, where a change that is not seen at once is never seen.
type hasty struct{ core.Provider }

// sandboxSettles is how long a proof in a sandbox waits for a change.
const sandboxSettles = 2 * time.Second

// Info implements [core.Provider].
func (h hasty) Info() core.Info {
	i := h.Provider.Info()
	i.Settle = min(i.Settle, sandboxSettles)
	return i
}

// Unwrap gives the provider that has the further powers, see [core.Power].
func (h hasty) Unwrap() core.Provider { return h.Provider }

// lock keeps other commands from the sandbox's file, which is read at the
// beginning and written at the end.
func (s *session) lock(file string) error {
	unlock, err := handoff.Lock(file + ".lock")
	if err != nil {
		return fmt.Errorf("sandbox file %q: %s", s.app.global.SandboxFile, cause(err))
	}
	if unlock == nil {
		return &core.Error{Kind: core.ErrLocked, What: fmt.Sprintf("sandbox file %q", s.app.global.SandboxFile)}
	}
	s.closers = append(s.closers, unlock)
	return nil
}

// close saves the sandbox and releases what the session holds, the lock last.
func (s *session) close() error {
	err := s.save()
	for _, f := range slices.Backward(s.closers) {
		err = join(err, f())
	}
	return err
}

// save writes the sandbox to its file, whole or not at all, if it has changed.
func (s *session) save() error {
	if s.file == "" {
		return nil
	}
	snapshot, err := s.sandbox.Snapshot()
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if bytes.Equal(snapshot, s.loaded) {
		return nil
	}
	data, err := json.Marshal(sandboxFile{Of: s.app.info.Name, State: snapshot})
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := handoff.Replace(s.file, data, 0o600); err != nil {
		return fmt.Errorf("sandbox file %q: %s", s.app.global.SandboxFile, cause(err))
	}
	return nil
}

// access says what a run does with the journal.
type access int

const (
	reading access = iota // looks at what earlier runs left; makes no file and takes no lock
	writing               // records intents and holds the lock
)

// sandboxPace is the pace of a proof in a sandbox, whose one endpoint knows everything at once.
const sandboxPace = 20 * time.Millisecond

// bare returns an engine that writes nothing and so needs no journal.
func (s *session) bare(observe func(core.Event)) *core.Engine {
	e := &core.Engine{Provider: s.provider, RunID: newRunID(), Host: host(), Observe: observe}
	if s.sandbox != nil {
		e.Pace = sandboxPace
	}
	return e
}

// ripe is how long a credential may need that is not fresh any more.
const ripe = 30 * time.Second

// trying returns an engine that tries a credential which was issued earlier.
func (s *session) trying(observe func(core.Event)) *core.Engine {
	e := s.bare(observe)
	e.Patience = min(ripe, s.provider.Info().Settle)
	return e
}

// engine returns the engine over the journal of the grant with that name.
func (s *session) engine(grant, journalDir string, how access, observe func(core.Event)) (*core.Engine, error) {
	e, closer, err := s.opened(grant, journalDir, how, observe)
	if closer != nil {
		s.closers = append(s.closers, closer)
	}
	return e, err
}

// opened is the same, to be closed by the caller; closer is nil if there is nothing to close.
func (s *session) opened(grant, journalDir string, how access, observe func(core.Event)) (e *core.Engine, closer func() error, err error) {
	e = s.bare(observe)
	dir, err := s.journalDir(journalDir)
	if err != nil {
		return nil, nil, err
	}
	if dir == "" {
		e.Journal = journal.Memory()
		return e, nil, nil
	}
	if how == reading {
		e.Journal, err = journal.Read(dir, grant)
		return e, nil, err
	}
	file, err := journal.Open(dir, grant, who(s.app.cloud.Program))
	if err != nil {
		return nil, nil, err
	}
	e.Journal = file
	return e, file.Close, nil
}

// journalDir is where journals are: beside a sandbox's file, else where the
// user keeps the state of programs. "" means in memory.
func (s *session) journalDir(chosen string) (string, error) {
	env := s.app.env
	switch {
	case chosen != "":
		return env.path(chosen), nil
	case s.sandbox != nil && s.file == "":
		return "", nil
	case s.sandbox != nil:
		return s.file + ".journal", nil
	}
	state := env.Getenv("XDG_STATE_HOME") // https://specifications.freedesktop.org/basedir-spec/latest/
	if !filepath.IsAbs(state) {
		home := env.Getenv("HOME")
		if home == "" {
			return "", usageError(errors.New("there is no home directory for the journal"), "give --journal DIR, or set HOME or XDG_STATE_HOME")
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "bucketgrant", s.app.info.Name), nil
}

// newRunID is unique, short, and usable as a part of an object's key.
func newRunID() string { return strings.ToLower(rand.Text()[:12]) }

// who names this run to others that find the lock.
func who(program string) string {
	return fmt.Sprintf("%s (process %d on %s)", program, os.Getpid(), host())
}

// host names this machine to people on others.
func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown host"
	}
	return name
}

// planned makes the plan of g while saying that this takes a while.
func (a *app) planned(ctx context.Context, e *core.Engine, g core.Grant, want core.Want) (*core.Plan, error) {
	return a.reading(func() (*core.Plan, error) { return e.Plan(ctx, g, want) })
}
