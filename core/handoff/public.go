// Public: what the grantee must be told, as files. None of it is secret.
package handoff

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// mostPublic is more than any file for a grantee takes.
const mostPublic = 1 << 20

var publicName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// PublicName is the name of the file that an output becomes; "" if it is none.
func PublicName(grant string, o core.Output) string {
	if o.File == "" {
		return ""
	}
	return cleanName(grant) + "." + o.File
}

// Public writes the files among r's outputs into a directory, which is made if
// it is missing. If r tells of changes for a grantee without a credential of
// ours, r's own manifests go there as well: there is no hand-off to carry them.
// A file with the same content stays; one with other content is refused, before
// anything is written.
func Public(path string, r core.Receipt, keyless bool) ([]core.File, error) {
	files, err := publicFiles(r)
	if err == nil && keyless && len(r.Changes) > 0 {
		var manifests []file
		manifests, err = manifestsOf(r, stem(r.Grant, r.RunID))
		files = append(files, manifests...)
	}
	if err != nil || len(files) == 0 {
		return nil, err
	}
	var there []core.File
	var missing []file
	for _, f := range files {
		if bytes.Contains(f.data, []byte("PRIVATE KEY")) {
			return nil, fmt.Errorf("output %q: would hold a secret", f.name)
		}
		at := filepath.Join(path, f.name)
		old, err := safefile.ReadAll(at, mostPublic)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, f)
		case err != nil:
			return nil, fmt.Errorf("output: %w", err)
		case !bytes.Equal(old, f.data):
			return nil, fmt.Errorf("output %q: exists with other content, and nothing is ever overwritten", at)
		default:
			there = append(there, f.named(at))
		}
	}
	if len(missing) == 0 {
		return there, nil
	}
	written, err := writeAll(path, missing)
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	return slices.Concat(there, written), nil
}

// Aside is r with other names for those of its files that are in the way of older
// ones with other content: the run's ID becomes part of the name, and nothing is
// overwritten. A file that an earlier run has put aside with the same content is
// taken as it is. taken are the paths of what is in the way.
func Aside(path string, r core.Receipt) (renamed core.Receipt, taken []string) {
	r.Outputs = slices.Clone(r.Outputs)
	for i, o := range r.Outputs {
		if !publicName.MatchString(o.File) {
			continue
		}
		at := filepath.Join(path, PublicName(r.Grant, o))
		if old, err := safefile.ReadAll(at, mostPublic); err != nil || string(old) == o.Value {
			continue
		}
		r.Outputs[i].File = aside(path, r, o)
		taken = append(taken, at)
	}
	return r, taken
}

// aside is the name of an output beside an older file of its own name.
func aside(path string, r core.Receipt, o core.Output) string {
	begin := cleanName(r.Grant) + "."
	entries, _ := os.ReadDir(path) // whoever writes there finds out why it cannot be read
	for _, e := range entries {
		run, ok := strings.CutSuffix(strings.TrimPrefix(e.Name(), begin), "."+o.File)
		if !ok || !strings.HasPrefix(e.Name(), begin) || strings.Contains(run, ".") {
			continue
		}
		if old, err := safefile.ReadAll(filepath.Join(path, e.Name()), mostPublic); err == nil && string(old) == o.Value {
			return run + "." + o.File
		}
	}
	return r.RunID + "." + o.File
}

// publicFiles are the outputs of r that are files.
func publicFiles(r core.Receipt) ([]file, error) {
	var files []file
	for _, o := range r.Outputs {
		if o.File == "" {
			continue
		}
		if !publicName.MatchString(o.File) {
			return nil, fmt.Errorf("output %q: is not the name of a file", o.File)
		}
		files = append(files, file{PublicName(r.Grant, o), []byte(o.Value)})
	}
	return files, nil
}
