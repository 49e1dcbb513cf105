package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// History makes a history with the store's own code and measures it.
func (b *Bench) History(ctx context.Context, size HistorySize) (out History, err error) {
	run := &historyRun{
		environment: b.env, size: size, crowd: newCrowd(size.Rows, size.Days),
		folder: filepath.Join(b.env.folder, fmt.Sprintf("history-%d-%d", size.Rows, size.Days)),
		out:    History{Rows: size.Rows, Days: size.Days},
	}
	run.out.Jobs = len(run.crowd.versions)
	defer func() {
		err = errors.Join(err, run.close())
		if !size.Keep {
			err = errors.Join(err, os.RemoveAll(run.folder))
		}
	}()
	for _, step := range []func(context.Context) error{
		run.open, run.fill, run.closed, run.measureSize, run.open, run.queries, run.closed, run.export,
		run.open, run.drop,
	} {
		if err := step(ctx); err != nil {
			return run.out, err
		}
	}
	return run.out, nil
}
