package engine

import (
	"context"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/recovery"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	lookEvery = time.Second
	lookMost  = 4_000 // open runs that a look reads
	lookPart  = 1_000 // of them, with one request
)

// adopter looks after executions of an owner's jobs that other processes carry out.
type adopter struct{ *owner }

// runLook looks once a second at the open runs that are carried out elsewhere.
//
//	the open run        what it means                      what follows
//	is not there        it is on record                    the job is free
//	is of a process     that is there                      nothing
//	                    that is gone, or is overdue        it is adopted: as in a recovery
//	is of nobody        its process has given it up        it is adopted
//	is of this process  it was handed over, and is back    nothing while it is in flight
func (o adopter) runLook(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for failed := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := o.lookOnce(ctx)
		if err != nil && ctx.Err() == nil && !failed {
			o.log.Warn("open runs of other processes could not be looked at", "error", err)
		}
		failed = err != nil
	}
}

// lookOnce looks at some of the open runs that are carried out elsewhere. It returns the first error.
func (o adopter) lookOnce(ctx context.Context) (err error) {
	for part := range slices.Chunk(o.runner.away.next(lookMost), lookPart) {
		if failed := o.lookAt(ctx, part); err == nil {
			err = failed
		}
	}
	return err
}

func (o adopter) lookAt(ctx context.Context, part []run.Elsewhere) error {
	ctx, cancel := context.WithTimeout(ctx, horizon)
	defer cancel()
	// In this order: what is not here, and has an open run of this process once everything is on
	// record, is nowhere.
	here := o.here(part)
	if here != nil {
		if err := o.flush(ctx); err != nil {
			return err
		}
	}
	open, err := o.readOpen(ctx, part)
	if err != nil {
		return err
	}
	return o.judge(ctx, part, open, here)
}

// here returns which runs of a part this process carries out, from before it lost their jobs.
func (o adopter) here(part []run.Elsewhere) map[domain.FireKey]*run.Run {
	mine := make(map[domain.FireKey]*run.Run)
	for _, e := range part {
		if e.Runner == o.shards.Node {
			mine[e.Key()] = nil
		}
	}
	if len(mine) == 0 {
		return nil
	}
	for _, find := range placesOf(o.runner) {
		find(func(r *run.Run) bool {
			if _, wanted := mine[r.Key()]; wanted && r.Job.Lost() {
				mine[r.Key()] = r
			}
			return false
		})
	}
	return mine
}

func (o adopter) readOpen(ctx context.Context, part []run.Elsewhere) (map[domain.FireKey]*domain.OpenRun, error) {
	keys := make([]domain.FireKey, len(part))
	for i := range part {
		keys[i] = part[i].Key()
	}
	found, err := o.store.Ledger().RunsOf(ctx, keys)
	open := make(map[domain.FireKey]*domain.OpenRun, len(found))
	for i := range found {
		open[found[i].FireKey] = &found[i]
	}
	return open, err
}

