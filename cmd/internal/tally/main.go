// Tally runs go test and closes with a table of the suites: what each of them
// has tried, and what did not hold.
//
//	tally K1,F1 go test -json ./...
//
// It prints what go test would. It fails if go test does, and if a suite that is
// asked for has tried nothing: a table without a suite must not look well.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: tally SUITE,SUITE go test -json PACKAGE...")
		os.Exit(2)
	}
	if err := run(strings.FieldsFunc(os.Args[1], func(r rune) bool { return r == ',' }), os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func run(wanted, command []string) error {
	test := exec.CommandContext(context.Background(), command[0], command[1:]...) //nolint:gosec // the caller's own command
	test.Stderr = os.Stderr
	said, err := test.StdoutPipe()
	if err != nil {
		return err
	}
	if err := test.Start(); err != nil {
		return err
	}
	r := newRecord()
	if err := r.read(said, os.Stdout); err != nil {
		return fmt.Errorf("%w (%w)", err, test.Wait())
	}
	failed := test.Wait()
	missing := r.table(os.Stdout, wanted)
	switch {
	case failed != nil:
		return failed
	case len(missing) > 0:
		return fmt.Errorf("nothing was tried by %s", strings.Join(missing, ", "))
	}
	return nil
}
