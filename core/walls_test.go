// The walls: who must never reach whom, and why. A breach prints the reason.
package core_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/bucketgrant/bucketgrant/"

// sdk is what speaks to a cloud.
func sdk() []string {
	return []string{"github.com/aws", "cloud.google.com", "google.golang.org", "golang.org/x/oauth2"}
}

// wall forbids imports. Folders are patterns of [path.Match] below the root of
// the repository, "…/**" for all that is below; imports are prefixes, those of
// this module without its name.
type wall struct {
	from   string   // the folders that the wall stands around
	but    []string // folders among them that it lets out
	never  []string
	unless []string
	why    string
}

func walls() []wall {
	ours := []string{"core", "cmd", "providers"}
	return []wall{
		{from: "core/**", never: append([]string{"providers", "cmd"}, sdk()...), why: "the base speaks no cloud"},
		{from: "core", never: []string{"net", "os", "flag", "io/fs", "syscall", "core/handoff", "core/journal", "core/profile", "core/internal"}, unless: []string{"net/netip"}, why: "decisions make no calls; only journal, handoff and profile touch a disk"},
		{from: "providers/**", never: []string{"cmd", "core/handoff", "core/journal", "core/profile", "core/internal"}, why: "a cloud never learns where a secret goes"},
		{from: "providers/*/fake*", never: append(ours, sdk()...), unless: []string{"providers/internal/cloudsim"}, why: "witnesses do not rehearse together"},
		{from: "providers/internal/**", never: append(ours, sdk()...), why: "what the fakes share knows neither core nor a cloud"},
		{from: "providers/providertest/**", never: append([]string{"providers"}, sdk()...), unless: []string{"providers/internal/cloudsim", "providers/providertest"}, why: "the judge knows no party"},
		{from: "cmd/internal/**", never: append([]string{"providers"}, sdk()...), why: "no cloud noun in the CLI; nouns come from Info"},
		{from: "**", but: []string{"providers/providertest/**", "cmd/internal/clitest"}, never: []string{"testing", "core/leak", "providers/providertest", "cmd/internal/clitest", "core/disktest"}, why: "the product does not carry its judge"},
	}
}

// file is one parsed Go file of the product, not of a test.
type file struct {
	dir, name string // slashes, below the root
	syntax    *ast.File
	set       *token.FileSet
}

func (f file) imports() []string {
	var list []string
	for _, i := range f.syntax.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		list = append(list, strings.TrimPrefix(p, module))
	}
	return list
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// goFiles parses every Go file of the repository; tests only if they are asked for.
func goFiles(t *testing.T, tests bool) []file {
	t.Helper()
	var files []file
	top := root(t)
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != top || d.Name() == "testdata" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") && !tests:
			return nil
		}
		rel, err := filepath.Rel(top, p)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		files = append(files, file{path.Dir(rel), rel, syntax, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// stands reports whether a folder matches a pattern.
func stands(pattern, dir string) bool {
	if above, all := strings.CutSuffix(pattern, "**"); all {
		above = strings.TrimSuffix(above, "/")
		return above == "" || dir == above || strings.HasPrefix(dir, above+"/")
	}
	ok, _ := path.Match(pattern, dir)
	return ok
}

// below reports whether an import is one of the prefixes, whole parts only.
func below(imported string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return imported == p || strings.HasPrefix(imported, strings.TrimSuffix(p, "/")+"/")
	})
}

func TestNobodyReachesThroughAWall(t *testing.T) {
	files := goFiles(t, false)
	for _, w := range walls() {
		subjects := 0
		for _, f := range files {
			if !stands(w.from, f.dir) || slices.ContainsFunc(w.but, func(out string) bool { return stands(out, f.dir) }) {
				continue
			}
			subjects++
			for _, i := range f.imports() {
				if below(i, w.never) && !below(i, w.unless) {
					t.Errorf("%s imports %s: %s", f.name, i, w.why)
				}
			}
		}
		if subjects == 0 {
			t.Errorf("a wall stands around nothing: no Go file in %s (%s)", w.from, w.why)
		}
	}
}

func TestNoPillarLeansOnAnother(t *testing.T) {
	for _, f := range goFiles(t, true) {
		parts := strings.Split(f.dir, "/")
		if parts[0] != "providers" || len(parts) < 2 {
			continue
		}
		for _, i := range f.imports() {
			other := strings.Split(i, "/")
			if other[0] == "providers" && len(other) > 1 && !slices.Contains([]string{parts[1], "internal", "providertest"}, other[1]) {
				t.Errorf("%s imports %s: a pillar leans on no pillar; what two need moves to providers/internal", f.name, i)
			}
		}
	}
}

func TestOneProgramOneCloud(t *testing.T) {
	clouds := map[string][]string{}
	for _, f := range goFiles(t, false) {
		parts := strings.Split(f.dir, "/")
		if parts[0] != "cmd" || len(parts) < 2 || parts[1] == "internal" {
			continue
		}
		for _, i := range f.imports() {
			if strings.HasPrefix(i, "providers/") && !slices.Contains(clouds[parts[1]], i) {
				clouds[parts[1]] = append(clouds[parts[1]], i)
			}
		}
	}
	for program, list := range clouds {
		if len(list) != 1 {
			t.Errorf("cmd/%s links %q: one program, one cloud; the other cloud's code is not linked", program, list)
		}
	}
	for _, p := range pillars(t) {
		if !slices.ContainsFunc(slices.Collect(maps.Values(clouds)), func(list []string) bool { return slices.Contains(list, "providers/"+p) }) {
			t.Errorf("providers/%s has no program in cmd: a cloud that nobody can call", p)
		}
	}
}

