// What a hand-off survives when any operation on the disk fails: all files are
// there and whole, or none is.

package handoff

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/disktest"
)

// writers are everything in this package that writes, over a directory that has
// "old" in it. They return an error or leave everything that they promise.
func writers(t *testing.T) map[string]func(dir string) error {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	to, err := ParseRecipients([]string{id.Recipient().String()})
	must(t, err)
	all := map[string]func(dir string) error{
		"check":   func(dir string) error { return CheckDir(filepath.Join(dir, "a", "b")) },
		"new":     func(dir string) error { return WriteNew(filepath.Join(dir, "new"), []byte("new")) },
		"replace": func(dir string) error { return Replace(filepath.Join(dir, "old"), []byte("old"), 0o600) },
		"hold": func(dir string) error {
			release, err := HoldDir(filepath.Join(dir, "a"))
			if err != nil {
				return err
			}
			return release()
		},
		"public": func(dir string) error {
			_, err := Public(filepath.Join(dir, "out"), core.Receipt{Grant: "acme", Outputs: []core.Output{{Name: "a", Value: "x", File: "a.yml"}}}, false)
			return err
		},
	}
	for _, f := range Formats() {
		for packed, h := range map[string]Handoff{"plain": {Plain: true}, "sealed": {Recipients: to}, "armored": {Recipients: to, Armor: true}} {
			for _, form := range f.Forms {
				c := pairOf(exampleID, newSecret())
				if form == core.DocumentForm {
					c = newDocument(t)
				}
				h.Name, h.Format = "acme", f
				deliver := func(dir string) error {
					h.Dir = filepath.Join(dir, "out")
					_, err := h.Deliver(c, receiptFor(c))
					return err
				}
				all[fmt.Sprintf("%s as %s %s", form, packed, f.Name)] = deliver
				all[fmt.Sprintf("rehearsal %s %s", packed, f.Name)] = func(dir string) error {
					h.Dir = filepath.Join(dir, "out")
					return h.Rehearse()
				}
			}
		}
	}
	return all
}

func TestEverythingIsWrittenOrNothingWhateverTheDiskDoes(t *testing.T) {
	t.Attr("suite", "D1")
	fresh := func() string {
		dir := room(t)
		must(t, os.WriteFile(filepath.Join(dir, "old"), []byte("old"), 0o600))
		return dir
	}
	shapes := map[string]bool{}
	all := writers(t)
	names := []string{}
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		write := all[name]
		dir := fresh()
		recorded := disktest.Record(func() { must(t, write(dir)) })
		want := tree(t, dir)
		shape := disktest.Shape(recorded)
		if shapes[shape] && !disktest.EveryFault {
			continue // it is written like one before
		}
		shapes[shape] = true
		t.Run(name, func(t *testing.T) {
			faults, err := disktest.Faults(recorded, disktest.EveryFault)
			must(t, err)
			t.Attr("cases", strconv.Itoa(len(faults)))
			for _, fault := range faults {
				dir := fresh()
				err := error(nil)
				met := fault.Run(func() { err = write(dir) })
				got := tree(t, dir)
				stuck := fault.Ever && met.Name == "remove" || !fault.Ever && met.Name == "remove" && met.Path == filepath.Join(dir, "a")
				switch old, damaged := os.ReadFile(filepath.Join(dir, "old")); {
				case damaged != nil || string(old) != "old":
					t.Errorf("%s: the old file: got %q and %v", fault, old, damaged)
				case err == nil && disktest.Matters(met):
					t.Errorf("%s: no error", fault)
				case err == nil && !slices.Equal(got, want):
					t.Errorf("%s: no error, and there is %v, want %v", fault, got, want)
				case err != nil && !stuck && len(files(got)) > 1:
					t.Errorf("%s: %v, and there is %v, want nothing new", fault, err, got)
				}
			}
		})
	}
	if len(shapes) < 6 {
		t.Errorf("got %d ways to write: is everything on the disk still seen?", len(shapes))
	}
}

// files are those of paths that are no directories in this test.
func files(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p == "out" || strings.HasPrefix(p, "a") })
}
