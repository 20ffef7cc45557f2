// Gather: reads side by side, after which everything that the operator may not look at is told at once.
package s3

import (
	"context"
	"errors"

	"github.com/bucketgrant/bucketgrant/core"
)

// gather runs reads side by side and waits for all. Of their errors it returns
// the first; if that one is a refusal, then all refusals, because whoever asks
// for permissions asks once.
func gather(ctx context.Context, reads ...func(context.Context) error) error {
	errs := make([]error, len(reads))
	tasks := make([]func(context.Context) error, len(reads))
	for i, read := range reads {
		tasks[i] = func(ctx context.Context) error {
			errs[i] = read(ctx)
			return nil
		}
	}
	if err := core.Together(ctx, tasks...); err != nil {
		return err // a panic
	}
	return refusals(errs)
}

// refusals is the first of errs, or all refusals if it is one, each once.
func refusals(errs []error) error {
	var list []error
	told := map[string]bool{}
	for _, err := range errs {
		switch {
		case err == nil:
		case !errors.Is(err, core.ErrOperator) && !errors.Is(err, core.ErrBlocked):
			if len(list) == 0 {
				return err
			}
		case !told[err.Error()]:
			told[err.Error()] = true
			list = append(list, err)
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return errors.Join(list...)
}
