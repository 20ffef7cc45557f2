// Manifests: the receipt as files beside the credential's.
package handoff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

const (
	jsonManifest = ".manifest.json"
	textManifest = ".manifest.txt"
	mostManifest = 1 << 20
)

// ManifestPath is where the manifest of a delivered file lies.
func ManifestPath(path string) string {
	dir, name := filepath.Split(path)
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 {
		return path + jsonManifest
	}
	return dir + parts[0] + "." + parts[1] + jsonManifest
}

// Manifest reads a manifest. Nobody has signed it: it says what its sender
// claims, and [Bound] whether a file is the one that it speaks of.
func Manifest(path string) (core.Receipt, error) {
	data, err := safefile.ReadAll(path, mostManifest)
	if err != nil {
		return core.Receipt{}, fmt.Errorf("manifest: %w", err)
	}
	var version struct {
		SchemaVersion int `json:"schema_version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return core.Receipt{}, fmt.Errorf("manifest %q: is damaged: %w", path, err)
	}
	if version.SchemaVersion != 1 {
		return core.Receipt{}, fmt.Errorf("manifest %q: schema_version is %d; accepted: 1", path, version.SchemaVersion)
	}
	var r core.Receipt
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return core.Receipt{}, fmt.Errorf("manifest %q: is damaged: %w", path, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return core.Receipt{}, fmt.Errorf("manifest %q: is damaged: it goes on after its end", path)
	}
	return r, nil
}

// EncodeManifest is the receipt as its manifest holds it. It is safe on a
// terminal: remote text in it is coded like that of [Safe].
func EncodeManifest(r core.Receipt) ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return safeJSON(append(data, '\n')), nil
}

// Bound reports whether data is what the receipt's file of that name held when
// it was written.
func Bound(r core.Receipt, path string, data []byte) error {
	if r.Delivery == nil {
		return errors.New("manifest: names no file")
	}
	sum := sha256.Sum256(data)
	for _, f := range r.Delivery.Files {
		if filepath.Base(f.Path) != filepath.Base(path) {
			continue
		}
		if f.SHA256 != hex.EncodeToString(sum[:]) {
			return fmt.Errorf("manifest: %q was changed after it was written", path)
		}
		return nil
	}
	return fmt.Errorf("manifest: speaks of other files than %q", path)
}

// manifestsOf makes the two manifests.
func manifestsOf(r core.Receipt, stem string) ([]file, error) {
	data, err := EncodeManifest(r)
	if err != nil {
		return nil, err
	}
	return []file{{stem + jsonManifest, data}, {stem + textManifest, []byte(Text(r))}}, nil
}

// noneLeaks refuses manifests with the secret in them, which would be an error
// of this program in what it puts into a receipt.
func noneLeaks(manifests []file, c core.Credential) error {
	for _, m := range manifests {
		if bytes.Contains(m.data, c.Secret.Reveal()) || bytes.Contains(m.data, []byte("PRIVATE KEY")) {
			return fmt.Errorf("manifest %q: would hold the secret", m.name)
		}
	}
	return nil
}
