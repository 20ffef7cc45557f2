// What a doctor found: for people, for machines, and as a report for whoever helps.
package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// doctorJSON is a diagnosis as machines read it.
type doctorJSON struct {
	SchemaVersion int          `json:"schema_version"`
	Sandbox       bool         `json:"sandbox,omitempty"`
	Side          string       `json:"side"`     // "owner" or "holder"
	Manifest      core.Receipt `json:"manifest"` // as its sender claims, without commands
	core.Diagnosis
	Report string `json:"report,omitempty"` // the file with the report
}

// reportJSON is what whoever helps must know beside a diagnosis.
type reportJSON struct {
	Program versionJSON `json:"program"`
	Clock   time.Time   `json:"clock"` // of the machine that looked
	doctorJSON
}

// writeReport writes the report, unless it would hold a secret.
func (a *app) writeReport(path string, doc doctorJSON, held core.Credential) error {
	var b bytes.Buffer
	if err := printJSON(&b, reportJSON{a.version(), time.Now().UTC().Truncate(time.Second), doc}); err != nil {
		return err
	}
	err := handoff.Scan(b.Bytes())
	if shape := handoff.Leak(b.Bytes(), held); err == nil && shape != "" {
		err = errors.New("the credential's own, " + shape)
	}
	if err != nil {
		return &core.Error{Kind: core.ErrInvalid, What: "report", Err: fmt.Errorf("was not written, because it would hold a secret: %w", err)}
	}
	return writeNew(a.env.path(path), path, b.Bytes())
}

// listed is d with lists that are there even if nothing is in them.
func listed(d core.Diagnosis) core.Diagnosis {
	d.Symptoms = append([]core.Symptom{}, d.Symptoms...)
	d.Hypotheses = append([]core.Hypothesis{}, d.Hypotheses...)
	return d
}

// mostShown is how many hypotheses people read; mostEvidence, how much of what speaks for each.
const (
	mostShown    = 5
	mostEvidence = 3
)

// printDoctor prints what was found on standard output.
func (a *app) printDoctor(doc doctorJSON) error {
	if a.global.JSON {
		return printJSON(a.env.Stdout, doc)
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if doc.Sandbox {
		w.loud(sandboxBanner)
	}
	m := doc.Manifest
	w.line("grant %s: bucket %s, %s %s, prefix %s; as the manifest claims, which nobody has signed", m.Grant, m.Bucket, a.info.Nouns.Region, m.Region, orAll(m.Prefix))
	for i, h := range doc.Hypotheses[:min(len(doc.Hypotheses), mostShown)] {
		w.line("")
		w.line("%d. %s (%s)", i+1, h.Means, h.Name)
		w.line("   refused by: %s", h.Layer)
		for _, s := range h.Evidence[:min(len(h.Evidence), mostEvidence)] {
			w.line("   because:    %s: %s", s.Source, s.Text)
		}
		w.line("   confirm:    %s", h.Confirm)
		who := "whoever holds the access"
		if h.Owner {
			who = "the bucket's owner"
		}
		w.line("   mend:       %s", h.Fix)
		w.line("   who:        %s", who)
	}
	w.line("")
	if more := len(doc.Hypotheses) - mostShown; more > 0 {
		w.line("%d more, less likely: --json shows them", more)
	}
	a.looked(w, doc)
	if doc.Report != "" {
		w.line("wrote %s, in which no secret was found; it names the bucket and the grant", doc.Report)
	}
	return w.err
}

// looked says what was looked at, and what was not.
func (a *app) looked(w *paper, doc doctorJSON) {
	count, bad := map[core.Source]int{}, map[core.Source]int{}
	for _, s := range doc.Symptoms {
		if count[s.Source]++; !s.Good {
			bad[s.Source]++
		}
	}
	if len(doc.Hypotheses) == 0 {
		w.line("nothing was found that would explain a failure")
	}
	if n := count[core.SaidTry]; n > 0 {
		w.line("tried as the holder: %d of %d things that were granted work", n-bad[core.SaidTry], n)
	}
	var parts []string
	for _, n := range []struct {
		source core.Source
		name   string
	}{{core.SaidError, "the message"}, {core.SaidPlan, "the grant"}, {core.SaidKey, "its keys"}, {core.SaidLook, "what is beside it"}, {core.SaidClock, "the clock"}} {
		if count[n.source] > 0 {
			parts = append(parts, n.name)
		}
	}
	parts = append(parts, "the manifest")
	w.line("looked at: %s", strings.Join(parts, ", "))
	for _, u := range doc.Unseen {
		w.line("not looked at: %s", u)
	}
}
