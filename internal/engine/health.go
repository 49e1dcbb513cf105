package engine

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Lags from which the engine reports that it is unhealthy.
const (
	unhealthyBeat   = horizon         // no beat for so long: nothing is sent any more
	unhealthyRecord = horizon         // results wait and nothing is recorded for so long
	unhealthyLoop   = 5 * time.Second // the timetable has not turned
	unhealthyTable  = 5 * time.Second // the timetable is behind the clock
)

// Health returns what the engine thinks of itself, and why.
func (e *Engine) Health() domain.Health {
	checks := []domain.Check{e.checkStore(), e.checkTimetable(), e.registry.checkJobs(),
		{Name: "zones", OK: true, Warning: e.zones.Warning()},
		e.checkRunning()}
	h := domain.Health{Ready: true, Checks: checks}
	for _, c := range checks {
		h.Ready = h.Ready && c.OK
	}
	return h
}

// Watermark returns the least watermark of the shards that this process fires, Unix milliseconds; zero: there is none.
func (e *Engine) Watermark() int64 { return e.shards.Watermark() }

func (e *Engine) checkStore() domain.Check {
	last, beat := e.shards.LastBeat()
	record := e.watch.recordError()
	age, stalled := e.clock.Since(last), e.runner.recorder.Stalled()
	gone, ok := errors.AsType[*store.GoneError](cmp.Or(beat, record))
	switch {
	case ok:
		return domain.Check{Name: "store", Detail: gone.Error()}
	case record != nil:
		return domain.Check{Name: "store", Detail: "results cannot be recorded: " + record.Error()}
	case store.BusyShards(beat) != nil:
		return domain.Check{Name: "store", OK: true, Warning: beat.Error()}
	case beat != nil:
		return domain.Check{Name: "store", Detail: "the store does not commit: " + beat.Error()}
	case stalled > unhealthyRecord:
		return domain.Check{Name: "store",
			Detail: fmt.Sprintf("nothing has been recorded for %s although results wait; "+
				"nothing is sent meanwhile",
				stalled.Round(time.Second))}
	case e.ready.Load() && age > unhealthyBeat:
		return domain.Check{Name: "store", Detail: fmt.Sprintf("the last beat was %s ago", age.Round(time.Second))}
	}
	return domain.Check{Name: "store", OK: true}
}

func (e *Engine) checkTimetable() domain.Check {
	e.loop.mu.Lock()
	turned := e.clock.Elapsed(e.loop.last)
	e.loop.mu.Unlock()
	e.registry.mu.Lock()
	behind := e.registry.table.Behind(e.now())
	e.registry.mu.Unlock()
	if e.cfg.Shared && len(e.shards.In(shard.Active)) == 0 { // there is nothing to fire
		behind = 0
	}
	switch {
	case e.ready.Load() && turned > unhealthyLoop:
		return domain.Check{Name: "timetable", Detail: fmt.Sprintf("it has not turned for %s",
			turned.Round(time.Second))}
	case -behind > unhealthyTable:
		return domain.Check{Name: "timetable",
			Detail: fmt.Sprintf("the clock is %s behind the record; nothing fires until it has caught up",
				(-behind).Round(time.Second))}
	case behind > unhealthyTable:
		return domain.Check{Name: "timetable", Detail: fmt.Sprintf("it is %s behind the clock",
			behind.Round(time.Second))}
	}
	return domain.Check{Name: "timetable", OK: true}
}

func (e *Engine) checkRunning() domain.Check {
	switch {
	case e.stopping.Load():
		return domain.Check{Name: "engine", Detail: "stopping"}
	case !e.ready.Load():
		return domain.Check{Name: "engine", Detail: "reading the record"}
	}
	return domain.Check{Name: "engine", OK: true}
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
			named = append(named, fmt.Sprintf("%s: %s", id, domain.FaultText(a.Reason)))
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
