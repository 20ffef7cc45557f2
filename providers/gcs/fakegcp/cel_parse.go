// Conditions, read: the part of the Common Expression Language that IAM accepts.
package fakegcp

import (
	"fmt"
	"strconv"
	"strings"
)

// maxOperators is how many logical operators a condition may have.
// https://cloud.google.com/iam/quotas
const maxOperators = 12

// node is an expression. Exactly one shape applies, by Kind.
type node struct {
	Kind string // "string" "int" "bool" "list" "name" "call" "select" "index" "not" "neg" "?" or an operator
	Text string // literal text, name, selected field or called function
	Args []*node
	On   *node // receiver of a call or select
}

type tokenCEL struct {
	kind string // "id" "str" "int" "op" "end"
	text string
}

// parse reads a condition of a policy.
func parse(text string) (*node, error) {
	n, logical, err := parseExpression(text)
	if err == nil && logical > maxOperators {
		return nil, fmt.Errorf("%d logical operators, at most %d are allowed", logical, maxOperators)
	}
	return n, err
}

// parseExpression reads an expression and counts its logical operators.
func parseExpression(text string) (*node, int, error) {
	toks, err := lex(text)
	if err != nil {
		return nil, 0, err
	}
	p := &parser{toks: toks}
	n, err := p.expression()
	if err != nil {
		return nil, 0, err
	}
	if t := p.peek(); t.kind != "end" {
		return nil, 0, fmt.Errorf("unexpected %q", t.text)
	}
	return n, p.logical, nil
}

var operatorsCEL = []string{"&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".", "+", "-", "?", ":"}

func lex(s string) ([]tokenCEL, error) {
	var out []tokenCEL
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if op := prefixOf(s, operatorsCEL); op != "" {
			out, s = append(out, tokenCEL{"op", op}), s[len(op):]
			continue
		}
		switch c := s[0]; {
		case strings.HasPrefix(s, "//"):
			_, s, _ = strings.Cut(s, "\n")
		case c == '"' || c == '\'' || (len(s) > 1 && (c == 'r' || c == 'R') && (s[1] == '"' || s[1] == '\'')):
			v, rest, err := lexString(s)
			if err != nil {
				return nil, err
			}
			out, s = append(out, tokenCEL{"str", v}), rest
		case isDigit(rune(c)):
			n := span(s, isDigit)
			out, s = append(out, tokenCEL{"int", s[:n]}), s[n:]
		case isLetter(rune(c)):
			n := span(s, func(r rune) bool { return isLetter(r) || isDigit(r) })
			out, s = append(out, tokenCEL{"id", s[:n]}), s[n:]
		default:
			return nil, fmt.Errorf("unexpected character %q", c)
		}
	}
	return append(out, tokenCEL{"end", "end of expression"}), nil
}

// Names are ASCII.
func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isLetter(r rune) bool { return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func prefixOf(s string, list []string) string {
	for _, p := range list {
		if strings.HasPrefix(s, p) && !strings.HasPrefix(s, "//") {
			return p
		}
	}
	return ""
}

func span(s string, in func(rune) bool) int {
	if i := strings.IndexFunc(s, func(r rune) bool { return !in(r) }); i >= 0 {
		return i
	}
	return len(s)
}

// lexString reads a quoted string and returns its value and what follows.
func lexString(s string) (string, string, error) {
	raw := s[0] == 'r' || s[0] == 'R'
	if raw {
		s = s[1:]
	}
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && !raw:
			i++
		case s[i] == '\n':
			return "", "", fmt.Errorf("string is not closed")
		case s[i] == quote:
			if raw {
				return s[1:i], s[i+1:], nil
			}
			v, err := unquote(s[1:i], quote)
			return v, s[i+1:], err
		}
	}
	return "", "", fmt.Errorf("string is not closed")
}

func unquote(s string, quote byte) (string, error) {
	var b strings.Builder
	for s != "" {
		r, _, tail, err := strconv.UnquoteChar(s, quote)
		if err != nil {
			return "", fmt.Errorf("bad escape in string")
		}
		b.WriteRune(r)
		s = tail
	}
	return b.String(), nil
}

type parser struct {
	toks    []tokenCEL
	logical int
	depth   int
}

func (p *parser) peek() tokenCEL { return p.toks[0] }

