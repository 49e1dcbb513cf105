package engine

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Lags from which the engine says that it is unwell.
const (
	unwellBeat   = horizon         // no beat for so long: nothing is sent any more
	unwellRecord = horizon         // results wait and nothing is recorded for so long
	unwellLoop   = 5 * time.Second // the timetable has not turned
	unwellTable  = 5 * time.Second // the timetable is behind the clock
)

// Health returns what the engine thinks of itself, and why.
func (e *Engine) Health() Health {
	checks := []Check{e.checkStore(), e.checkTimetable(), e.checkJobs(), e.checkZones(), e.checkRunning()}
	h := Health{Ready: true, Checks: checks}
	for _, c := range checks {
		h.Ready = h.Ready && c.OK
	}
	return h
}

func (e *Engine) checkStore() Check {
	e.beatMu.Lock()
	beat, record, last := e.beatErr, e.storeErr, e.lastBeat
	e.beatMu.Unlock()
	age, stalled := e.clock.Since(last), e.recorder.stalled()
	gone, ok := errors.AsType[*store.GoneError](cmp.Or(beat, record))
	switch {
	case ok:
		return Check{Name: "store", Detail: gone.Error()}
	case record != nil:
		return Check{Name: "store", Detail: "results cannot be recorded: " + record.Error()}
	case beat != nil:
		return Check{Name: "store", Detail: "the store does not commit: " + beat.Error()}
	case stalled > unwellRecord:
		return Check{Name: "store", Detail: fmt.Sprintf("nothing has been recorded for %s although results wait; nothing is sent meanwhile",
			stalled.Round(time.Second))}
	case e.ready.Load() && age > unwellBeat:
		return Check{Name: "store", Detail: fmt.Sprintf("the last beat was %s ago", age.Round(time.Second))}
	}
	return Check{Name: "store", OK: true}
}

func (e *Engine) checkTimetable() Check {
	e.loopMu.Lock()
	turned := e.clock.Elapsed(e.lastLoop)
	e.loopMu.Unlock()
	e.mu.Lock()
	behind := time.Duration(e.now()-e.unstaged()) * time.Millisecond
	if f := e.staged.first(); f != nil {
		behind = max(behind, time.Duration(e.now()-f.at)*time.Millisecond)
	}
	e.mu.Unlock()
	switch {
	case e.ready.Load() && turned > unwellLoop:
		return Check{Name: "timetable", Detail: fmt.Sprintf("it has not turned for %s", turned.Round(time.Second))}
	case -behind > unwellTable:
		return Check{Name: "timetable", Detail: fmt.Sprintf("the clock is %s behind the record; nothing fires until it has caught up",
			(-behind).Round(time.Second))}
	case behind > unwellTable:
		return Check{Name: "timetable", Detail: fmt.Sprintf("it is %s behind the clock", behind.Round(time.Second))}
	}
	return Check{Name: "timetable", OK: true}
}

func (e *Engine) checkRunning() Check {
	switch {
	case e.stopping.Load():
		return Check{Name: "engine", Detail: "stopping"}
	case !e.ready.Load():
		return Check{Name: "engine", Detail: "reading the record"}
	}
	return Check{Name: "engine", OK: true}
}

// observe sets the gauges of the metrics.
func (e *Engine) observe() {
	calls, queued := e.dispatcher.load()
	if begun := e.dispatcher.takeBegun(); e.cfg.Pace != nil {
		e.cfg.Pace.Fires(begun > 0)
	}
	total, active := e.Jobs()
	e.mu.Lock()
	aside := len(e.aside)
	e.mu.Unlock()
	now := e.now()
	e.metrics.InFlight.Set(float64(calls))
	e.metrics.QueueDepth.Set(float64(queued))
	e.metrics.OpenRuns.Set(float64(e.retries.len()))
	e.metrics.WatermarkLag.Set(float64(now-e.watermark.Load()) / 1000)
	e.metrics.HorizonMargin.Set(float64(e.horizon.Load()-now) / 1000)
	e.metrics.Jobs.WithLabelValues(telemetry.JobsActive).Set(float64(active))
	e.metrics.Jobs.WithLabelValues(telemetry.JobsInactive).Set(float64(total - active - aside))
	e.metrics.Jobs.WithLabelValues(telemetry.JobsSetAside).Set(float64(aside))
}
