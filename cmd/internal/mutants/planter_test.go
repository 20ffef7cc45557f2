// The breaker is tested: what it breaks in a few lines that hold one of everything.
package mutants

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"testing"
)

const sample = `package sample

type box struct{ n int; full bool }

func (b *box) put(more, most int, ok bool) (int, error) {
	if b.n+more > most && ok {
		return 0, errFull
	}
	b.n += more
	for i := 0; i < more; i++ {
		if i == 3 {
			continue
		}
		note(i)
	}
	b.full = true
	defer cancel()
	return b.n, nil
}

func (b box) is() bool { return b.full }

const twice = 2 * 3

func cancel()
func note(int)
var errFull error
`

// broken is what can be said otherwise in the sample, in the order of the text.
var broken = []string{
	"box.put: b.n+more > most && ok → b.n+more > most || ok",
	"box.put: ok → not",
	"box.put: b.n+more > most → b.n+more <= most",
	"box.put: b.n+more > most → b.n+more >= most",
	"box.put: b.n + more → b.n - more",
	"box.put: return 0, errFull → nothing",
	"box.put: without b.n += more",
	"box.put: b.n += more → b.n -= more",
	"box.put: i < more → i >= more",
	"box.put: i < more → i <= more",
	"box.put: i++ → i--",
	"box.put: i == 3 → i != 3",
	"box.put: without continue",
	"box.put: without note(i)",
	"box.put: without b.full = true",
	"box.put: true → false",
	"box.put: return b.n, nil → nothing",
	"box.is: b.full → not",
}

func TestEverythingThatDecidesIsBroken(t *testing.T) {
	p := pkg{set: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}}
	p.add(t, "sample.go", sample)
	p.check(t, importer.Default())
	var list []mutant
	words := planted(p, p.files[0], "sample.go", sample, &list)
	if _, err := parser.ParseFile(token.NewFileSet(), "sample.go", words, 0); err != nil {
		t.Errorf("what is planted is no program: %v\n%s", err, words)
	}
	var got, want []string
	for _, m := range list {
		got = append(got, m.String())
	}
	for _, name := range broken {
		want = append(want, "sample.go "+name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamesOfTheSameChangeAreCounted(t *testing.T) {
	p := planter{list: &[]mutant{}, named: map[string]int{}, file: "f.go", in: "F"}
	for range 3 {
		p.plant("a → b")
	}
	if got := (*p.list)[2].String(); got != "f.go F: a → b (3)" {
		t.Errorf("got %q", got)
	}
}

func TestTheScopeNamesWhatIsThere(t *testing.T) {
	for _, r := range scope() {
		p := sources(t, r)
		for _, pattern := range r.files {
			one := room{files: []string{pattern}}
			if !slices.ContainsFunc(p, one.holds) {
				t.Errorf("%s has no %s: what has become of it is not measured any more", r.dir, pattern)
			}
		}
	}
	reasons(t) // and the list can be read
}
