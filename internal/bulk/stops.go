package bulk

import (
	"context"
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// endTimeout is for how long owners on other nodes are waited for.
const endTimeout = 30 * time.Second

// stops are the jobs that operations have paused or deleted whose owners are other nodes: these
// take a few seconds to follow. Runner.Run alone uses it.
type stops struct {
	store store.Store
	clock clock.Clock
	log   *slog.Logger
	of    map[domain.OperationID]*stopping // of operations that have not ended
}

// stopping are those of one operation.
type stopping struct {
	store.Effects

	waits bool // all jobs are dealt with
	since clock.Mark
}

func newStops(s store.Store, clk clock.Clock, log *slog.Logger) *stops {
	return &stops{s, clk, log, make(map[domain.OperationID]*stopping)}
}

// effects returns where the changes of an operation are noted.
func (st *stops) effects(id domain.OperationID) *store.Effects {
	if st.of[id] == nil {
		st.of[id] = new(stopping)
	}
	return &st.of[id].Effects
}

func (st *stops) drop(id domain.OperationID) { delete(st.of, id) }

// ended reports whether the jobs that an operation has stopped send nothing any more. What
// their owners do not confirm within 30 s is given up. A start after a crash comes later than that.
func (st *stops) ended(ctx context.Context, id domain.OperationID) (bool, error) {
	s := st.of[id]
	if s == nil || s.Empty() {
		return true, nil
	}
	if !s.waits {
		s.waits, s.since = true, st.clock.Mark()
	}
	rows, err := st.store.Shards().Peek(ctx)
	if err != nil {
		return false, err
	}
	open := s.Look(rows, clock.NowMs(st.clock))
	if open > 0 && st.clock.Since(s.since) > endTimeout {
		st.log.Warn("owners of jobs have not confirmed that they follow an operation", "operation", id.String(),
			"shards", open)
		return true, nil
	}
	return open == 0, nil
}
