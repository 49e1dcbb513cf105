package sqlite

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/byjob"
)

// What Last may look for: 50 ms, at some 10 us each, and 40 us for a job whose last fire is on
// record. Of a job it stops after so many fires without a record: it may have as many calls in
// flight.
const (
	maxLastLooks   = 5_000
	maxLooksPerJob = 100
	looksPerOlder  = 10 // to read the versions of a job
)

// Last implements store.History. It walks back from the newest execution through the current version
// of each job, as ByJob does, and through the versions before it where that one has no fact yet.
func (h *history) Last(ctx context.Context, jobs []domain.Job) (map[domain.JobID]domain.Execution, error) {
	l := &lastFacts{h: h, found: make(map[domain.JobID]domain.Execution, len(jobs)), looks: maxLastLooks}
	jobs = jobs[:min(len(jobs), store.MaxIDs)]
	walks := make([]*byjob.Walk, 0, len(jobs))
	for i := range jobs {
		walks = append(walks, l.walk(jobs[i].ID, []domain.Version{jobs[i].Current}))
	}
	if err := l.days(ctx, walks); err != nil {
		return nil, err
	}
	walks = walks[:0]
	for i := range jobs {
		j := &jobs[i]
		if _, found := l.found[j.ID]; found || j.Current.Number == 1 || l.looks <= 0 {
			continue
		}
		versions, err := h.jobs.Versions(ctx, j.ID, store.TimingOnly)
		if err != nil {
			return nil, err
		}
		l.looks -= looksPerOlder + len(versions)
		walks = append(walks, l.walk(j.ID, versions))
	}
	return l.found, l.days(ctx, walks)
}

// lastFacts is one call of Last.
type lastFacts struct {
	h     *history
	found map[domain.JobID]domain.Execution
	looks int // that are left
}

func (l *lastFacts) walk(id domain.JobID, versions []domain.Version) *byjob.Walk {
	w := byjob.New(id, versions, store.Page{Limit: 1})
	w.LimitMisses(maxLooksPerJob)
	return w
}

// days walks through the days, newest first.
func (l *lastFacts) days(ctx context.Context, walks []*byjob.Walk) error {
	if len(walks) == 0 {
		return nil
	}
	for _, d := range l.h.days.downFrom(lastDay) {
		err := l.h.days.read(ctx, d, func(c *conn) error { return l.day(dayFacts{c, d}, walks) })
		if err != nil {
			return fault("read the history", err)
		}
	}
	for _, w := range walks {
		if facts := w.Found(); len(facts) > 0 {
			l.found[w.Job()] = facts[0]
		}
	}
	return nil
}

func (l *lastFacts) day(d dayFacts, walks []*byjob.Walk) error {
	for _, w := range walks {
		if l.looks <= 0 || w.Ended() || !l.h.irregular.mayHave(d.d, w.Job()) && !w.FiresIn(d.Start()) {
			continue
		}
		before := w.Misses()
		if err := w.Day(d); err != nil {
			return err
		}
		l.looks -= max(1, w.Misses()-before)
	}
	return nil
}
