// Backup data: what AWS's own documents and policies say, as data with its source and date.
package s3

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed backup.json
var backupJSON []byte

// backupData is the form of backup.json.
type backupData struct {
	Documented struct {
		Source   string             `json:"source"`
		Role     string             `json:"role"`
		Path     string             `json:"path"`
		Policies []documentedPolicy `json:"policies"`
	} `json:"documented"`
	Managed []managedPolicy `json:"managed"` // for backups, and for restores
	Limits  []string        `json:"limits"`
}

// documentedPolicy is a policy of the source document, word for word.
type documentedPolicy struct {
	Name     string          `json:"name"`
	Document json.RawMessage `json:"document"`
}

// managedPolicy is a policy that AWS itself keeps for the same purpose, as it was at some date.
type managedPolicy struct {
	Name       string             `json:"name"`
	Version    string             `json:"version"`
	Date       string             `json:"date"`
	Source     string             `json:"source"`
	Statements []managedStatement `json:"statements"`
}

// managedStatement says in a word what its actions are on.
type managedStatement struct {
	Sid     string   `json:"sid"`
	On      string   `json:"on"`
	Actions []string `json:"actions"`
}

// The words for what a statement is on.
const (
	onKey        = "key"
	onRules      = "rules"
	onEverything = "everything"
	onPoints     = "recovery-points"
)

// backups is the data, decoded when it is first needed.
var backups = sync.OnceValue(readBackupData)

// readBackupData decodes the data. It panics if it is broken: it is part of the program.
func readBackupData() backupData {
	d := json.NewDecoder(bytes.NewReader(backupJSON))
	d.DisallowUnknownFields()
	var b backupData
	if err := d.Decode(&b); err != nil {
		panic(fmt.Sprintf("s3: backup.json: %v", err))
	}
	return b
}

// policy is what AWS's policy allows, for one bucket and its key only.
func (m managedPolicy) policy(d design) policy {
	doc := policy{Version: policyVersion}
	for _, s := range m.Statements {
		one := statement{Sid: s.Sid, Effect: "Allow", Action: s.Actions}
		switch s.On {
		case onBucket:
			one.Resource = texts{d.bucketARN()}
		case onObjects:
			one.Resource = texts{d.bucketARN() + "/*"}
		case onKey:
			if d.kmsKey == "" {
				continue
			}
			one.Resource = texts{d.kmsKey}
			one.require("StringEquals", "kms:ViaService", texts{"s3." + d.region + "." + d.partition.suffix})
		case onRules:
			one.Resource = texts{"arn:" + d.partition.name + ":events:*:*:rule/AwsBackupManagedRule*"}
		case onPoints:
			one.Resource = texts{"arn:" + d.partition.name + ":backup:*:*:recovery-point:*"}
			one.require("StringEquals", "aws:PrincipalAccount", texts{"${aws:ResourceAccount}"})
		default:
			one.Resource = texts{"*"}
		}
		if e := d.grant.Limits.Expires; !e.IsZero() {
			one.until(e)
		}
		doc.Statement = append(doc.Statement, one)
	}
	return doc
}

// on are the actions on one kind of thing.
func (m managedPolicy) on(what string) []string {
	var list []string
	for _, s := range m.Statements {
		if s.On == what {
			list = append(list, s.Actions...)
		}
	}
	return list
}

// actions are all of them, sorted.
func (m managedPolicy) actions() []string {
	var list []string
	for _, s := range m.Statements {
		list = append(list, s.Actions...)
	}
	slices.Sort(list)
	return list
}

// actionsIn are the actions that a policy's text allows, sorted, each once.
func actionsIn(document []byte) []string {
	shelf, err := openShelf(string(document))
	if err != nil {
		return nil
	}
	var list []string
	for _, raw := range shelf.statements {
		var s struct{ Action json.RawMessage }
		var one string
		var many []string
		if json.Unmarshal(raw, &s) != nil {
			continue
		}
		if json.Unmarshal(s.Action, &one) == nil {
			many = []string{one}
		} else if json.Unmarshal(s.Action, &many) != nil {
			continue
		}
		list = append(list, many...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// lacking is what of all is not in some.
func lacking(some, all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(a string) bool { return slices.Contains(some, a) })
}

// difference says in words how some differ from AWS's own.
func difference(some, theirs []string) string {
	var words []string
	if less := lacking(some, theirs); len(less) > 0 {
		words = append(words, "without "+strings.Join(less, ", "))
	}
	if more := lacking(theirs, some); len(more) > 0 {
		words = append(words, "with "+strings.Join(more, ", ")+" on top")
	}
	if len(words) == 0 {
		return "the same actions"
	}
	return strings.Join(words, "; ")
}
