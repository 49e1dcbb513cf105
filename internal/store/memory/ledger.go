package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// counterKey is a minute in which executions completed, and how they ended.
type counterKey struct {
	minute int64 // since 1970-01-01
	status domain.Status
}

type counter struct{ fires, durationMs, timed int64 }

// Record implements store.Ledger.
func (l ledger) Record(ctx context.Context, b store.Batch) error {
	return l.do(ctx, func(d *Disk) error {
		for i := range b.Facts {
			if err := mustBeFinal(&b.Facts[i]); err != nil {
				return err
			}
		}
		for i := range b.Decisions {
			if err := mustBeFinal(&b.Decisions[i].Execution); err != nil {
				return err
			}
		}
		if err := b.Unfenced(len(d.owners.shards)); err != nil {
			return err
		}
		if stale := d.owners.stale(b.Fences...); len(stale) > 0 {
			return store.Stale(stale...)
		}
		for i := range b.Idempotency {
			_ = d.keepRecord(&b.Idempotency[i]) // another record of the key stays
		}
		var inserted []*domain.Execution
		for i := range b.Facts {
			if e := d.insert(b.Facts[i]); e != nil {
				inserted = append(inserted, e)
				d.count(e)
			}
		}
		for i := range b.Decisions {
			x := &b.Decisions[i]
			if r, open := d.runs[x.FireKey]; open && !x.MayEnd(b.Runner, r.Runner) {
				continue
			}
			if e := d.insert(x.Execution); e != nil {
				inserted = append(inserted, e)
				d.count(e)
			}
		}
		d.alert(inserted)
		for _, r := range b.Open {
			d.keepOpen(r)
		}
		return nil
	})
}

func mustBeFinal(e *domain.Execution) error {
	if e.Status == "" || !e.Status.Final() {
		return fmt.Errorf("record %v: status %q is no end", e.FireKey, e.Status)
	}
	return nil
}

// keepOpen inserts an open run, or lets it take the place of another.
func (d *Disk) keepOpen(r domain.OpenRun) {
	if _, isFact := d.find(r.FireKey); isFact {
		return
	}
	if stored, known := d.runs[r.FireKey]; known && !store.Replaces(&r, &stored) {
		return
	}
	r.Attempts, r.TakenFrom = slices.Clone(r.Attempts), 0
	d.runs[r.FireKey] = r
}

func (d *Disk) find(k domain.FireKey) (int, bool) {
	return slices.BinarySearchFunc(d.facts, k, compareFact)
}

// insert adds a fact and ends its open run. It returns nil when the key has a
// fact already.
func (d *Disk) insert(e domain.Execution) *domain.Execution {
	i, known := d.find(e.FireKey)
	if known {
		return nil
	}
	added := new(domain.Execution)
	*added = copyFact(&e)
	d.facts = slices.Insert(d.facts, i, added)
	own := d.ofJob[e.JobID]
	i, _ = slices.BinarySearchFunc(own, e.FireKey, compareFact)
	d.ofJob[e.JobID] = slices.Insert(own, i, added)
	delete(d.runs, e.FireKey)
	return added
}

func copyFact(e *domain.Execution) domain.Execution {
	x := *e
	x.Attempts = slices.Clone(x.Attempts)
	if x.Missed != nil {
		missed := *x.Missed
		x.Missed = &missed
	}
	return x
}

func (d *Disk) count(e *domain.Execution) {
	key := counterKey{floorDiv(e.CompletedAt, minuteMs), e.Status}
	c := d.counters[key]
	c.fires += e.Fires()
	if e.StartedAt != 0 && (e.Status == domain.StatusSuccess || e.Status == domain.StatusFailed) {
		c.durationMs += e.Duration()
		c.timed++
	}
	d.counters[key] = c
	d.points.add(e)
}

// Facts implements store.Ledger.
func (l ledger) Facts(ctx context.Context, of store.ShardSet, after, until int64,
	fn func(store.FactRange) error) error {
	return stream(ctx, l.Store, func(d *Disk) (found []store.FactRange) {
		first, _ := slices.BinarySearchFunc(d.facts, after, func(e *domain.Execution, at int64) int {
			if e.ScheduledAt <= at {
				return -1
			}
			return 1
		})
		for _, e := range d.facts[first:] {
			if e.ScheduledAt > until {
				break
			}
			if of.HasJob(e.JobID, len(d.owners.shards)) {
				found = append(found, factRange(e))
			}
		}
		return found
	}, fn)
}

// factRange converts a fact to the form that the audit and the recovery read.
func factRange(e *domain.Execution) store.FactRange {
	r := store.FactRange{
		Key: e.FireKey, From: e.ScheduledAt, Count: e.Fires(),
		Version: e.Version, Status: e.Status, StartedAt: e.StartedAt,
	}
	if e.Missed != nil {
		r.From = e.Missed.From
	}
	return r
}

// Ranges implements store.Ledger.
func (l ledger) Ranges(ctx context.Context, of store.ShardSet, after int64, fn func(store.FactRange) error) error {
	return stream(ctx, l.Store, func(d *Disk) (found []store.FactRange) {
		for _, e := range d.facts {
			if e.ScheduledAt > after && e.Missed != nil && of.HasJob(e.JobID, len(d.owners.shards)) {
				found = append(found, factRange(e))
			}
		}
		return found
	}, fn)
}

// RunsOf implements store.Ledger.
func (l ledger) RunsOf(ctx context.Context, keys []domain.FireKey) (found []domain.OpenRun, err error) {
	err = l.do(ctx, func(d *Disk) error {
		for _, k := range keys {
			if r, open := d.runs[k]; open {
				r.Attempts = slices.Clone(r.Attempts)
				found = append(found, r)
			}
		}
		return nil
	})
	return found, err
}

// OpenRuns implements store.Ledger.
func (l ledger) OpenRuns(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	return stream(ctx, l.Store, func(d *Disk) []domain.OpenRun {
		var found []domain.OpenRun
		for _, r := range d.runs {
			if of.HasJob(r.JobID, len(d.owners.shards)) {
				found = append(found, r)
			}
		}
		slices.SortFunc(found, func(a, b domain.OpenRun) int { return compareKeys(a.FireKey, b.FireKey) })
		for i := range found {
			found[i].Attempts = slices.Clone(found[i].Attempts)
		}
		return found
	}, fn)
}
