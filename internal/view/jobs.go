package view

import (
	"context"
	"slices"
	"time"

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
	if !current.Fires() {
		return 0, false
	}
	timing, err := current.Timing()
	if err != nil { // it cannot be run
		return 0, false
	}
	return timing.Next(after)
}

// firedAgo reports whether the current version of a job has had a fire endedAfter ago, or longer. All nodes
// answer alike: what the timetable of this one does not have is computed of what is stored.
func (v *View) firedAgo(j *domain.Job) bool {
	if v.live.FiredAgo(j.ID, endedAfter) {
		return true
	}
	if v.others == nil {
		return false
	}
	timing, err := j.Current.Timing()
	if err != nil { // it cannot be run
		return false
	}
	_, fired := timing.Prev(v.now() - endedAfter.Milliseconds() + 1)
	return fired
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

	NextName string
}

// Jobs returns a page of jobs in the order of the query.
func (v *View) Jobs(ctx context.Context, q store.JobQuery) (JobPage, error) {
	found, err := v.jobs.List(ctx, q)
	if err != nil {
		return JobPage{}, store.Coded(err)
	}
	page := JobPage{Jobs: make([]Job, len(found.Jobs)), Count: found.Count, Next: found.Next,
		NextName: found.NextName}
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

// JobsNow selects jobs by what changes while nobody changes them. The zero value selects every job.
type JobsNow struct {
	DueBefore int64 // of which the next fire is before this instant; zero: no bound
	// NeverRan selects jobs of which no execution that has ended is on record, or those of which one is.
	NeverRan *bool

	noFire   bool // that do not fire any more
	noRecord bool // of which nothing is on record, whatever the schedule tells
}

// Bounds of a page that is sifted by what is on record: so many jobs are read and looked up, and the
// store examines so many for them.
const (
	siftedJobs = 200
	siftedWork = 1_700
	// endedAfter is how long after its fire an execution has ended, as far as a list of jobs that never
	// ran is concerned: the others are looked up.
	endedAfter = time.Hour
)

// JobsOf is Jobs of those that are selected, too. Next fires of jobs of other nodes are computed, and
// what has ended is looked up: a page may have fewer jobs for that, and not count all.
func (v *View) JobsOf(ctx context.Context, q store.JobQuery, now JobsNow) (JobPage, error) {
	if now == (JobsNow{}) {
		return v.Jobs(ctx, q)
	}
	q.Accept = accepts(v, now)
	if now.NeverRan != nil || now.noRecord {
		return sifted(ctx, v, q, now)
	}
	if v.others == nil {
		return v.Jobs(ctx, q)
	}
	if !q.CountOnly {
		return pageNow(ctx, v, q, now)
	}
	q.CountOnly, q.Limit, q.MaxBody = false, countPage, 1
	counted := 0
	for {
		page, err := pageNow(ctx, v, q, now)
		counted += len(page.Jobs)
		if err != nil || page.Next.IsZero() {
			return JobPage{Count: counted}, err
		}
		q.After = page.Next
	}
}

// accepts returns what the memory of this node says of a job; true where it does not tell.
func accepts(v *View, now JobsNow) func(domain.JobID) bool {
	return func(id domain.JobID) bool {
		if now.DueBefore != 0 || now.noFire {
			next, fires := v.live.NextFire(id)
			if !now.selects(next, fires) && (fires || v.others == nil) {
				return false
			}
		}
		return now.NeverRan == nil || !*now.NeverRan || !v.live.FiredAgo(id, endedAfter)
	}
}

// countPage is how many jobs are read at a time to be counted.
const countPage = 1_000

// selects reports whether a job is selected by its next fire.
func (now *JobsNow) selects(next int64, fires bool) bool {
	return (now.DueBefore == 0 || fires && next < now.DueBefore) && (!now.noFire || !fires)
}

// pageNow drops what other nodes fire and is not selected.
func pageNow(ctx context.Context, v *View, q store.JobQuery, now JobsNow) (JobPage, error) {
	page, err := v.Jobs(ctx, q)
	page.Jobs = slices.DeleteFunc(page.Jobs, func(j Job) bool {
		if j.NextFireAt == nil {
			return !now.selects(0, false)
		}
		return !now.selects(*j.NextFireAt, true)
	})
	return page, err
}

// sifted reads jobs and returns those that are selected by what is on record of them.
func sifted(ctx context.Context, v *View, q store.JobQuery, now JobsNow) (JobPage, error) {
	limit, count := q.Limit, q.CountOnly
	q.CountOnly, q.Limit, q.MaxWork = false, siftedJobs, siftedWork
	if count {
		limit, q.MaxBody = siftedJobs, 1
	}
	page, err := pageNow(ctx, v, q, now)
	if err != nil {
		return page, err
	}
	fired := make(map[domain.JobID]bool, len(page.Jobs))
	ask := make([]Job, 0, len(page.Jobs)) // of which the record has to tell
	for i := range page.Jobs {
		j := &page.Jobs[i]
		fired[j.ID] = now.NeverRan != nil && v.firedAgo(&j.Job)
		if now.noRecord || !fired[j.ID] {
			ask = append(ask, *j)
		}
	}
	last, err := v.Last(ctx, ask)
	if err != nil {
		return JobPage{}, err
	}
	page.Jobs = slices.DeleteFunc(page.Jobs, func(j Job) bool {
		_, ran := last[j.ID]
		return now.noRecord && ran || now.NeverRan != nil && (ran || fired[j.ID]) == *now.NeverRan
	})
	if len(page.Jobs) > limit {
		last := q.PlaceOf(&page.Jobs[limit-1].Current)
		page.Jobs, page.Next, page.NextName = page.Jobs[:limit], last.ID, last.Name
	}
	page.Count = len(page.Jobs)
	if count {
		page.Jobs = nil
	}
	return page, nil
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
