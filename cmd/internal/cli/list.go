// list: every grant of an account, found by its marks, with what is not as it should be.
package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type listOptions struct {
	settings *grantFlags
	ExitCode bool
}

func (a *app) listCommand() *cobra.Command {
	var o listOptions
	c := a.command(page{
		Use: "list", Short: "List every grant of the $ACCOUNT with its keys, and what is not as it should be",
		Long: "Finds grants by the marks that they carry in the cloud: there is no file that knows them. Shows of each who has it, how old its keys are and when they were last used, when it ends, and what its marks and keys tell that is not as it should be. " +
			"$PROGRAM status looks at one grant more closely. With --exit-code it is of use to a scheduler.",
		Examples: []string{
			"$PROGRAM list" + a.accountExample(),
			"$PROGRAM list" + a.accountExample() + " --exit-code --json",
		},
		Ends: []error{errChanges, core.ErrBlocked, core.ErrOperator, errInterrupted}, Means: map[error]string{errChanges: "something is not as it should be (with --exit-code)"},
	})
	o.settings = a.addSettings(c.Flags())
	c.Flags().BoolVar(&o.ExitCode, "exit-code", false, "end with 3 if something is not as it should be")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return listRun(c.Context(), a, o) })
	}
	return c
}

// accountExample is the flags that say which account is meant, with values that work.
func (a *app) accountExample() string {
	var line string
	for _, s := range a.info.Settings {
		if s.Required && len(s.Only) == 0 {
			line += " --" + s.Name + " " + s.Example
		}
	}
	return line
}

func listRun(ctx context.Context, a *app, o listOptions) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	finder, ok := core.Power[core.Finder](s.provider)
	if !ok {
		return &core.Error{Kind: core.ErrInvalid, What: "list", Err: errors.New("this cloud's grants carry no marks by which they could be found"), Hint: a.cloud.Program + " status, for one grant"}
	}
	settings, faults := a.accountOf(o.settings)
	if err := faults.Err(); err != nil {
		return err
	}
	operator, found, err := a.found(ctx, finder, settings)
	if err != nil {
		return err
	}
	doc := listing(operator, found, time.Now())
	doc.Sandbox = s.sandbox != nil
	if err := a.printList(doc); err != nil {
		return err
	}
	if o.ExitCode && slices.ContainsFunc(doc.Grants, func(g listedJSON) bool { return slices.ContainsFunc(g.Findings, amiss) }) {
		return errChanges
	}
	return nil
}

// accountOf is what the flags and the environment say of the account.
func (a *app) accountOf(g *grantFlags) (map[string]string, core.Faults) {
	words, faults := a.read(g)
	settings := map[string]string{}
	for _, f := range g.table {
		switch v := words.text[f.Key]; {
		case !f.Setting || !f.always():
		case v == "":
			faults = append(faults, core.Fault{Field: f.Key, Rule: "is missing", Accepts: f.Usage + ", e.g. " + f.Example})
		default:
			settings[f.Key] = v
		}
	}
	return settings, faults
}

// found looks for every grant while saying that this takes a while.
func (a *app) found(ctx context.Context, f core.Finder, settings map[string]string) (core.Operator, []core.Found, error) {
	a.env.Doing.Set("reading the cloud; nothing has been written")
	defer a.unlessQuick("looking for grants …")()
	return f.Find(ctx, settings)
}

// listJSON is every grant of an account as machines read it.
type listJSON struct {
	SchemaVersion int           `json:"schema_version"`
	Sandbox       bool          `json:"sandbox,omitempty"`
	Operator      core.Operator `json:"operator"`
	Looked        time.Time     `json:"looked"`
	Findings      int           `json:"findings"` // of all grants
	Grants        []listedJSON  `json:"grants"`
}

// listedJSON is one of them.
type listedJSON struct {
	core.Found
	Keys     []keyJSON      `json:"keys"`
	RotateBy *time.Time     `json:"rotate_by,omitempty"`
	Orphan   bool           `json:"orphan"` // parts of it are there without what they belong to
	Findings []core.Finding `json:"findings"`
}

// listing puts the grants in order and adds what their keys and ends tell.
func listing(operator core.Operator, found []core.Found, now time.Time) listJSON {
	doc := listJSON{SchemaVersion: 1, Operator: operator, Looked: now.UTC().Truncate(time.Second), Grants: []listedJSON{}}
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(x, y core.Found) int {
		return cmp.Or(cmp.Compare(x.Grant, y.Grant), cmp.Compare(x.Principal, y.Principal), cmp.Compare(x.Bucket, y.Bucket), cmp.Compare(x.Prefix, y.Prefix))
	})
	for _, f := range found {
		one := listedJSON{Found: f, Keys: keysJSON(f.Keys, now), Findings: append([]core.Finding{}, f.Look(now)...)}
		if by := f.RotateBy(); !by.IsZero() {
			one.RotateBy = &by
		}
		one.Orphan = slices.ContainsFunc(one.Findings, func(f core.Finding) bool { return f.Kind == core.OrphanPrincipal })
		doc.Findings += len(one.Findings)
		doc.Grants = append(doc.Grants, one)
	}
	return doc
}
