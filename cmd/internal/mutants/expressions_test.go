// Expressions: comparisons, conditions, arithmetic and truths that say something else.
package mutants

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// opposite is what a comparison becomes if it is negated.
var opposite = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LSS: token.GEQ, token.GEQ: token.LSS,
	token.GTR: token.LEQ, token.LEQ: token.GTR,
}

// shifted is what a comparison becomes if its border moves by one.
var shifted = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS,
	token.GTR: token.GEQ, token.GEQ: token.GTR,
}

// sign is what adding becomes, the other way round as well.
var sign = map[token.Token]token.Token{
	token.ADD: token.SUB, token.SUB: token.ADD,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN,
	token.INC: token.DEC, token.DEC: token.INC,
}

var logical = map[token.Token]token.Token{token.LAND: token.LOR, token.LOR: token.LAND}

func (p *planter) constant(e ast.Expr) bool { return p.info.Types[e].Value != nil }

// expression plants what does not depend on where an expression stands.
func (p *planter) expression(e ast.Expr) {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		if !p.constant(e) {
			p.binary(e)
		}
	case *ast.Ident:
		if p.info.Uses[e] == types.Universe.Lookup("true") || p.info.Uses[e] == types.Universe.Lookup("false") {
			other := map[string]string{"true": "false", "false": "true"}[e.Name]
			p.negate(e, p.plant("%s → %s", e.Name, other))
		}
	}
}

func (p *planter) binary(e *ast.BinaryExpr) {
	a, b := p.words(e.X), p.words(e.Y)
	says := func(op token.Token) string { return a + " " + op.String() + " " + b }
	if to, ok := opposite[e.Op]; ok {
		p.negate(e, p.plant("%s → %s", says(e.Op), says(to)))
	}
	if to, ok := shifted[e.Op]; ok {
		on := p.plant("%s → %s", says(e.Op), says(to))
		p.text.open(p.at(e.Pos()), "(")
		if e.Op == token.LSS || e.Op == token.GTR {
			p.text.close(p.at(e.End()), " || %s && (%s) == (%s))", on, a, b)
		} else {
			p.text.close(p.at(e.End()), " && !(%s && (%s) == (%s)))", on, a, b)
		}
	}
	if to, ok := logical[e.Op]; ok {
		// One law of De Morgan says it without writing a and b twice.
		on := p.plant("%s → %s", says(e.Op), says(to))
		p.negate(e, on)
		p.negate(e.X, on)
		p.negate(e.Y, on)
	}
	if to, ok := sign[e.Op]; ok && p.number(e) != "" {
		p.turn(e.Y, p.plant("%s → %s", says(e.Op), says(to)), p.number(e))
	}
}

// negate makes a truth its opposite while on.
func (p *planter) negate(e ast.Expr, on string) {
	p.text.open(p.at(e.Pos()), "((")
	p.text.close(p.at(e.End()), ") != %s)", on)
}

// turn makes a number its negative while on.
func (p *planter) turn(e ast.Expr, on, kind string) {
	p.text.open(p.at(e.Pos()), "%s[%s](%s, ", turned, kind, on)
	p.text.close(p.at(e.End()), ")")
}

// number is the type of an expression, if it is a number whose type can be named anywhere.
func (p *planter) number(e ast.Expr) string {
	t := p.info.TypeOf(e)
	if b, ok := t.Underlying().(*types.Basic); !ok || b.Info()&types.IsNumeric == 0 || b.Info()&types.IsUntyped != 0 {
		return ""
	}
	foreign := false
	name := types.TypeString(t, func(other *types.Package) string {
		if other == p.own {
			return ""
		}
		foreign = foreign || !strings.Contains(p.text.src, `"`+other.Path()+`"`)
		return other.Name()
	})
	if foreign {
		return "" // the file does not import it
	}
	return name
}

// conditions plants what turns a condition round that is not a comparison.
func (p *planter) conditions(n ast.Node) {
	var list []ast.Expr
	switch n := n.(type) {
	case *ast.IfStmt:
		list = append(list, n.Cond)
	case *ast.ForStmt:
		list = append(list, n.Cond)
	case *ast.BinaryExpr:
		if _, ok := logical[n.Op]; ok {
			list = append(list, n.X, n.Y)
		}
	case *ast.ReturnStmt:
		list = append(list, n.Results...)
	case *ast.SwitchStmt:
		if n.Tag == nil {
			for _, s := range n.Body.List {
				list = append(list, s.(*ast.CaseClause).List...)
			}
		}
	}
	for _, e := range list {
		if p.leaf(e) {
			p.negate(e, p.plant("%s → not", p.words(e)))
		}
	}
}

// leaf reports whether e is a truth that nothing else is planted into.
func (p *planter) leaf(e ast.Expr) bool {
	if e == nil || p.constant(e) {
		return false
	}
	if _, compares := ast.Unparen(e).(*ast.BinaryExpr); compares {
		return false
	}
	return types.Identical(p.info.TypeOf(e), types.Typ[types.Bool])
}
