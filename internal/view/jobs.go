package view

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Job is a job as it is stored, and when it fires next.
type Job struct {
	domain.Job
	NextFireAt *int64 // Unix milliseconds; nil: never
}

func (v *View) withNext(j *domain.Job) Job {
	at, fires := v.live.NextFire(j.ID)
	if !fires && v.others != nil { // another node fires it
		at, fires = nextOf(&j.Current, v.now())
	}
	if !fires {
		return Job{Job: *j}
	}
	return Job{*j, &at}
}

// nextOf computes the next fire of a version after an instant.
func nextOf(current *domain.Version, after int64) (int64, bool) {
	if !current.Active {
		return 0, false
	}
	timing, err := current.Timing()
	if err != nil { // it cannot be run
		return 0, false
	}
	return timing.Next(after)
}

// Of returns the job whose current version is v.
func (v *View) Of(current *domain.Version) Job {
	j := domain.JobOf(*current)
	return v.withNext(&j)
}

// Job returns a job that is not deleted, or CodeNotFound.
func (v *View) Job(ctx context.Context, id domain.JobID) (Job, error) {
	j, err := v.jobs.Get(ctx, id)
	if err != nil {
		return Job{}, store.Coded(err)
	}
	return v.withNext(&j), nil
}

// JobPage is a page of jobs. See [store.JobPage].
type JobPage struct {
	Jobs  []Job
	Count int
	Next  domain.JobID
}

// Jobs returns a page of jobs in the order of their ids.
func (v *View) Jobs(ctx context.Context, q store.JobQuery) (JobPage, error) {
	found, err := v.jobs.List(ctx, q)
	if err != nil {
		return JobPage{}, store.Coded(err)
	}
	page := JobPage{Jobs: make([]Job, len(found.Jobs)), Count: found.Count, Next: found.Next}
	for i := range found.Jobs {
		page.Jobs[i] = v.withNext(&found.Jobs[i])
	}
	return page, nil
}

// Last returns the newest execution on record of each of the jobs that has one. See
// [store.History].
func (v *View) Last(ctx context.Context, jobs []Job) (map[domain.JobID]domain.Execution, error) {
	stored := make([]domain.Job, len(jobs))
	for i := range jobs {
		stored[i] = jobs[i].Job
	}
	found, err := v.history.Last(ctx, stored)
	return found, store.Coded(err)
}

// JobsBefore is Jobs of those whose next fire is before an instant. Next fires of jobs of other
// nodes are computed: a page may have fewer jobs for that.
func (v *View) JobsBefore(ctx context.Context, q store.JobQuery, at int64) (JobPage, error) {
	q.Accept = func(id domain.JobID) bool {
		next, fires := v.live.NextFire(id)
		return fires && next < at || !fires && v.others != nil
	}
	if v.others == nil {
		return v.Jobs(ctx, q)
	}
	if !q.CountOnly {
		return v.pageBefore(ctx, q, at)
	}
	q.CountOnly, q.Limit, q.MaxBody = false, countPage, 1
	counted := 0
	for {
		page, err := v.pageBefore(ctx, q, at)
		counted += len(page.Jobs)
		if err != nil || page.Next.IsZero() {
			return JobPage{Count: counted}, err
		}
		q.After = page.Next
	}
}

// countPage is how many jobs are read at a time to be counted.
const countPage = 1_000

func (v *View) pageBefore(ctx context.Context, q store.JobQuery, at int64) (JobPage, error) {
	page, err := v.Jobs(ctx, q)
	page.Jobs = slices.DeleteFunc(page.Jobs, func(j Job) bool { return j.NextFireAt == nil || *j.NextFireAt >= at })
	return page, err
}

// Counts are the counters of jobs and executions.
type Counts struct {
	Jobs, Active int64
	Ever, Recent store.Totals // since the database was made, and since the instant
}

// Ended returns the counters of executions that ended at or after an instant: see [store.History].
func (v *View) Ended(ctx context.Context, since int64) (store.Totals, error) {
	t, err := v.history.Totals(ctx, since)
	return t, store.Coded(err)
}

// Counts returns the counters, with those of executions that have ended since the
// instant.
func (v *View) Counts(ctx context.Context, since int64) (c Counts, err error) {
	if c.Jobs, c.Active, err = v.jobs.Count(ctx); err != nil {
		return c, store.Coded(err)
	}
	if c.Ever, err = v.history.Totals(ctx, 0); err != nil {
		return c, store.Coded(err)
	}
	c.Recent, err = v.history.Totals(ctx, since)
	return c, store.Coded(err)
}
