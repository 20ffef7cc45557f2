// Statements: what is left out, counted the other way, or returned empty.
package mutants

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// statements plants what leaves a statement of a block out.
func (p *planter) statements(is *ast.FuncType, list []ast.Stmt) {
	for _, s := range list {
		if r, ok := s.(*ast.ReturnStmt); ok {
			p.returns(is, r)
		} else if p.removable(s) {
			p.text.open(p.at(s.Pos()), "if !%s { ", p.plant("without %s", p.words(s)))
			p.text.close(p.at(s.End()), " }")
		}
	}
}

func (p *planter) removable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.AssignStmt:
		_, calls := s.Rhs[0].(*ast.CallExpr)
		return s.Tok != token.DEFINE && (calls || p.words(s.Lhs[0]) != "_")
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return ok && p.words(call.Fun) != "panic"
	case *ast.BranchStmt:
		return s.Tok == token.BREAK || s.Tok == token.CONTINUE
	case *ast.DeferStmt:
		return !frees(p.words(s.Call))
	}
	return false
}

// frees reports whether a deferred call only gives memory back earlier than
// the end of a time limit would; go vet holds that it is there.
func frees(call string) bool {
	return call == "cancel()" || strings.HasSuffix(call, ".Stop()")
}

// returns plants the return of no error, or of nothing at all.
func (p *planter) returns(is *ast.FuncType, r *ast.ReturnStmt) {
	if is.Results == nil || len(r.Results) == 0 {
		return
	}
	var kinds []ast.Expr
	for _, f := range is.Results.List {
		for range max(1, len(f.Names)) {
			kinds = append(kinds, f.Type)
		}
	}
	last := len(kinds) - 1
	fails := p.words(kinds[last]) == "error"
	switch {
	case len(r.Results) != len(kinds) || fails && !p.empty(r.Results[last]):
		p.early(r, kinds)
	case len(kinds) == 1 && types.Identical(p.info.TypeOf(kinds[0]), types.Typ[types.Bool]):
		// A truth is turned round, which says more.
	case p.full(r.Results):
		p.early(r, kinds)
	}
}

// early returns the zero of every kind before r can say more.
func (p *planter) early(r *ast.ReturnStmt, kinds []ast.Expr) {
	var zeros []string
	for _, k := range kinds {
		zeros = append(zeros, "*new("+p.words(k)+")")
	}
	p.text.open(p.at(r.Pos()), "if %s { return %s }; ", p.plant("%s → nothing", p.words(r)), strings.Join(zeros, ", "))
}

// full reports whether something is returned that is not empty already.
func (p *planter) full(results []ast.Expr) bool {
	for _, e := range results {
		if !p.empty(e) {
			return true
		}
	}
	return false
}

// empty reports whether e is the zero of its type, as it is written.
func (p *planter) empty(e ast.Expr) bool {
	if c, ok := e.(*ast.CompositeLit); ok {
		_, isStruct := p.info.TypeOf(c).Underlying().(*types.Struct)
		return isStruct && len(c.Elts) == 0
	}
	w := p.words(e)
	return w == "nil" || w == `""` || w == "0" || w == "false"
}

// counting plants what counts the other way.
func (p *planter) counting(n ast.Node) {
	switch n := n.(type) {
	case *ast.IncDecStmt:
		if kind := p.number(n.X); kind != "" {
			x := p.words(n.X)
			on := p.plant("%s%s → %s%s", x, n.Tok, x, sign[n.Tok])
			op := map[token.Token]string{token.INC: "+", token.DEC: "-"}[n.Tok]
			p.text.replace(p.at(n.TokPos), p.at(n.TokPos)+len(n.Tok.String()), " "+op+"= "+turned+"["+kind+"]("+on+", 1)")
		}
	case *ast.AssignStmt:
		if to, ok := sign[n.Tok]; ok && p.number(n.Lhs[0]) != "" {
			x, y := p.words(n.Lhs[0]), p.words(n.Rhs[0])
			p.turn(n.Rhs[0], p.plant("%s %s %s → %s %s %s", x, n.Tok, y, x, to, y), p.number(n.Lhs[0]))
		}
	}
}