func (p *parser) next() tokenCEL {
	t := p.toks[0]
	if t.kind != "end" {
		p.toks = p.toks[1:]
	}
	return t
}

func (p *parser) accept(op string) bool {
	if t := p.peek(); t.kind == "op" && t.text == op {
		p.next()
		return true
	}
	return false
}

// expression reads a whole expression: alternatives bind loosest.
func (p *parser) expression() (*node, error) {
	n, err := p.binary(0)
	if err != nil || !p.accept("?") {
		return n, err
	}
	if p.depth++; p.depth > 500 {
		return nil, fmt.Errorf("nested too deeply")
	}
	defer func() { p.depth-- }()
	then, err := p.expression()
	if err != nil {
		return nil, err
	}
	if !p.accept(":") {
		return nil, fmt.Errorf("expected %q, got %q", ":", p.peek().text)
	}
	otherwise, err := p.expression()
	return &node{Kind: "?", Args: []*node{n, then, otherwise}}, err
}

// levels are the binary operators, loosest first.
var levels = [][]string{{"||"}, {"&&"}, {"==", "!=", "<", "<=", ">", ">=", "in"}, {"+", "-"}}

func (p *parser) binary(level int) (*node, error) {
	if level == len(levels) {
		return p.unary()
	}
	if p.depth++; p.depth > 500 {
		return nil, fmt.Errorf("nested too deeply")
	}
	defer func() { p.depth-- }()
	left, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		op := ""
		for _, o := range levels[level] {
			if t := p.peek(); t.text == o && (t.kind == "op" || t.kind == "id") {
				op = o
			}
		}
		if op == "" {
			return left, nil
		}
		p.next()
		if level < 2 {
			p.logical++
		}
		right, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		left = &node{Kind: op, Args: []*node{left, right}}
	}
}

func (p *parser) unary() (*node, error) {
	for _, op := range []string{"!", "-"} {
		if p.accept(op) {
			if op == "!" {
				p.logical++
			}
			if p.depth++; p.depth > 500 {
				return nil, fmt.Errorf("nested too deeply")
			}
			defer func() { p.depth-- }()
			n, err := p.unary()
			return &node{Kind: map[string]string{"!": "not", "-": "neg"}[op], Args: []*node{n}}, err
		}
	}
	n, err := p.primary()
	for err == nil {
		if p.accept("[") {
			var at []*node
			if at, err = p.list("]"); err == nil && len(at) != 1 {
				err = fmt.Errorf("expected one index, got %d", len(at))
			}
			n = &node{Kind: "index", On: n, Args: at}
			continue
		}
		if !p.accept(".") {
			break
		}
		t := p.next()
		if t.kind != "id" {
			return nil, fmt.Errorf("expected a name after \".\", got %q", t.text)
		}
		if !p.accept("(") {
			n = &node{Kind: "select", Text: t.text, On: n}
			continue
		}
		var args []*node
		if args, err = p.list(")"); err == nil {
			n = &node{Kind: "call", Text: t.text, On: n, Args: args}
		}
	}
	return n, err
}

func (p *parser) primary() (*node, error) {
	switch t := p.next(); {
	case t.kind == "str":
		return &node{Kind: "string", Text: t.text}, nil
	case t.kind == "int":
		return &node{Kind: "int", Text: t.text}, nil
	case t.kind == "id" && (t.text == "true" || t.text == "false"):
		return &node{Kind: "bool", Text: t.text}, nil
	case t.kind == "id" && p.accept("("):
		args, err := p.list(")")
		return &node{Kind: "call", Text: t.text, Args: args}, err
	case t.kind == "id":
		return &node{Kind: "name", Text: t.text}, nil
	case t.text == "(":
		n, err := p.expression()
		if err == nil && !p.accept(")") {
			err = fmt.Errorf("expected %q, got %q", ")", p.peek().text)
		}
		return n, err
	case t.text == "[":
		args, err := p.list("]")
		return &node{Kind: "list", Args: args}, err
	default:
		return nil, fmt.Errorf("unexpected %q", t.text)
	}
}

func (p *parser) list(end string) ([]*node, error) {
	var args []*node
	for !p.accept(end) {
		if len(args) > 0 && !p.accept(",") {
			return nil, fmt.Errorf("expected %q, got %q", end, p.peek().text)
		}
		n, err := p.expression()
		if err != nil {
			return nil, err
		}
		args = append(args, n)
	}
	return args, nil
}
