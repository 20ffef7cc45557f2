// Fleet file: a grant file with a list of grants, each of which adds to what the file says of all.
package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/bucketgrant/bucketgrant/core"
)

// fleetKey is the key of a grant file that makes a fleet of it.
const fleetKey = "grants"

// mostMembers bounds a fleet: an account holds no more users than that.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const mostMembers = 5000

// fleetWords is what a fleet file says: of all grants, and of each.
type fleetWords struct {
	all  said
	each []said
}

// fleetFile reads the file of g if it is a fleet's; nil if it is one grant's.
func (a *app) fleetFile(g *grantFlags) (*fleetWords, core.Faults) {
	if g.File == "" || g.File == "-" {
		return nil, nil
	}
	data, shown, faults := a.loadGrantFile(g.File)
	if len(faults) > 0 {
		return nil, nil // it is read again as one grant's, which says so
	}
	doc, faults := grantDocument(data, shown)
	if len(faults) > 0 {
		return nil, nil
	}
	var own []*ast.MappingValueNode
	var list *ast.MappingValueNode
	for _, v := range valuesOf(doc) {
		if key, ok := v.Key.(*ast.StringNode); ok && key.Value == fleetKey && list == nil {
			list = v
		} else {
			own = append(own, v)
		}
	}
	if list == nil {
		return nil, nil
	}
	return parseFleet(own, list, shown, g.table)
}

func valuesOf(n ast.Node) []*ast.MappingValueNode {
	switch v := n.(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	}
	return nil
}

// parseFleet reads the parts of a fleet file.
func parseFleet(own []*ast.MappingValueNode, list *ast.MappingValueNode, shown string, table []field) (*fleetWords, core.Faults) {
	r := &reader{shown: shown, table: table, words: newSaid()}
	r.values(own)
	w := &fleetWords{all: r.words}
	for _, key := range []string{"name", "prefix"} {
		if at, ok := w.all.at[key]; ok {
			r.faults = append(r.faults, core.Fault{Field: at + ": " + key, Rule: "is said of all grants, but each has its own", Accepts: "it in the list under " + fleetKey})
		}
	}
	items, ok := list.Value.(*ast.SequenceNode)
	if !ok || len(items.Values) == 0 {
		r.fault(list.Value, fleetKey, "", "is not a list of grants", "lines such as - a.example, or - prefix: a.example/")
		return w, r.all()
	}
	if len(items.Values) > mostMembers {
		r.fault(list.Value, fleetKey, "", fmt.Sprintf("holds more than %d grants", mostMembers), "several files")
		return w, r.all()
	}
	for _, item := range items.Values {
		if r.full() {
			break
		}
		r.words = newSaid()
		r.member(item)
		w.each = append(w.each, r.words)
	}
	return w, r.all()
}

// member reads one grant of the list: its folder alone, or what it says beside the rest.
func (r *reader) member(n ast.Node) {
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode: // a folder may be called like a number
	default:
		r.mapping(n)
		return
	}
	prefix, _ := r.text(field{Key: "prefix"}, n)
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	r.words.text["prefix"] = prefix
	r.words.at["prefix"] = position(r.shown, n.GetToken())
}

// fleetRequests builds the request of every member. Flags win over the file;
// what only one grant can have is refused as a flag.
func (a *app) fleetRequests(p core.Provider, g *grantFlags, w *fleetWords) ([]request, core.Faults, error) {
	var faults core.Faults
	for _, key := range []string{"name", "prefix"} {
		if flag := g.own[key]; flag != nil && flag.Changed {
			faults = append(faults, core.Fault{Field: key, Value: g.words.text[key], Rule: "is given for many grants", Accepts: "it in the file, for each grant"})
		}
	}
	var list []request
	seen := map[string]bool{}
	for _, each := range w.each {
		words := a.flagsOver(g, each.over(w.all))
		if words.text["name"] == "" {
			words.text["name"] = core.DefaultName(words.text["profile"], words.text["bucket"], words.text["prefix"])
		}
		r, found, err := a.build(p, g.table, words)
		if err != nil {
			return nil, nil, err
		}
		for _, f := range found { // what is wrong with all of them is said once
			if !seen[f.Error()] {
				faults = append(faults, f)
			}
			seen[f.Error()] = true
		}
		list = append(list, r)
	}
	if len(faults) == 0 {
		faults = core.FleetFaults(grantsOf(list))
	}
	if len(faults) > maxFaults {
		faults = append(slices.Clone(faults[:maxFaults]), core.Fault{Field: "file", Value: g.File, Rule: "and more is wrong, which is not said"})
	}
	return list, faults, nil
}

func grantsOf(list []request) []core.Grant {
	var grants []core.Grant
	for _, r := range list {
		grants = append(grants, r.Grant)
	}
	return grants
}
