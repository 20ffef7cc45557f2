// Recipients: the public keys that a hand-off is sealed to.
package handoff

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// Recipient is a public key, with what people compare over another channel. It
// is made by [ParseRecipients] only.
type Recipient struct {
	core.Recipient
	key age.Recipient
}

// The kinds of recipients.
const (
	x25519Kind      = "x25519"
	postQuantumKind = "post-quantum"
	sshEd25519Kind  = "ssh-ed25519"
	sshRSAKind      = "ssh-rsa"
)

// recipientFile is the longest list of recipients that is read.
const recipientFile = 1 << 20

// mostFaults is more than anybody reads at once.
const mostFaults = 20

const acceptedRecipients = `age1… (age-keygen -y key.txt), ssh-ed25519 or ssh-rsa (a line of a .pub file), or @FILE with one of them on each line`

// ParseRecipients reads public keys: age recipients, lines of SSH public key
// files, or "@FILE" for a file of such lines. In front of any of them may stand,
// as a pin, the fingerprint that it must have. Its error is [core.Faults] with
// all faults at once. A private key given by mistake is refused and not shown.
func ParseRecipients(given []string) ([]Recipient, error) { return ParseRecovery(given, "") }

// ParseRecovery is [ParseRecipients] with one more, "" for none: a key of the
// owner's own, with which the owner can recover the credential.
func ParseRecovery(given []string, recovery string) ([]Recipient, error) {
	var faults core.Faults
	all := parseAll(given, &faults)
	if recovery != "" {
		var own core.Faults
		mine := parseAll([]string{recovery}, &own)
		for i := range own {
			own[i].Field = "recovery"
		}
		if len(given) == 0 {
			own = append(own, core.Fault{Field: "recovery", Rule: "is given without to: nobody but you could open the credential", Accepts: "the key of whoever needs the credential as to"})
		}
		for i, r := range mine {
			if slices.ContainsFunc(all, r.is) {
				own = append(own, core.Fault{Field: "recovery", Value: r.Fingerprint, Rule: "is the key of a recipient already", Accepts: "another key, of your own"})
			}
			mine[i].Recovery = true
		}
		faults, all = append(faults, own...), append(all, mine...)
	}
	strong := slices.ContainsFunc(all, func(r Recipient) bool { return r.Kind == postQuantumKind })
	weak := slices.ContainsFunc(all, func(r Recipient) bool { return r.Kind != postQuantumKind })
	if strong && weak {
		faults = append(faults, fault("", "post-quantum and other recipients cannot share one file, which would be as weak as the weakest", "recipients of one sort only"))
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return all, nil
}

// parseAll reads public keys, each of them once.
func parseAll(given []string, faults *core.Faults) []Recipient {
	var all []Recipient
	for _, one := range given {
		pins, one := pinned(strings.TrimSpace(one))
		var found []Recipient
		before := len(*faults)
		for _, line := range expand(one, faults) {
			r, fault := parseRecipient(line)
			switch {
			case len(*faults) >= mostFaults:
			case fault != nil:
				*faults = append(*faults, *fault)
			default:
				found = append(found, r)
			}
		}
		if f := held(pins, found); f != nil && len(*faults) == before {
			*faults = append(*faults, *f)
		}
		for _, r := range found {
			if !slices.ContainsFunc(all, r.is) {
				all = append(all, r)
			}
		}
	}
	return all
}

// is reports whether two recipients are the same key.
func (r Recipient) is(other Recipient) bool {
	return r.Kind == other.Kind && r.Fingerprint == other.Fingerprint
}

// expand returns the lines of a file for "@FILE", and one itself otherwise.
func expand(one string, faults *core.Faults) []string {
	path, isFile := strings.CutPrefix(one, "@")
	if !isFile {
		return []string{one}
	}
	data, err := safefile.ReadAll(path, recipientFile)
	if err != nil {
		*faults = append(*faults, fault(one, "cannot be read: "+err.Error(), acceptedRecipients))
		return nil
	}
	if isPrivate(string(data)) {
		*faults = append(*faults, fault(one, "holds a private key, which must stay with its owner", acceptedRecipients))
		return nil
	}
	var list []string
	for line := range strings.Lines(string(withoutMark(data))) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		*faults = append(*faults, fault(one, "holds no recipient", acceptedRecipients))
	}
	return list
}

func parseRecipient(line string) (Recipient, *core.Fault) {
	refuse := func(value, rule string) (Recipient, *core.Fault) {
		f := fault(value, rule, acceptedRecipients)
		return Recipient{}, &f
	}
	switch {
	case line == "":
		return refuse("", "is empty")
	case line == "age1…" || line == "age1...":
		return refuse(line, "stands for a key where it is printed: put the public key of whoever is to receive the credential there")
	case isPrivate(line):
		return refuse("", "is a private key, which must stay with its owner; give its public half")
	case strings.HasPrefix(line, "age1pq1"):
		r, err := age.ParseHybridRecipient(line)
		if err != nil {
			return refuse(shorten(line), "is not a valid post-quantum age recipient: a letter is wrong or missing")
		}
		return newRecipient(postQuantumKind, fingerprint(r.String()), r), nil
	case strings.HasPrefix(line, "age1") && strings.Count(line, "1") > 1:
		return refuse(shorten(line), "belongs to an age plugin, and no plugin is run (or a letter is wrong)")
	case strings.HasPrefix(line, "age1"):
		r, err := age.ParseX25519Recipient(line)
		if err != nil {
			return refuse(shorten(line), "is not a valid age recipient: a letter is wrong or missing")
		}
		return newRecipient(x25519Kind, r.String(), r), nil
	case strings.HasPrefix(line, "ssh-") || strings.HasPrefix(line, "ecdsa-") || strings.HasPrefix(line, "sk-"):
		return parseSSH(line, refuse)
	}
	return refuse("", "is neither an age recipient nor an SSH public key (what was given is not shown, it may be a secret)")
}

func parseSSH(line string, refuse func(value, rule string) (Recipient, *core.Fault)) (Recipient, *core.Fault) {
	kind, _, _ := strings.Cut(line, " ")
	if kind != sshEd25519Kind && kind != sshRSAKind {
		return refuse(shorten(line), "is an SSH key of a kind that nothing can be sealed to")
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return refuse(shorten(line), "is not a valid SSH public key: a letter is wrong or missing")
	}
	r, err := agessh.ParseRecipient(line)
	if err != nil {
		return refuse(shorten(line), "cannot be sealed to: "+err.Error())
	}
	return newRecipient(kind, ssh.FingerprintSHA256(public), r), nil
}

func newRecipient(kind, fingerprint string, key age.Recipient) Recipient {
	return Recipient{core.Recipient{Kind: kind, Fingerprint: fingerprint}, key}
}

// fingerprint is the hash of a recipient that is too long to be compared, as
// sha256sum prints it. Shorter ones stand for themselves.
func fingerprint(recipient string) string {
	sum := sha256.Sum256([]byte(recipient))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func fault(value, rule, accepts string) core.Fault {
	return core.Fault{Field: "to", Value: value, Rule: rule, Accepts: accepts}
}

// isPrivate reports whether text holds a private key of any kind that people
// keep beside their public ones.
func isPrivate(text string) bool {
	text = strings.ToUpper(text)
	return strings.Contains(text, "AGE-SECRET-KEY-") || strings.Contains(text, "PRIVATE KEY") ||
		strings.Contains(text, "AGE-PLUGIN-")
}

// shorten shows enough of a public key to find it again.
func shorten(line string) string {
	const most = 24
	if len(line) <= most {
		return line
	}
	return fmt.Sprintf("%s…", line[:most])
}