// selected calls see for every selector x.Sel in f.
func selected(f file, see func(x, sel string, at token.Position)) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			x := ""
			if id, ok := s.X.(*ast.Ident); ok {
				x = id.Name
			}
			see(x, s.Sel.Name, f.set.Position(s.Pos()))
		}
		return true
	})
}

func TestSecretsHaveTwoReaders(t *testing.T) {
	readers := map[string]bool{}
	for _, f := range goFiles(t, false) {
		actor, _ := path.Match("providers/*/actor.go", f.name)
		may := actor || f.dir == "core/handoff" || f.name == "core/secret.go" || stands("providers/providertest/**", f.dir)
		selected(f, func(_, sel string, at token.Position) {
			if sel != "Reveal" {
				return
			}
			readers[f.dir] = true
			if !may {
				t.Errorf("%s:%d reads a secret: only the hand-off and the actors do, and the judge that hunts for leaks", f.name, at.Line)
			}
		})
	}
	if !readers["core/handoff"] {
		t.Error("nobody in core/handoff reads a secret: is Reveal still its name?")
	}
}

func TestOnlyMainEndsTheProcess(t *testing.T) {
	for _, f := range goFiles(t, false) {
		if f.syntax.Name.Name == "main" && path.Base(f.name) == "main.go" && stands("cmd/**", f.dir) {
			continue
		}
		selected(f, func(x, sel string, at token.Position) {
			if x == "os" && sel == "Exit" || x == "log" && (strings.HasPrefix(sel, "Fatal") || strings.HasPrefix(sel, "Panic")) || x == "runtime" && sel == "Goexit" {
				t.Errorf("%s:%d calls %s.%s: only main may end the process", f.name, at.Line, x, sel)
			}
		})
	}
}

func TestNothingHappensBeforeMain(t *testing.T) {
	for _, f := range goFiles(t, true) {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s:%d has an init: wiring is visible in main", f.name, f.set.Position(fn.Pos()).Line)
			}
		}
	}
}

func TestFirstLineSaysWhatTheRoomIsFor(t *testing.T) {
	for _, f := range goFiles(t, true) {
		raw, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(f.name)))
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(raw), "\n")
		if !strings.HasPrefix(line, "// ") && !strings.HasPrefix(line, "//go:build ") {
			t.Errorf("%s begins with %q: the first line says what the room is for", f.name, line)
		}
	}
}

// pillars are the clouds, found by their folders.
func pillars(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root(t), "providers"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "internal" && e.Name() != "providertest" {
			names = append(names, e.Name())
		}
	}
	if len(names) < 2 {
		t.Errorf("got pillars %q, want at least two clouds", names)
	}
	return names
}

func TestEveryPillarHasTheSameRooms(t *testing.T) {
	for _, p := range pillars(t) {
		dir := filepath.Join(root(t), "providers", p)
		for _, name := range []string{"provider.go", "config.go", "compile.go", "abilities.json", "bucket.go", "role.go", "credential.go", "keyring.go", "gate.go", "claim.go", "find.go", "inspect.go", "preflight.go", "causes.go", "actor.go", "errors.go", "sandbox.go", "conformance_test.go"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Errorf("providers/%s has no %s: the same room has the same name in each pillar", p, name)
			}
		}
		judged := false
		for _, f := range goFiles(t, true) {
			if f.name != "providers/"+p+"/conformance_test.go" {
				continue
			}
			for _, d := range f.syntax.Decls {
				fn, ok := d.(*ast.FuncDecl)
				judged = judged || ok && fn.Name.Name == "TestConformance"
			}
		}
		if !judged {
			t.Errorf("providers/%s has no TestConformance: a provider nobody judges is a provider nobody may trust", p)
		}
	}
}

func TestEveryProfileHasItsGoldens(t *testing.T) {
	profiles, err := filepath.Glob(filepath.Join("profile", "*.json"))
	if err != nil || len(profiles) == 0 {
		t.Fatalf("got profiles %q, error %v, want at least one", profiles, err)
	}
	for _, p := range profiles {
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		var asks struct {
			Name string
			Who  map[string][]string
		}
		if err := json.Unmarshal(raw, &asks); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		for _, cloud := range pillars(t) {
			available := len(asks.Who[cloud]) > 0
			goldens, err := filepath.Glob(filepath.Join(root(t), "testdata", "golden", cloud, asks.Name, "*.json"))
			if available && (err != nil || len(goldens) == 0) {
				t.Errorf("testdata/golden/%s/%s is empty: what a profile compiles to is reviewed like code", cloud, asks.Name)
			}
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"cmd", "core", "providers", "testdata", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CONTRIBUTING.md", "AGENTS.md"}
	ignored, err := os.ReadFile(filepath.Join(root(t), ".gitignore")) // what make and README's commands leave behind
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left := slices.ContainsFunc(strings.Fields(string(ignored)), func(line string) bool { return strings.Trim(line, "/") == e.Name() })
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) && !left {
			t.Errorf("%s stands at the top level: got a room that is in no plan of the house, want one of %q", e.Name(), allowed)
		}
	}
}