// judge does with each run of a part what its open run says.
func (o adopter) judge(ctx context.Context, part []run.Elsewhere, open map[domain.FireKey]*domain.OpenRun,
	here map[domain.FireKey]*run.Run) error {
	var lost []adoption
	now := o.now()
	for _, e := range part {
		if e.Job.Lost() {
			endAway(o.runner, e.Run)
			continue
		}
		row := open[e.Key()]
		look := run.Look{Open: row != nil, Now: now}
		if row != nil {
			look.Named, look.Self, look.Here = row.Runner != 0, row.Runner == o.shards.Node, here[e.Key()] != nil
			look.Alive, look.Until = o.alive != nil && o.alive(row.Runner), row.RunUntil
		}
		switch found, loss := run.DecideElsewhere(look); found {
		case run.FoundEnded:
			endAway(o.runner, e.Run)
		case run.FoundLost:
			lost = append(lost, adoption{e.Run, row, loss})
		case run.FoundRunning:
			o.follow(e, row, here[e.Key()])
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return o.adopt(ctx, lost, now)
}

// follow notes what the open run of a run says that goes on elsewhere, or here from before.
func (o adopter) follow(e run.Elsewhere, row *domain.OpenRun, here *run.Run) {
	if row.Runner != e.Runner {
		o.runner.away.moved(e.Run, row.Runner)
	}
	started := int64(0)
	if here != nil {
		here.Job.Mu.Lock()
		started = here.StartedAt
		here.Job.Mu.Unlock()
	}
	e.Job.Mu.Lock()
	defer e.Job.Mu.Unlock()
	if e.State == run.StateElsewhere {
		e.ReadOpen(row)
		if e.StartedAt == 0 {
			e.StartedAt = started
		}
	}
}

// adoption is a run that nobody carries out any more, with its open run.
type adoption struct {
	*run.Run
	open *domain.OpenRun
	loss run.Loss
}

// adopt takes runs over that were lost, by the rules of a recovery: what it decides is on record
// before anything is sent. Which of them this process has says the store afterwards: a process
// that was thought to be gone may have recorded a result meanwhile.
func (o adopter) adopt(ctx context.Context, lost []adoption, now int64) error {
	decided := recovery.Decisions{Ledger: o.store.Ledger(), Node: o.shards.Node, Count: o.runner.count}
	taken, part := make(map[*run.Run]*run.Run, len(lost)), make([]run.Elsewhere, len(lost))
	for i, a := range lost {
		fence := *o.shards.At(a.Job.Shard).Fence()
		if a.Job.Lost() {
			continue // whoever drops it forgets it
		}
		if !slices.Contains(decided.Fences, fence) {
			decided.Fences = append(decided.Fences, fence)
		}
		part[i] = run.Elsewhere{Run: a.Run}
		// What was to be sent while its process was there may be under way.
		a.open.InFlight = a.open.InFlight ||
			a.loss != run.LossGivenUp && a.open.Crashes == 0 && a.open.NextAt <= now
		r, what := run.Resume(a.Job, a.Ver, a.open, a.loss, now)
		if what.Status != domain.StatusPending {
			decided.Add(r.Result(what.Status, now, what.Reason), a.open.Runner)
			continue
		}
		decided.Take(r, a.open, now)
		taken[a.Run] = r
	}
	part = slices.DeleteFunc(part, func(e run.Elsewhere) bool { return e.Run == nil })
	if err := decided.Flush(ctx); err != nil {
		if stale := store.StaleShards(err); stale != nil { // the next look adopts those of the others
			o.keeper.stale(slices.DeleteFunc(decided.Fences, func(f store.Fence) bool {
				return !slices.Contains(stale, f.Number)
			}))
			return nil
		}
		return err
	}
	open, err := o.readOpen(ctx, part)
	if err != nil {
		return err // the next look finds them: they are of this process, and not here
	}
	for _, e := range part {
		switch row := open[e.Key()]; {
		case row == nil:
			endAway(o.runner, e.Run)
		case row.Runner == o.shards.Node && taken[e.Run] != nil:
			carryOn(o.runner, e.Run, taken[e.Run])
		}
	}
	return nil
}

// carryOn sends a run that was carried out elsewhere, as it was taken over.
func carryOn(rn *runner, r, as *run.Run) {
	switch enters, ok := r.Job.CarryOn(r, as, rn.now()); {
	case !ok:
		rn.recorder.AddNow(giveUp(rn, as.OpenRun(as.RetryAt, false, rn.now())))
		return
	case enters && r.State == run.StateAwaitRetry:
		awaitRetry(rn, r)
	case enters:
		rn.dispatch([]*run.Run{r})
	}
	rn.away.remove(r)
}

// giveBack gives up the runs of shards that could not be taken over after all.
func giveBack(rn *runner, found *recovery.Result) {
	for _, r := range found.Resend {
		rn.recorder.AddNow(giveUp(rn, r.OpenRun(r.RetryAt, false, rn.now())))
	}
}
