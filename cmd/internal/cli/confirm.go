// Confirm: nothing is written before somebody has said yes.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// talks reports whether the conversation is wanted. With --json standard error
// holds nothing but documents.
func (a *app) talks() bool { return !a.global.Quiet && !a.global.JSON }

// asks reports whether somebody will be asked. What is asked about is then
// shown even to whoever wants no conversation.
func (a *app) asks(yes bool) bool { return !yes && a.env.Terminal.In && a.env.Terminal.Err }

// confirm asks a question on a terminal and returns whether the answer is
// wanted. Without a terminal it refuses: a program must say --yes.
func (a *app) confirm(ctx context.Context, question, wanted string) error {
	if !a.asks(false) {
		return usageError(errors.New("there is no terminal to ask for a confirmation"), "review the plan, then run the same command with --yes")
	}
	_, _ = fmt.Fprintf(a.env.Stderr, "%s ", clean(question))
	answer := make(chan string, 1)
	go func() { // a read from a terminal cannot be cancelled; the process ends with it
		line, _ := bufio.NewReader(io.LimitReader(a.env.Stdin, 4096)).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case got := <-answer:
		if got == wanted || wanted == "y" && (got == "Y" || strings.EqualFold(got, "yes")) {
			return nil
		}
	}
	return errors.New("not confirmed; nothing was done")
}
