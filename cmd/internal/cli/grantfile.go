// Grant file: YAML with positions, read strictly.
package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

const (
	maxGrantFile = 1 << 20
	maxNesting   = 32   // a grant file has two levels; the parser goes as deep as it is told to
	maxMarks     = 2000 // the parser's time grows with the square of the keys
	maxFaults    = 20   // more than anybody reads at once
)

// readGrantFile reads what a grant file says. All that is wrong with it is returned as faults.
func (a *app) readGrantFile(name string, table []field) (said, core.Faults) {
	data, shown, faults := a.loadGrantFile(name)
	if len(faults) > 0 {
		return newSaid(), faults
	}
	if doc, bad := grantDocument(data, shown); len(bad) == 0 && ofMany(doc) {
		f := core.Fault{Field: "file", Value: name, Rule: "holds many grants, and this command takes one", Accepts: "--name and the flags of one of them; plan -f FILE looks at all"}
		if name == "-" {
			f.Rule, f.Accepts = "holds many grants, which are not read from standard input", "a file of its own: plan, apply and destroy take it"
		}
		return newSaid(), core.Faults{f}
	}
	return parseGrantFile(data, shown, table)
}

// ofMany reports whether the document of a grant file is a fleet's.
func ofMany(doc ast.Node) bool {
	return slices.ContainsFunc(valuesOf(doc), func(v *ast.MappingValueNode) bool {
		key, ok := v.Key.(*ast.StringNode)
		return ok && key.Value == fleetKey
	})
}

// loadGrantFile returns the bytes of a grant file and what it is called in messages.
func (a *app) loadGrantFile(name string) (data []byte, shown string, faults core.Faults) {
	shown = filepath.Base(name)
	var err error
	if name == "-" {
		if a.env.Terminal.In {
			return nil, "", core.Faults{{Field: "file", Value: name, Rule: "is a terminal", Accepts: "a pipe, or the name of a file"}}
		}
		shown = "standard input"
		data, err = io.ReadAll(io.LimitReader(a.env.Stdin, maxGrantFile+1))
	} else {
		data, err = readBounded(a.env.path(name))
	}
	if err != nil {
		return nil, "", core.Faults{{Field: "file", Value: name, Rule: "cannot be read: " + cause(err), Accepts: "a YAML or JSON file that you may read"}}
	}
	return data, shown, nil
}

// readBounded reads a regular file, but not more than the user can mean.
func readBounded(path string) ([]byte, error) { return handoff.ReadSmall(path, maxGrantFile) }

// cause is why a file operation failed, without the path.
func cause(err error) string {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err.Error()
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "manifest: "), "; accepted:") // the fault around it names the file and what is accepted
	for _, what := range []string{"file", "directory", "manifest", "identity"} {
		if rest, ok := strings.CutPrefix(text, what+` "`); ok {
			if _, why, ok := strings.Cut(rest, `": `); ok {
				return why
			}
		}
	}
	return text
}

// parseGrantFile reads one mapping of known keys to values.
func parseGrantFile(data []byte, shown string, table []field) (said, core.Faults) {
	doc, faults := grantDocument(data, shown)
	if len(faults) > 0 {
		return newSaid(), faults
	}
	r := &reader{shown: shown, table: table, words: newSaid()}
	r.mapping(doc)
	return r.words, r.all()
}

// grantDocument returns the only document of a file. Anchors, aliases, tags and
// further documents are refused: a grant says what it says, once.
func grantDocument(data []byte, shown string) (ast.Node, core.Faults) {
	fault := func(rule, accepts string) (ast.Node, core.Faults) {
		return nil, core.Faults{{Field: shown, Rule: rule, Accepts: accepts}}
	}
	switch {
	case len(data) > maxGrantFile:
		return fault("is longer than 1 MiB", "a grant file")
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return fault("is not UTF-8 text", "a YAML or JSON file in UTF-8")
	case nesting(data) > maxNesting:
		return fault("is nested too deeply", "one level of keys, and a list under to")
	case bytes.Count(data, []byte(":"))+bytes.Count(data, []byte("?"))+bytes.Count(data, []byte("---")) > maxMarks:
		return fault("has too many keys", "each key once")
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, core.Faults{syntaxFault(err, shown)}
	}
	var docs []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentGroupType {
			docs = append(docs, d.Body)
		}
	}
	if len(docs) == 0 {
		return fault("says nothing", "keys such as profile: event-dump")
	}
	if len(docs) > 1 {
		return nil, core.Faults{{Field: position(shown, docs[1].GetToken()), Rule: "begins a second document", Accepts: "one grant in one file"}}
	}
	return docs[0], nil
}

// reader turns the nodes of a file into what it says.
type reader struct {
	shown  string
	table  []field
	words  said
	faults core.Faults
}

