package sqlite

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/byjob"
)

// What Last may look for: of a thousand jobs of which each has its last fire on record 50 ms, at
// some 40 us each. Of a job it stops after so many fires without a record.
const (
	maxLastLooks   = 5_000
	maxLooksPerJob = 10
)

// Last implements store.History. It walks back from now through the current version of each job,
// as ByJob does.
func (h *history) Last(ctx context.Context, jobs []domain.Job) (map[domain.JobID]domain.Execution, error) {
	found := make(map[domain.JobID]domain.Execution, len(jobs))
	walks := make([]*byjob.Walk, 0, len(jobs))
	for i := range jobs[:min(len(jobs), store.MaxIDs)] {
		j := &jobs[i]
		w := byjob.New(j.ID, []domain.Version{j.Current}, store.Page{Limit: 1})
		w.LimitMisses(maxLooksPerJob)
		walks = append(walks, w)
	}
	looks := 0
	for _, d := range h.days.downFrom(lastDay) {
		err := h.days.read(ctx, d, func(c *conn) error {
			for _, w := range walks {
				before := w.Misses()
				if looks >= maxLastLooks || w.Ended() ||
					!h.irregular.mayHave(d, w.Job()) && !w.FiresIn(d.start()) {
					continue
				}
				if err := w.Day(dayFacts{c, d}); err != nil {
					return err
				}
				looks += max(1, w.Misses()-before)
			}
			return nil
		})
		if err != nil {
			return nil, fault("read the history", err)
		}
	}
	for _, w := range walks {
		if facts := w.Found(); len(facts) > 0 {
			found[w.Job()] = facts[0]
		}
	}
	return found, nil
}
