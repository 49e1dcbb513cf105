package postgres

import (
	"context"
	"math"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/byjob"
)

// What Last may look for. Of a job it stops after so many fires without a record: it may have as many calls
// in flight.
const (
	maxLastLooks   = 5_000
	maxLooksPerJob = 100
	looksPerOlder  = 10 // to read the versions of a job
	firstLooks     = 5  // fires of each job that are looked up at a time, for all jobs of a day
)

// Last implements store.History. It walks back from the newest execution through the current version of each
// job, as ByJob does, and through the versions before it where that one has no fact yet.
func (h *history) Last(ctx context.Context, jobs []domain.Job) (map[domain.JobID]domain.Execution, error) {
	jobs = jobs[:min(len(jobs), store.MaxIDs)]
	l := &lastFacts{h: h, found: make(map[domain.JobID]domain.Execution, len(jobs)), looks: maxLastLooks}
	ids, walks := make([]domain.JobID, len(jobs)), make([]*byjob.Walk, 0, len(jobs))
	for i := range jobs {
		ids[i] = jobs[i].ID
		walks = append(walks, l.walk(jobs[i].ID, []domain.Version{jobs[i].Current}))
	}
	var err error
	if l.irregular, err = irregularDays(ctx, h.days.read, ids...); err == nil {
		l.all, err = h.days.all(ctx, math.MinInt64, domain.Forever)
	}
	if err == nil {
		err = l.days(ctx, walks)
	}
	walks = walks[:0]
	for i := range jobs {
		j := &jobs[i]
		if _, found := l.found[j.ID]; found || j.Current.Number == 1 || l.looks <= 0 || err != nil {
			continue
		}
		var versions []domain.Version
		versions, err = h.jobs.Versions(ctx, j.ID, store.TimingOnly)
		l.looks -= looksPerOlder + len(versions)
		walks = append(walks, l.walk(j.ID, versions))
	}
	if err == nil {
		err = l.days(ctx, walks)
	}
	if err != nil {
		return nil, fault("read the history", err)
	}
	return l.found, nil
}

// lastFacts is one call of Last.
type lastFacts struct {
	h         *history
	all       []day
	irregular map[domain.JobID]map[day]bool
	found     map[domain.JobID]domain.Execution
	looks     int // that are left
}

func (l *lastFacts) walk(id domain.JobID, versions []domain.Version) *byjob.Walk {
	w := byjob.New(id, versions, store.Page{Limit: 1})
	w.LimitMisses(maxLooksPerJob)
	return w
}

// days walks through the days, newest first.
func (l *lastFacts) days(ctx context.Context, walks []*byjob.Walk) error {
	for _, d := range slices.Backward(l.all) {
		var of []*byjob.Walk
		for _, w := range walks {
			if !w.Ended() && (l.irregular[w.Job()][d] || w.FiresIn(d.start())) {
				of = append(of, w)
			}
		}
		if len(of) == 0 || l.looks <= 0 {
			continue
		}
		if err := l.day(ctx, d, of); err != nil && !isCode(err, undefinedTable) { // it was just dropped
			return err
		}
	}
	for _, w := range walks {
		if facts := w.Found(); len(facts) > 0 {
			l.found[w.Job()] = facts[0]
		}
	}
	return nil
}

// day looks up the first fires of all jobs at a time. What a job needs beyond them, it looks up for itself.
func (l *lastFacts) day(ctx context.Context, d day, walks []*byjob.Walk) error {
	f := l.h.lookInto(ctx, d)
	f.irregular = l.irregular
	newest, err := f.Before(math.MaxInt64)
	if err != nil {
		return err
	}
	var keys []domain.FireKey
	for _, w := range walks {
		for _, at := range w.Ahead(newest+1, d.start(), firstLooks) {
			keys = append(keys, domain.FireKey{JobID: w.Job(), ScheduledAt: at})
		}
	}
	found, err := l.h.facts(ctx, d, keys)
	if err != nil {
		return err
	}
	f.note(keys, found)
	for _, w := range walks {
		if l.looks <= 0 {
			return nil
		}
		before := w.Misses()
		if err := w.Day(f); err != nil {
			return err
		}
		l.looks -= max(1, w.Misses()-before)
	}
	return nil
}
