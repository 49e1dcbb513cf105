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

// A request adds up so many runs of failures of the jobs that it is about, and looks at so many alerts for
// them, in pages. Jobs are read so many at a time.
const (
	failingRuns  = 2_000
	failingLooks = 10_000
	failingPage  = 1_000
	failingPiece = 200
)

// Failing returns what failed most, and whether all runs of failures in the time were added up: beyond
// 2,000 of them it is those with the latest failures. Jobs that were deleted are left out.
func (v *View) Failing(ctx context.Context, q FailingQuery) (most []Failing, complete bool, err error) {
	adding := failures{v: v, q: &q, jobs: make(map[domain.JobID]*domain.Job), byJob: make(map[domain.JobID]*Failing)}
	if complete, err = adding.add(ctx); err != nil {
		return nil, false, store.Coded(err)
	}
	found := slices.SortedFunc(maps.Values(adding.byJob), byFailures)
	if q.ByHost {
		of := make(map[string]*Failing)
		for _, f := range found {
			f.Job = domain.Job{}
			if at := of[f.Host]; at != nil {
				at.add(f)
			} else {
				of[f.Host] = f
			}
		}
		found = slices.SortedFunc(maps.Values(of), byFailures)
	}
	for _, f := range found[:min(len(found), q.Limit)] {
		most = append(most, *f)
	}
	return most, complete, nil
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

// failures adds up runs of failures by job.
type failures struct {
	v     *View
	q     *FailingQuery
	jobs  map[domain.JobID]*domain.Job // that were read; nil: it is deleted, or in another namespace
	byJob map[domain.JobID]*Failing
	runs  int // that were added up
}

// add adds up the runs with the latest failures, and reports whether those are all.
func (f *failures) add(ctx context.Context) (complete bool, err error) {
	page := store.AlertPage{BeforeAt: f.q.To, From: f.q.From, Limit: failingPage, FailuresOnly: true}
	for range failingLooks / failingPage {
		if page.BeforeAt <= 0 {
			return true, nil
		}
		found, err := f.v.alerts.List(ctx, page)
		if err != nil {
			return false, err
		}
		if err := f.read(ctx, found); err != nil {
			return false, err
		}
		for i := range found {
			a := &found[i]
			page.BeforeAt, page.BeforeJob = a.LastAt, a.JobID
			job := f.jobs[a.JobID]
			if job == nil {
				continue
			}
			if f.runs == failingRuns {
				return false, nil
			}
			f.runs++
			f.take(job, a)
		}
		if len(found) < failingPage {
			return true, nil
		}
	}
	return false, nil
}

func (f *failures) take(job *domain.Job, a *domain.Alert) {
	run := Failing{Job: *job, Host: domain.HostOf(job.Current.Spec.API), Jobs: 1, Failures: a.Count, Last: *a}
	if a.Open() {
		run.Open = 1
	}
	if known := f.byJob[a.JobID]; known != nil {
		run.Jobs = 0
		known.add(&run)
	} else {
		f.byJob[a.JobID] = &run
	}
}

// read reads the jobs of alerts that were not read before.
func (f *failures) read(ctx context.Context, found []domain.Alert) error {
	var ids []domain.JobID
	for i := range found {
		if _, known := f.jobs[found[i].JobID]; !known {
			f.jobs[found[i].JobID] = nil
			ids = append(ids, found[i].JobID)
		}
	}
	for piece := range slices.Chunk(ids, failingPiece) {
		jobs, err := jobsOf(ctx, f.v.jobs, piece, f.q.Namespace)
		if err != nil {
			return err
		}
		for id, j := range jobs {
			f.jobs[id] = &j
		}
	}
	return nil
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
