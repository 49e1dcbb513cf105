package api

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Requests that change nothing, but that an admin wants to know of, are in the audit trail too:
// those that were refused for the caller's role, and exports. There is no limit to how many a
// caller makes, so the same request of a caller is one entry a UTC day, which counts:
//
//	a caller   34 entries * 300 bytes             10 kB a day
//	all        2,048 callers and 3 for the rest   20 MB a day, if each of them tries everything
//
// An entry is written with the first request, and then once a minute at most. What has not been
// written is written before the trail is read, and at the stop; a crash loses those counts, not
// the entry.
const (
	maxRepeated   = 32 // different requests of a caller; others are one entry for each action
	maxRepeaters  = 2_048
	repeatsEvery  = time.Minute
	repeatTimeout = time.Second // for a write: a refusal must not wait for a disk that is full
	maxUnwritten  = 1_024       // entries that could not be written, and are tried again

	otherRequests = "other requests"
)

// Repeats are the entries of the audit trail that count requests. It is safe for use by several
// goroutines.
type Repeats struct {
	trail   *trail
	changes store.Changes
	log     *slog.Logger

	mu        sync.Mutex
	day       int64
	callers   map[string]map[repeatKey]*repeat
	unwritten []domain.Change
}

type repeatKey struct {
	action domain.Action
	detail string
}

type repeat struct {
	entry   domain.Change
	written int64 // when; Unix milliseconds
	dirty   bool  // it has counted since then
}

// NewRepeats returns none.
func NewRepeats(changes store.Changes, clk clock.Clock, log *slog.Logger) *Repeats {
	return &Repeats{trail: &trail{clock: clk}, changes: changes, log: log, callers: map[string]map[repeatKey]*repeat{}}
}

// note counts a request of the caller, and what it has written out.
func (r *Repeats) note(ctx context.Context, action domain.Action, detail string, count int64) {
	if entry, due := r.count(ctx, action, detail, count); due {
		r.write(ctx, &entry)
	}
}

// count returns the entry of a request, and whether it has to be written now.
func (r *Repeats) count(ctx context.Context, action domain.Action, detail string, count int64) (domain.Change, bool) {
	now := r.trail.changeBy(ctx, action)
	r.mu.Lock()
	defer r.mu.Unlock()
	if day := now.At / (24 * time.Hour).Milliseconds(); day != r.day {
		r.begin(day)
	}
	caller := visitorOf(ctx).caller()
	if r.callers[caller] == nil && len(r.callers) >= maxRepeaters {
		caller, now.By = now.By.Key, domain.Author{Key: now.By.Key}
	}
	if r.callers[caller] == nil {
		r.callers[caller] = map[repeatKey]*repeat{}
	}
	entries, key := r.callers[caller], repeatKey{action, detail}
	if entries[key] == nil && len(entries) >= maxRepeated {
		key.detail = otherRequests
	}
	e := entries[key]
	if e == nil {
		now.Detail = key.detail
		e = &repeat{entry: now}
		entries[key] = e
	}
	e.entry.Times++
	e.entry.Count += count
	e.entry.LastAt = now.At
	if e.dirty = now.At-e.written < repeatsEvery.Milliseconds(); !e.dirty {
		e.written = now.At
	}
	return e.entry, !e.dirty
}

// begin begins a day.
func (r *Repeats) begin(day int64) {
	r.unwritten = r.dirty(r.unwritten)
	r.day, r.callers = day, map[string]map[repeatKey]*repeat{}
}

// dirty appends the entries that have counted since they were written.
func (r *Repeats) dirty(to []domain.Change) []domain.Change {
	for _, entries := range r.callers {
		for _, e := range entries {
			if e.dirty && len(to) < maxUnwritten {
				e.dirty = false
				to = append(to, e.entry)
			}
		}
	}
	return to
}

// Flush writes what has been counted.
func (r *Repeats) Flush(ctx context.Context) {
	r.mu.Lock()
	entries := r.dirty(r.unwritten)
	r.unwritten = nil
	r.mu.Unlock()
	for i := range entries {
		r.write(ctx, &entries[i])
	}
}

func (r *Repeats) write(ctx context.Context, entry *domain.Change) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), repeatTimeout)
	defer cancel()
	err := r.changes.Add(ctx, *entry)
	if err == nil {
		return
	}
	r.mu.Lock()
	if len(r.unwritten) < maxUnwritten {
		r.unwritten = append(r.unwritten, *entry)
	}
	r.mu.Unlock()
	by := entry.By
	r.log.LogAttrs(ctx, slog.LevelWarn, "an entry of the audit trail could not be written yet",
		slog.String("action", string(entry.Action)), slog.String("detail", entry.Detail), slog.String("by", by.Key),
		slog.String("name", by.Name), slog.String(telemetry.KeyAddr, by.Address), slog.Any(telemetry.KeyError, err))
}

// noteRefusal counts a request if it was refused for what the caller may do.
func (r *Repeats) noteRefusal(ctx context.Context, p *Problem, route string) {
	if p != nil && p.Code == kindRole.slug {
		r.note(ctx, domain.ActionRefuse, cmp.Or(route, "no such path"), 0)
	}
}
