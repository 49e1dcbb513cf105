package engine

import (
	"context"
	"fmt"
	"strings"
	"unique"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// asideVersion is a version that cannot be run: nothing of it is sent, and W
// does not wait for it. See ADR 17.
//
//	   since          certain              mended: a newer program, or an edit
//	─────┼────────────────┼────────────────────┼──────► scheduled at
//	     │ may have been  │ MISSED             │ as any job
//	     │ sent: uncertain│                    │
type asideVersion struct {
	store.Aside
	reason error
}

// standIn is what takes the place of a version that cannot be run: it has its
// number and its time, and no fires.
func standIn(v *domain.Version) *version {
	ver := &version{number: int32(v.Number), from: v.EffectiveFrom, plan: unique.Make(plan{})} //nolint:gosec // as in newVersion
	ver.to.Store(v.EffectiveTo)
	ver.host = unique.Make("")
	return ver
}

// notRun says why a version was not run.
func notRun(reason error) string { return "the job could not be run: " + domain.FaultText(reason) }

// asideError refuses what a job that is set aside cannot do. Call with e.mu
// held.
func (e *Engine) asideError(id domain.JobID) error {
	if a, found := e.aside[id]; found {
		return domain.Conflict("the job cannot be run: %s. Change it, or delete it", domain.FaultText(a.reason))
	}
	return nil
}

// checkJobs warns of jobs that are set aside.
func (e *Engine) checkJobs() Check {
	c := Check{Name: "jobs", OK: true}
	e.mu.Lock()
	defer e.mu.Unlock()
	const most = 3 // are named
	var named []string
	for _, id := range e.asideOrder {
		if a, found := e.aside[id]; found && len(named) < most {
			named = append(named, fmt.Sprintf("%s: %s", id, domain.FaultText(a.reason)))
		}
	}
	switch n := len(e.aside); {
	case n == 1:
		c.Warning = "1 job cannot be run: " + named[0]
	case n > most:
		c.Warning = fmt.Sprintf("%d jobs cannot be run: %s; and %d more", n, strings.Join(named, "; "), n-most)
	case n > 1:
		c.Warning = fmt.Sprintf("%d jobs cannot be run: %s", n, strings.Join(named, "; "))
	}
	return c
}

// endOf is what becomes of an open run whose version cannot be run and has
// ended.
func endOf(run *domain.OpenRun, reason string) (domain.Status, string) {
	switch n := len(run.Attempts); {
	case run.InFlight:
		return domain.StatusUnknown, lostOutcome + "; " + reason
	case n == 0:
		return domain.StatusMissed, reason
	default:
		return domain.StatusFailed, "no further attempt: " + reason + "; last error: " + run.Attempts[n-1].Error
	}
}

// endRun returns the record of an open run that cannot be sent again.
func endRun(run *domain.OpenRun, now int64, reason error) domain.Execution {
	status, text := endOf(run, notRun(reason))
	x := domain.Execution{FireKey: run.FireKey, Version: run.Version, Status: status, CompletedAt: now, Error: text}
	if n := len(run.Attempts); n > 0 {
		x.StartedAt, x.HTTPStatus = run.Attempts[0].StartedAt, run.Attempts[n-1].HTTPStatus
		x.RetryCount, x.Attempts = n-1, run.Attempts
	}
	return x
}

// unknownFires is the record of the time in which a version that has ended
// could not be run. Which fires it had is not known: it stands for all of them.
func unknownFires(a store.Aside, v *domain.Version, now int64, reason error) (domain.Execution, bool) {
	from, last := max(a.Since+1, v.EffectiveFrom), v.EffectiveTo-1
	if !v.Active || last <= from {
		return domain.Execution{}, false
	}
	return domain.Execution{
		FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: last}, Version: v.Number,
		Status: domain.StatusMissed, CompletedAt: now,
		Error:  notRun(reason) + "; which fires it had until its next version is not known",
		Missed: &domain.MissedRange{From: from, Count: 1},
	}, true
}

// endAside follows an edit that has ended a version which could not be run.
func (e *Engine) endAside(by context.Context, j *job) {
	e.mu.Lock()
	a, found := e.aside[j.id]
	delete(e.aside, j.id)
	e.mu.Unlock()
	if !found {
		return
	}
	// A start repeats it as long as the store keeps the version as set aside.
	go e.untilKnown(context.WithoutCancel(by), func(ctx context.Context) error { return e.closeAside(ctx, a) })
}

func (e *Engine) closeAside(ctx context.Context, a asideVersion) error {
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
	err = e.store.Ledger().OpenRuns(ctx, func(run domain.OpenRun) error {
		if run.JobID == a.JobID && run.Version == a.Version {
			batch.Facts = append(batch.Facts, endRun(&run, e.now(), a.reason))
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
		e.count(&batch.Facts[i])
	}
	return e.store.Ledger().EndAside(ctx, []store.Aside{a.Aside})
}
