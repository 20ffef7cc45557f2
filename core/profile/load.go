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
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
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

// Find returns the profile with that name. Its error is [core.Faults] with all
// known names, and the one that was probably meant.
func Find(name string) (Profile, error) {
	var known []string
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
		known = append(known, p.Name)
	}
	f := core.Fault{Field: "profile", Value: name, Rule: "is not a known profile", Accepts: strings.Join(known, ", ")}
	if near := nearest(name, known); near != "" {
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
	if len(p.Can) == 0 {
		return fmt.Errorf("grants nothing")
	}
	clouds := map[string]bool{}
	for _, r := range p.Documented {
		if len(r.Actions) == 0 || len(r.Makes) == 0 || len(r.HandsOver) == 0 {
			return fmt.Errorf("documents half of a recipe for %q", r.Cloud)
		}
		clouds[r.Cloud] = true
	}
	seen := map[core.Ability]bool{}
	for _, r := range p.Can {
		for _, cloud := range r.On {
			if !clouds[cloud] {
				return fmt.Errorf("%q is asked for on %q, of which nothing is documented", r.Ability, cloud)
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
