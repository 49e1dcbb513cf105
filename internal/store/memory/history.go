package memory

import (
	"context"
	"math"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Execution implements store.History.
func (h history) Execution(ctx context.Context, id domain.ExecutionID) (found domain.Execution, err error) {
	err = h.do(ctx, func(d *Disk) error {
		at := id.ScheduledAt()
		i, _ := d.find(domain.FireKey{ScheduledAt: at})
		for _, e := range d.facts[i:] {
			if e.ScheduledAt != at {
				break
			}
			if e.ID() == id {
				found = copyFact(e)
				return nil
			}
		}
		return domain.NotFound("execution", id)
	})
	return found, err
}

// ByJob implements store.History.
func (h history) ByJob(ctx context.Context, id domain.JobID, page store.Page) ([]domain.Execution, error) {
	var found []domain.Execution
	err := h.do(ctx, func(d *Disk) error {
		facts := d.ofJob[id]
		end := len(facts)
		if page.Before != (domain.FireKey{}) {
			end, _ = slices.BinarySearchFunc(facts, page.Before, compareFact)
		}
		collected := store.Meter{Rows: page.Limit, Bytes: page.MaxBytes}
		for i := end - 1; i >= 0 && !collected.Full(); i-- {
			found = append(found, copyFact(facts[i]))
			collected.Add(facts[i].Size())
		}
		return nil
	})
	return found, err
}

// List implements store.History.
func (h history) List(ctx context.Context, q store.ExecutionQuery) (page store.ExecutionPage, err error) {
	err = h.do(ctx, func(d *Disk) error {
		page = d.executions(&q)
		return nil
	})
	return page, err
}

func (d *Disk) executions(q *store.ExecutionQuery) store.ExecutionPage {
	facts := d.facts
	if !q.JobID.IsZero() {
		facts = d.ofJob[q.JobID]
	}
	end, _ := slices.BinarySearchFunc(facts, q.Start(), compareFact)
	page := q.Collect()
	for i := end - 1; i >= 0 && facts[i].ScheduledAt >= q.From; i-- {
		if examined := end - 1 - i; q.MaxWork > 0 && examined >= q.MaxWork {
			return page.EndAfter(facts[i+1].FireKey)
		}
		if !q.Selects(facts[i]) || !calls(d, q, facts[i]) {
			continue
		}
		if page.Full() {
			return page.EndBefore()
		}
		page.Add(copyFact(facts[i]))
	}
	return page.End()
}

// calls reports whether the version of a fact calls a host that the query selects.
func calls(d *Disk, q *store.ExecutionQuery, e *domain.Execution) bool {
	if q.Host == (domain.HostFilter{}) {
		return true
	}
	of := d.jobs[e.JobID]
	return of != nil && slices.ContainsFunc(of.versions, func(v domain.Version) bool {
		return v.Number == e.Version && q.Host.Matches(v.Spec.API)
	})
}

// Last implements store.History.
func (h history) Last(ctx context.Context, jobs []domain.Job) (map[domain.JobID]domain.Execution, error) {
	found := make(map[domain.JobID]domain.Execution, len(jobs))
	err := h.do(ctx, func(d *Disk) error {
		for i := range jobs {
			if facts := d.ofJob[jobs[i].ID]; len(facts) > 0 {
				found[jobs[i].ID] = copyFact(facts[len(facts)-1])
			}
		}
		return nil
	})
	return found, err
}

// streamPiece is how many facts Stream hands over at a time, or streamBytes of them.
const (
	streamPiece = 1_000
	streamBytes = 512 << 10
)

// Stream implements store.History.
func (h history) Stream(ctx context.Context, from, to int64, fn func([]domain.Execution) error) error {
	next := domain.FireKey{ScheduledAt: from, Nonce: math.MinInt64}
	began, err := h.Kept(ctx)
	if err != nil {
		return err
	}
	for {
		var piece []domain.Execution
		read := store.Meter{Rows: streamPiece, Bytes: streamBytes}
		err := h.do(ctx, func(d *Disk) error {
			if next.ScheduledAt < d.kept && began < d.kept {
				return domain.Unavailable(nil, "the history was dropped while it was read")
			}
			for i, _ := d.find(next); i < len(d.facts) && d.facts[i].ScheduledAt < to && !read.Full(); i++ {
				piece = append(piece, copyFact(d.facts[i]))
				read.Add(d.facts[i].Size())
			}
			return nil
		})
		if err != nil || len(piece) == 0 {
			return err
		}
		next = piece[len(piece)-1].FireKey
		next.Nonce++
		if err := fn(piece); err != nil {
			return err
		}
	}
}

// Totals implements store.History.
func (h history) Totals(ctx context.Context, since int64) (store.Totals, error) {
	sum := store.Totals{ByStatus: make(map[domain.Status]int64)}
	err := h.do(ctx, func(d *Disk) error {
		for key, c := range d.counters {
			if since == 0 || key.minute >= floorDiv(since, minuteMs) {
				sum.ByStatus[key.status] += c.fires
				sum.DurationMs += c.durationMs
				sum.Timed += c.timed
			}
		}
		return nil
	})
	return sum, err
}

// Expire implements store.History.
func (h history) Expire(ctx context.Context, before int64) (gone int, err error) {
	err = h.do(ctx, func(d *Disk) error {
		before = floorDiv(before, dayMs) * dayMs
		days, open := make(map[int64]bool), make(map[int64]bool)
		read := (store.LeastWatermark(d.owners.shards) + 1) / dayMs // the first day that a recovery may read
		for k := range d.runs {
			open[floorDiv(k.ScheduledAt, dayMs)] = true
		}
		old := func(e *domain.Execution) bool {
			if day := floorDiv(e.ScheduledAt, dayMs); e.ScheduledAt >= before || day >= read || open[day] {
				return false
			}
			days[floorDiv(e.ScheduledAt, dayMs)] = true
			return true
		}
		d.facts = slices.DeleteFunc(d.facts, old)
		for id, facts := range d.ofJob {
			d.ofJob[id] = slices.DeleteFunc(facts, old)
		}
		gone = len(days)
		d.alerts = slices.DeleteFunc(d.alerts, func(a *alert) bool { return !a.Open() && a.day*dayMs < before })
		d.losses = slices.DeleteFunc(d.losses, func(l loss) bool { return l.ScheduledAt < before })
		for day := range days {
			d.kept = max(d.kept, (day+1)*dayMs)
			d.points.drop(day)
		}
		d.expireAccess(before)
		d.expireVersions(before)
		return nil
	})
	return gone, err
}

// Kept implements store.History.
func (h history) Kept(ctx context.Context) (since int64, err error) {
	err = h.do(ctx, func(d *Disk) error {
		since = d.kept
		return nil
	})
	return since, err
}

// expireVersions drops the versions that ended before the instant and the
// watermark, and that no open run needs.
func (d *Disk) expireVersions(before int64) {
	type versionKey struct {
		job    domain.JobID
		number int
	}
	needed := make(map[versionKey]bool)
	for _, r := range d.runs {
		needed[versionKey{r.JobID, r.Version}] = true
	}
	before = min(before, store.LeastWatermark(d.owners.shards))
	for id, j := range d.jobs {
		j.versions = slices.DeleteFunc(j.versions, func(v domain.Version) bool {
			return v.EffectiveTo <= before && !needed[versionKey{id, v.Number}]
		})
		if len(j.versions) == 0 {
			delete(d.jobs, id)
		}
	}
}
