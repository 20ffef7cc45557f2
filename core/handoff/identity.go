// Identities: the private keys that open a hand-off.
package handoff

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// Identities reads the private keys of an age identity file, or an SSH private
// key without a passphrase. Its errors never show what they read.
func Identities(path string) ([]age.Identity, error) {
	data, err := safefile.ReadAll(path, recipientFile)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	defer clear(data)
	ids, err := parseIdentities(data)
	if err != nil {
		return nil, fmt.Errorf("identity %q: %w", path, err)
	}
	return ids, nil
}

func parseIdentities(data []byte) ([]age.Identity, error) {
	if looksSealed(data) {
		return nil, errors.New("is itself sealed with a passphrase; open it first: age -d FILE")
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		return parseSSHIdentity(data)
	}
	var ids []age.Identity
	n := 0
	for line := range strings.Lines(string(withoutMark(data))) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if strings.HasPrefix(line, "age1") || strings.HasPrefix(line, "ssh-") {
			return nil, fmt.Errorf("line %d: is a public key; the private one opens the file", n)
		}
		one, err := age.ParseIdentities(strings.NewReader(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: is not an age private key", n) // the cause could quote it
		}
		ids = append(ids, one...)
	}
	if len(ids) == 0 {
		return nil, errors.New("holds no private key")
	}
	return ids, nil
}

func parseSSHIdentity(data []byte) ([]age.Identity, error) {
	id, err := agessh.ParseIdentity(data)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return nil, errors.New("is protected by a passphrase; open the file with: age -d -i KEY FILE")
	}
	if err != nil {
		return nil, errors.New("is not an SSH private key that can open a file; accepted: ed25519, rsa")
	}
	return []age.Identity{id}, nil
}
