package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// unusableVersion is a version that cannot be run: nothing of it is sent, and W
// does not wait for it. See ADR 17.
//
//	   since          certain              mended: a newer program, or an edit
//	─────┼────────────────┼────────────────────┼──────► scheduled at
//	     │ may have been  │ MISSED             │ as any job
//	     │ sent: uncertain│                    │
type unusableVersion struct {
	store.Aside
	reason error
}

// unusableError refuses what a job that is set aside cannot do. Call with the
// lock of the registry held.
func (reg *registry) unusableError(id domain.JobID) error {
	if a, found := reg.unusable[id]; found {
		return domain.Conflict("the job cannot be run: %s. Change it, or delete it", domain.FaultText(a.reason))
	}
	return nil
}

// checkJobs warns of jobs that are set aside.
func (reg *registry) checkJobs() domain.Check {
	c := domain.Check{Name: "jobs", OK: true}
	reg.mu.Lock()
	defer reg.mu.Unlock()
	const most = 3 // are named
	var named []string
	for _, id := range reg.unusableOrder {
		if a, found := reg.unusable[id]; found && len(named) < most {
			named = append(named, fmt.Sprintf("%s: %s", id, domain.FaultText(a.reason)))
		}
	}
	switch n := len(reg.unusable); {
	case n == 1:
		c.Warning = "1 job cannot be run: " + named[0]
	case n > most:
		c.Warning = fmt.Sprintf("%d jobs cannot be run: %s; and %d more", n, strings.Join(named, "; "), n-most)
	case n > 1:
		c.Warning = fmt.Sprintf("%d jobs cannot be run: %s", n, strings.Join(named, "; "))
	}
	return c
}

// unknownFires is the record of the time in which a version that has ended
// could not be run. Which fires it had is not known: the record covers all of them.
func unknownFires(a store.Aside, v *domain.Version, now int64, reason error) (domain.Execution, bool) {
	from, last := max(a.Since+1, v.EffectiveFrom), v.EffectiveTo-1
	if !v.Active || last <= from {
		return domain.Execution{}, false
	}
	return domain.Execution{
		FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: last}, Version: v.Number,
		Status: domain.StatusMissed, CompletedAt: now,
		Error:  run.NotRunText(reason) + "; which fires it had until its next version is not known",
		Missed: &domain.MissedRange{From: from, Count: 1},
	}, true
}

// endUnusable follows a change that has ended a version which could not be run. It
// returns what records the end, or nil. A start repeats it as long as the store keeps
// the version as set aside.
func (e *editor) endUnusable(j *run.Job) (rest func(context.Context) error) {
	e.registry.mu.Lock()
	a, found := e.registry.unusable[j.ID]
	delete(e.registry.unusable, j.ID)
	e.registry.mu.Unlock()
	if !found {
		return nil
	}
	return func(ctx context.Context) error { return e.recordUnusable(ctx, a) }
}

func (e *editor) recordUnusable(ctx context.Context, a unusableVersion) error {
	versions, err := e.store.Jobs().Versions(ctx, a.JobID)
	if err != nil {
		return err
	}
	var batch store.Batch
	for i := range versions {
		if versions[i].Number != a.Version {
			continue
		}
		if fact, some := unknownFires(a.Aside, &versions[i], e.now(), a.reason); some {
			batch.Facts = append(batch.Facts, fact)
		}
	}
	err = e.store.Ledger().OpenRuns(ctx, func(open domain.OpenRun) error {
		if open.JobID == a.JobID && open.Version == a.Version {
			batch.Facts = append(batch.Facts, run.EndBroken(&open, e.now(), a.reason))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(batch.Facts) > 0 {
		if err := e.store.Ledger().Record(ctx, batch); err != nil {
			return err
		}
	}
	for i := range batch.Facts {
		e.runner.count(&batch.Facts[i])
	}
	return e.store.Ledger().EndAside(ctx, []store.Aside{a.Aside})
}
