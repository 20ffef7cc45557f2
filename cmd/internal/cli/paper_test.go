// The paper: the only way for text to a terminal.
package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNobodyPrintsPastThePaper holds every print to the few functions that make
// text harmless, so that a new command cannot forget it.
func TestNobodyPrintsPastThePaper(t *testing.T) {
	t.Attr("suite", "T1")
	through := []string{"paper", "printJSON", "say", "newApp", "SetOut", "SetErr"}
	may := map[string]string{
		"confirm.go:confirm":       "cleans its question itself",
		"errors.go:jsonLine":       "makes its document harmless itself",
		"receive.go:writeReceived": "writes the credential, to no terminal",
		"main.go:Main":             "prints no value",
		"completion.go:":           "prints what cobra makes of our own words",
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, at := range []string{name + ":" + fn.Name.Name, name + ":"} {
				if may[at] != "" {
					used[at] = used[at] || streams(fn, through) > 0
					fn = &ast.FuncDecl{Name: fn.Name, Type: fn.Type}
				}
			}
			if n := streams(fn, through); n > 0 {
				t.Errorf("%s: %s prints in %d places past paper, printJSON and say, which make text harmless", name, fn.Name.Name, n)
			}
		}
	}
	for at := range may {
		if !used[at] {
			t.Errorf("%s prints nothing any more: take it off the list", at)
		}
	}
}

// streams counts the uses of the two streams that do not go through those functions.
func streams(fn *ast.FuncDecl, through []string) (n int) {
	if fn.Body == nil {
		return 0
	}
	ast.Inspect(fn.Body, func(node ast.Node) bool {
		switch v := node.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := v.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if slices.Contains(through, name) {
				return false
			}
		case *ast.SelectorExpr:
			if v.Sel.Name == "Stdout" || v.Sel.Name == "Stderr" {
				n++
			}
		}
		return true
	})
	return n
}
