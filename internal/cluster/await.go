package cluster

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// lookEvery is how often the rows of a store are looked at.
const lookEvery = time.Second

// Await waits until no shard has an owner that may be there, for a process that is to own all
// of them, and returns their rows: a claim by them fails if another process was quicker.
// waiting is called once, with the number of shards that have an owner, before it waits. The
// error is that of the store or of the context.
func Await(ctx context.Context, shards store.Shards, clk clock.Clock, waiting func(owned int)) ([]store.Shard, error) {
	var seen Observer
	passed := time.Duration(0)
	for told := false; ; told = true {
		mark := clk.Mark()
		rows, err := shards.Peek(ctx)
		if err != nil {
			return nil, err
		}
		seen.Look(rows, nil, passed)
		owned := 0
		for i := range rows {
			if seen.State(&rows[i]) == Owned {
				owned++
			}
		}
		if owned == 0 {
			return rows, nil
		}
		if !told {
			waiting(owned)
		}
		if !clock.Wait(ctx, lookEvery) {
			return nil, ctx.Err()
		}
		passed = clk.Elapsed(mark)
	}
}