// all is everything that is wrong, cut where nobody reads on.
func (r *reader) all() core.Faults {
	if r.full() {
		r.faults = append(r.faults[:maxFaults], core.Fault{Field: r.shown, Rule: "and more is wrong, which is not looked at"})
	}
	return r.faults
}

// full reports whether enough is wrong to stop.
func (r *reader) full() bool { return len(r.faults) > maxFaults }

func (r *reader) fault(n ast.Node, field, value, rule, accepts string) {
	r.faults = append(r.faults, core.Fault{Field: strings.TrimSuffix(position(r.shown, n.GetToken())+": "+field, ": "), Value: value, Rule: rule, Accepts: accepts})
}

// mapping reads the file's only mapping.
func (r *reader) mapping(n ast.Node) {
	var values []*ast.MappingValueNode
	switch v := n.(type) {
	case *ast.MappingNode:
		values = v.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{v}
	default:
		r.fault(n, "", "", "is not a mapping of keys to values", "lines such as bucket: acme-events")
		return
	}
	r.values(values)
}

// values reads what is said in one mapping.
func (r *reader) values(values []*ast.MappingValueNode) {
	seen := map[string]bool{}
	for _, v := range values {
		if r.full() {
			return
		}
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			r.fault(v.Key, "", v.Key.String(), "is not a key of a grant file", r.keys())
			continue
		}
		f, ok := r.find(key.Value)
		switch {
		case !ok:
			rule := "is not a key of a grant file"
			if near := meant(key.Value, r.names()); near != "" {
				rule += fmt.Sprintf(" (did you mean %q?)", near)
			}
			r.fault(v.Key, key.Value, "", rule, r.keys())
		case seen[f.Key]:
			r.fault(v.Key, f.Key, "", "is said twice", "each key once")
		default:
			seen[f.Key] = true
			r.words.at[f.Key] = position(r.shown, v.Key.GetToken())
			r.value(f, v.Value)
		}
	}
}

// value reads what is said for f.
func (r *reader) value(f field, n ast.Node) {
	switch f.Kind {
	case flagField:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			r.fault(n, f.Key, plain(n), "is not a truth value", "true or false")
			return
		}
		r.words.flag[f.Key] = b.Value
	case textField:
		if s, ok := r.text(f, n); ok {
			r.words.text[f.Key] = s
		}
	case listField:
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			if s, ok := r.text(f, n); ok {
				r.words.list[f.Key] = []string{s}
			}
			return
		}
		for _, item := range seq.Values {
			if r.full() {
				return
			}
			if s, ok := r.text(f, item); ok {
				r.words.list[f.Key] = append(r.words.list[f.Key], s)
			}
		}
	}
}

// text reads one text. A number is taken as it is written.
func (r *reader) text(f field, n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		r.fault(n, f.Key, "", "is an anchor, an alias or a tag", "the value itself")
	default:
		accepts := "a text"
		if f.Example != "" {
			accepts += ", e.g. " + f.Example
		}
		r.fault(n, f.Key, plain(n), "is not a text", accepts)
	}
	return "", false
}

// plain is a scalar as it is written, "" for anything else.
func plain(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return n.GetToken().Value
	}
	return ""
}

func (r *reader) find(key string) (field, bool) {
	for _, f := range r.table {
		if f.Key == key {
			return f, true
		}
	}
	return field{}, false
}

func (r *reader) names() []string {
	var all []string
	for _, f := range r.table {
		all = append(all, f.Key)
	}
	return all
}

func (r *reader) keys() string { return strings.Join(r.names(), ", ") }

// position is where t is, as editors read it.
func position(shown string, t *token.Token) string {
	if t == nil || t.Position == nil {
		return shown
	}
	return fmt.Sprintf("%s:%d:%d", shown, t.Position.Line, t.Position.Column)
}

// syntaxFault is what the parser says, with the position.
func syntaxFault(err error, shown string) core.Fault {
	f := core.Fault{Field: shown, Rule: "is not YAML", Accepts: "a YAML or JSON file"}
	if at, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	}); ok {
		f.Field, f.Rule = position(shown, at.GetToken()), "is not YAML: "+at.GetMessage()
	}
	return f
}

// nesting is the greatest number of brackets, or of levels of a block, that are
// open at once. It may be too high for text with brackets in it, never too low.
func nesting(data []byte) int {
	deepest := 0
	open := 0
	for line := range bytes.Lines(data) {
		level := 0
		for i, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			case '-', '?', ':':
				if i+1 < len(line) && line[i+1] == ' ' {
					level++
				}
			}
		}
		deepest = max(deepest, open+level+leading(line)/2)
	}
	return deepest
}

func leading(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }
