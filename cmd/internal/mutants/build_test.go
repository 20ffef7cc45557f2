// Build: one program per judge in which every mutant sleeps until it is called
// by its number, so that nothing is compiled twice.
package mutants

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const tags = "disable_grpc_modules,grpcnotrace"

// The names of what a package with mutants has in addition, see [nursery].
const (
	awake  = "mutantIsAwake"
	turned = "mutantTurns"
)

// nursery is added to every package with mutants. Whoever reaches a mutant for
// the first time is noted in a file, if one is named.
const nursery = `// Code of a test run.
package %s

import (
	"os"
	"strconv"
	"sync"
)

var (
	mutantNumber, _ = strconv.Atoi(os.Getenv("BUCKETGRANT_MUTANT"))
	mutantNotes     = os.Getenv("BUCKETGRANT_MUTANT_NOTES")
	mutantSeen      sync.Map
)

func mutantIsAwake(number int) bool {
	if mutantNotes != "" {
		mutantNote(number)
	}
	return number == mutantNumber
}

func mutantNote(number int) {
	if _, seen := mutantSeen.LoadOrStore(number, true); seen {
		return
	}
	f, err := os.OpenFile(mutantNotes, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(strconv.Itoa(number) + "\n")
	_ = f.Close()
}

type mutantNumeric interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float64
}

func mutantTurns[T mutantNumeric](on bool, n T) T {
	if on {
		return -n
	}
	return n
}
`

// found returns every mutant of the rooms. If overlay is not "", it is a new
// directory into which the changed files are written, with overlay.json for the compiler.
func found(t *testing.T, rooms []room, overlay string) []mutant {
	t.Helper()
	var list []mutant
	replace := map[string]string{}
	write := func(path, words string) {
		if overlay == "" {
			return
		}
		as := filepath.Join(overlay, fmt.Sprintf("%d.go", len(replace)))
		must(t, os.WriteFile(as, []byte(words), 0o600))
		replace[path] = as
	}
	for _, r := range rooms {
		dir := filepath.Join(root(t), filepath.FromSlash(r.dir))
		p := parsed(t, dir)
		for n, f := range p.files {
			name := filepath.Base(p.names[n])
			if !r.holds(name) {
				continue
			}
			words := planted(p, f, r.dir+"/"+name, p.texts[n], &list)
			write(p.names[n], words)
		}
		write(filepath.Join(dir, "zz_mutants.go"), fmt.Sprintf(nursery, p.pkg.Name()))
	}
	if overlay != "" {
		data, err := json.Marshal(map[string]any{"Replace": replace})
		must(t, err)
		must(t, os.WriteFile(filepath.Join(overlay, "overlay.json"), data, 0o600))
	}
	return list
}

// sources are the names of the files in a room's package.
func sources(t *testing.T, r room) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root(t), filepath.FromSlash(r.dir)))
	must(t, err)
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			names = append(names, e.Name())
		}
	}
	return names
}

func (r room) holds(name string) bool {
	for _, pattern := range r.files {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// planted is a file with its mutants, which are added to list.
func planted(p pkg, f *ast.File, name, src string, list *[]mutant) string {
	text := &text{src: src}
	planter := &planter{set: p.set, info: p.info, own: p.pkg, file: name, text: text, list: list, named: map[string]int{}}
	planter.walk(f)
	return text.String()
}

// pkg is a package as the compiler sees it.
type pkg struct {
	set   *token.FileSet
	info  *types.Info
	pkg   *types.Package
	files []*ast.File
	names []string // paths
	texts []string
}

// parsed reads the package in dir and asks the compiler's own files what it imports.
func parsed(t *testing.T, dir string) pkg {
	t.Helper()
	out := command(t, dir, "go", "list", "-export", "-deps", "-tags", tags, "-f", "{{.ImportPath}}\t{{.Export}}\t{{.Dir}}\t{{join .GoFiles \" \"}}", ".")
	exports := map[string]string{}
	p := pkg{set: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}}
	var last []string
	for line := range strings.Lines(out) {
		last = strings.Split(strings.TrimSpace(line), "\t")
		exports[last[0]] = last[1]
	}
	for _, name := range strings.Fields(last[3]) {
		path := filepath.Join(dir, name)
		src, err := os.ReadFile(path)
		must(t, err)
		p.add(t, path, string(src))
	}
	p.check(t, importer.ForCompiler(p.set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }))
	return p
}

func (p *pkg) add(t *testing.T, path, src string) {
	t.Helper()
	f, err := parser.ParseFile(p.set, path, src, parser.SkipObjectResolution)
	must(t, err)
	p.files, p.names, p.texts = append(p.files, f), append(p.names, path), append(p.texts, src)
}

func (p *pkg) check(t *testing.T, from types.Importer) {
	t.Helper()
	var err error
	p.pkg, err = (&types.Config{Importer: from}).Check("checked", p.set, p.files, p.info)
	must(t, err)
}

// compiled builds the tests of a package with the mutants of an overlay.
func compiled(t *testing.T, overlay, dir string) string {
	t.Helper()
	program := filepath.Join(overlay, strings.ReplaceAll(dir, "/", "-")+".test")
	command(t, root(t), "go", "test", "-c", "-tags", tags, "-overlay", filepath.Join(overlay, "overlay.json"), "-o", program, "./"+dir)
	return program
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	out, err := c.Output()
	if failed, ok := err.(*exec.ExitError); ok {
		t.Fatalf("%s %q: %v\n%s", name, args, err, failed.Stderr)
	}
	must(t, err)
	return string(out)
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".."))
	must(t, err)
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
