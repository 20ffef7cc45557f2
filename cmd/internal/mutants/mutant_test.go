// Mutants: what one is called, and how those of a file are gathered.
package mutants

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// mutant is one small piece of code that says something else.
type mutant struct {
	number int
	file   string // slashes, below the root
	in     string // the function: "Grant.Faults"
	change string // "a < b → a <= b"
	nth    int    // among those that are called the same; 1 is the first
}

// String names a mutant without line numbers, so that its name outlives edits elsewhere.
func (m mutant) String() string {
	name := m.file + " " + m.in + ": " + m.change
	if m.nth > 1 {
		name += fmt.Sprintf(" (%d)", m.nth)
	}
	return name
}

// planter walks one file and plants every mutant that it finds.
type planter struct {
	set   *token.FileSet
	info  *types.Info
	own   *types.Package
	file  string
	text  *text
	in    string
	list  *[]mutant
	named map[string]int
}

// plant adds a mutant and returns the expression that says whether it is awake.
func (p *planter) plant(change string, args ...any) string {
	m := mutant{number: len(*p.list) + 1, file: p.file, in: p.in, change: oneLine(fmt.Sprintf(change, args...))}
	p.named[m.String()]++
	m.nth = p.named[m.String()]
	*p.list = append(*p.list, m)
	return fmt.Sprintf("%s(%d)", awake, m.number)
}

// most is how much of a piece of code a mutant's name shows.
const most = 100

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	return s
}

func (p *planter) at(pos token.Pos) int { return p.set.Position(pos).Offset }

func (p *planter) words(n ast.Node) string { return p.text.src[p.at(n.Pos()):p.at(n.End())] }

// walk plants all mutants of a file.
func (p *planter) walk(f *ast.File) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		p.in = fn.Name.Name
		if fn.Recv != nil {
			p.in = strings.TrimPrefix(p.words(fn.Recv.List[0].Type), "*") + "." + p.in
		}
		p.body(fn.Type, fn.Body)
	}
}

// body plants the mutants of one function and of those inside it.
func (p *planter) body(is *ast.FuncType, body *ast.BlockStmt) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			p.body(n.Type, n.Body)
			return false
		case *ast.BlockStmt:
			p.statements(is, n.List)
		case *ast.CaseClause:
			p.statements(is, n.Body)
		case *ast.CommClause:
			p.statements(is, n.Body)
		case ast.Expr:
			p.expression(n)
		}
		p.conditions(n)
		p.counting(n)
		return true
	})
}
