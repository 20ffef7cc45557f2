// Loading: from the embedded files to profiles, strictly.
package profile

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/nearest"
)

//go:embed *.json
var files embed.FS

// All returns every profile, ordered by name. It panics if an embedded file is
// not a sound profile, which a test rules out.
func All() []Profile {
	all, err := load(files)
	if err != nil {
		panic(err)
	}
	return all
}

// Find returns the profile with that name, which may end in "+" and the name of
// one of its variants. Its error is [core.Faults] with all known names, and the
// one that was probably meant.
func Find(name string) (Profile, error) {
	var known []string
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
		known = append(known, p.Name)
		for _, v := range p.Variants {
			if varied := p.with(v); varied.Name == name {
				return varied, nil
			}
			known = append(known, p.Name+"+"+v.Name)
		}
	}
	f := core.Fault{Field: "profile", Value: name, Rule: "is not a known profile", Accepts: strings.Join(known, ", ")}
	if near := nearest.Word(name, known); near != "" {
		f.Rule += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return Profile{}, core.Faults{f}
}

// load reads and checks every profile of a folder, in the order of their names.
func load(folder fs.FS) ([]Profile, error) {
	names, err := fs.Glob(folder, "*.json")
	if err != nil {
		return nil, err
	}
	var all []Profile
	for _, name := range names {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		p, err := parse(data)
		if err == nil && p.Name+".json" != path.Base(name) {
			err = fmt.Errorf("is called %q", p.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// parse decodes one file. Unknown fields are errors: a field that is misspelt
// must not silently grant more or less.
func parse(data []byte) (Profile, error) {
	var p Profile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, err
	}
	if _, err := d.Token(); err != io.EOF {
		return p, fmt.Errorf("goes on after its end")
	}
	return p, p.check()
}

// check reports what p lacks.
func (p Profile) check() error {
	for field, value := range map[string]string{"name": p.Name, "title": p.Title, "summary": p.Summary, "source": p.Source} {
		if value == "" {
			return fmt.Errorf("has no %s", field)
		}
	}
	if len(p.Can) == 0 && len(p.Native) == 0 {
		return fmt.Errorf("grants nothing")
	}
	clouds := map[string]bool{}
	for cloud, who := range p.Who {
		if clouds[cloud] = true; len(who) == 0 {
			return fmt.Errorf("says nothing of how its grantee proves who it is on %q", cloud)
		}
		if p.Absent[cloud] != "" {
			return fmt.Errorf("is absent on %q, and is not", cloud)
		}
	}
	if len(p.Who) == 0 {
		return fmt.Errorf("says nothing of how its grantee proves who it is")
	}
	for _, r := range p.Documented {
		if len(r.Actions) == 0 || len(r.Makes) == 0 || len(r.HandsOver) == 0 {
			return fmt.Errorf("documents half of a recipe for %q", r.Cloud)
		}
		if !clouds[r.Cloud] {
			return fmt.Errorf("documents a recipe for %q, where it is not available", r.Cloud)
		}
	}
	if err := rows(p.Can, clouds); err != nil {
		return err
	}
	for _, v := range p.Variants {
		if v.Name == "" || v.Summary == "" || len(v.Adds)+len(v.Drops) == 0 {
			return fmt.Errorf("has half of a variant %q", v.Name)
		}
		for _, a := range v.Drops {
			if !slices.ContainsFunc(p.Can, func(r Row) bool { return r.Ability == a }) {
				return fmt.Errorf("variant %q drops %q, which is not there", v.Name, a)
			}
		}
		if err := rows(p.with(v).Can, clouds); err != nil {
			return fmt.Errorf("variant %q: %w", v.Name, err)
		}
	}
	return nil
}

// rows reports what is wrong with what a profile asks for.
func rows(can []Row, clouds map[string]bool) error {
	seen := map[core.Ability]bool{}
	for _, r := range can {
		for _, cloud := range r.On {
			if !clouds[cloud] {
				return fmt.Errorf("%q is asked for on %q, where it is not available", r.Ability, cloud)
			}
		}
		i, ok := core.DescribeAbility(r.Ability)
		switch {
		case !ok || !i.Grantable:
			return fmt.Errorf("%q is not an ability that can be granted", r.Ability)
		case seen[r.Ability]:
			return fmt.Errorf("%q is there twice", r.Ability)
		case r.Why == "":
			return fmt.Errorf("%q has no reason", r.Ability)
		case r.Lax != (r.WhyLax != ""):
			return fmt.Errorf("%q is lax without a reason, or has one without being lax", r.Ability)
		}
		seen[r.Ability] = true
	}
	return nil
}
