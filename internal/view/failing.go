package view

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// FailingQuery selects runs of failures whose latest failure ended in [From, To).
type FailingQuery struct {
	From, To  int64 // Unix milliseconds
	ByHost    bool  // what the jobs of each host add up to; otherwise each job
	Namespace string
	Limit     int
}

// Failing is what the runs of failures of one job add up to, or those of the jobs of one host.
type Failing struct {
	Job      domain.Job   // zero: of a host
	Host     string       // that the job calls, or its jobs: scheme, name and port; empty: its URL names none
	Jobs     int          // that failed
	Open     int          // of those: that have not recovered
	Failures int64        // in their runs
	Last     domain.Alert // the run with the latest failure
}

// A request adds up so many runs of failures, in so many pages, some 10 us each, and reads so many of
// their jobs at a time, 30 us each: 80 ms.
const (
	failingRuns  = 2_000
	failingPage  = 1_000
	failingPiece = 200
)

// Failing returns what failed most, and whether all runs of failures in the time were added up: beyond
// 2,000 of them it is those with the latest failures. Jobs that were deleted are left out.
func (v *View) Failing(ctx context.Context, q FailingQuery) (most []Failing, complete bool, err error) {
	byJob, complete, err := failuresByJob(ctx, v.alerts, &q)
	if err != nil {
		return nil, false, store.Coded(err)
	}
	ids := slices.SortedFunc(maps.Keys(byJob), func(a, b domain.JobID) int { return byFailures(byJob[a], byJob[b]) })
	hosts := make(map[string]*Failing)
	for piece := range slices.Chunk(ids, failingPiece) {
		jobs, err := jobsOf(ctx, v.jobs, piece, q.Namespace)
		if err != nil {
			return nil, false, store.Coded(err)
		}
		for _, id := range piece {
			j, there := jobs[id]
			if !there {
				continue
			}
			f := byJob[id]
			f.Host = domain.HostOf(j.Current.Spec.API)
			if !q.ByHost {
				f.Job = j
				most = append(most, *f)
				continue
			}
			if at := hosts[f.Host]; at != nil {
				at.add(f)
			} else {
				hosts[f.Host] = f
			}
		}
		if !q.ByHost && len(most) >= q.Limit {
			break
		}
	}
	for _, f := range slices.SortedFunc(maps.Values(hosts), byFailures) {
		most = append(most, *f)
	}
	return most[:min(len(most), q.Limit)], complete, nil
}

// byFailures is the order of what failed most.
func byFailures(a, b *Failing) int {
	return cmp.Or(cmp.Compare(b.Failures, a.Failures), cmp.Compare(b.Last.LastAt, a.Last.LastAt),
		bytes.Compare(a.Last.JobID[:], b.Last.JobID[:]))
}

func (f *Failing) add(other *Failing) {
	f.Jobs += other.Jobs
	f.Open += other.Open
	f.Failures += other.Failures
	if other.Last.LastAt > f.Last.LastAt {
		f.Last = other.Last
	}
}

// failuresByJob adds up runs of failures, those with the latest failures first.
func failuresByJob(ctx context.Context, alerts store.Alerts, q *FailingQuery) (byJob map[domain.JobID]*Failing,
	complete bool, err error) {
	byJob = make(map[domain.JobID]*Failing)
	page := store.AlertPage{BeforeAt: q.To, From: q.From, Limit: failingPage}
	for range failingRuns / failingPage {
		if page.BeforeAt <= 0 {
			return byJob, true, nil
		}
		found, err := alerts.List(ctx, page)
		if err != nil {
			return nil, false, err
		}
		for i := range found {
			a := &found[i]
			page.BeforeAt, page.BeforeJob, page.BeforeLost = a.LastAt, a.JobID, a.Lost
			if a.Lost {
				continue
			}
			f := Failing{Jobs: 1, Failures: a.Count, Last: *a}
			if a.Open() {
				f.Open = 1
			}
			if known := byJob[a.JobID]; known != nil {
				f.Jobs = 0
				known.add(&f)
			} else {
				byJob[a.JobID] = &f
			}
		}
		if len(found) < failingPage {
			return byJob, true, nil
		}
	}
	return byJob, false, nil
}

// jobsOf returns those of the jobs that exist, and are in the namespace if there is one, without
// their bodies.
func jobsOf(ctx context.Context, stored store.Jobs, ids []domain.JobID, namespace string) (
	map[domain.JobID]domain.Job, error) {
	found := make(map[domain.JobID]domain.Job, len(ids))
	q := store.JobQuery{IDs: ids, Namespace: namespace, Limit: len(ids), MaxBody: 1}
	for {
		page, err := stored.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Jobs {
			found[page.Jobs[i].ID] = page.Jobs[i]
		}
		if q.After = page.Next; q.After.IsZero() {
			return found, nil
		}
	}
}
