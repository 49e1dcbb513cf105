package view

import (
	"context"
	"math"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// JobOrder is an order of a list of jobs that is not that of their ids.
type JobOrder int

// The orders of lists of jobs. Each begins with the jobs that it is about. The others follow in the
// order of their ids.
const (
	ByFailures JobOrder = iota + 1 // most failures in a row first
	ByNextFire                     // the soonest first
	ByLastFire                     // the newest execution on record first, by its scheduled instant
)

// JobPlace is a place in such a list: right after a job. The zero value is its beginning.
type JobPlace struct {
	Key  int64 // failures in a row, or the instant of the fire
	Job  domain.JobID
	Rest bool // among the jobs that the order is not about
}

// SortedPage is a page of jobs in an order.
type SortedPage struct {
	Jobs   []Job
	Places []JobPlace // of each of them
	Next   *JobPlace  // of the next page; nil: there is no other
}

// Bounds of a page in an order: jobs are looked at so many at a time, and so many in all, 35 us each.
const (
	sortedPiece = 200
	sortedLooks = 2_000
)

// Sorted returns a page of the jobs that are selected, in an order. It may end early. What moves in the
// order while pages are read may be there twice, or be missing.
func (v *View) Sorted(ctx context.Context, q store.JobQuery, now JobsNow, order JobOrder, after JobPlace) (SortedPage,
	error) {
	s := &sorting{v: v, q: q, now: now, order: order, at: after, began: after, meter: store.Meter{Rows: q.Limit,
		Bytes: q.MaxBytes}, seen: make(map[domain.JobID]domain.FireKey)}
	if err := s.ordered(ctx); err != nil || s.page.Next != nil {
		return s.page, store.Coded(err)
	}
	return s.page, store.Coded(s.rest(ctx))
}

// sorting is one call of Sorted.
type sorting struct {
	v     *View
	q     store.JobQuery
	now   JobsNow
	order JobOrder
	began JobPlace // where the page begins
	at    JobPlace // up to which all was looked at
	page  SortedPage
	meter store.Meter

	seen map[domain.JobID]domain.FireKey // with ByLastFire: the newest execution of each job from there on
}

// ordered looks at the jobs that the order is about. It ends the page when that is full, or enough was
// looked at.
func (s *sorting) ordered(ctx context.Context) error {
	if s.at.Rest || s.order == ByFailures && s.q.Failing != nil && !*s.q.Failing {
		return nil
	}
	for looked := 0; ; {
		places, next, more, err := s.candidates(ctx)
		if err != nil {
			return err
		}
		selected, err := s.selected(ctx, places)
		if err != nil {
			return err
		}
		for _, p := range places {
			if j, is := selected[p.Job]; is && !s.take(j, p) {
				return nil
			}
		}
		if s.at = next; !more {
			return nil
		}
		if looked += max(1, len(places)); looked >= sortedLooks || len(places) == 0 {
			s.page.Next = &next
			return nil
		}
	}
}

// take puts a job on the page, or ends a page that is full.
func (s *sorting) take(j Job, at JobPlace) bool {
	if s.meter.Full() {
		last := s.page.Places[len(s.page.Places)-1]
		s.page.Next = &last
		return false
	}
	s.meter.Add(j.Current.Size())
	s.page.Jobs, s.page.Places = append(s.page.Jobs, j), append(s.page.Places, at)
	return true
}

// candidates returns the next jobs in the order, where it goes on, and whether it does.
func (s *sorting) candidates(ctx context.Context) (places []JobPlace, next JobPlace, more bool, err error) {
	switch s.order {
	case ByFailures:
		var found []store.JobFailures
		found, err = s.v.alerts.MostFailures(ctx, store.JobFailures{JobID: s.at.Job, Count: s.at.Key}, sortedPiece)
		for _, f := range found {
			places = append(places, JobPlace{Key: f.Count, Job: f.JobID})
		}
		more = len(found) == sortedPiece
	case ByNextFire:
		var fires []domain.FireKey
		fires, more = nextFires(ctx, s.v, domain.FireKey{ScheduledAt: s.at.Key, JobID: s.at.Job}, sortedPiece)
		for _, k := range fires {
			places = append(places, JobPlace{Key: k.ScheduledAt, Job: k.JobID})
		}
	case ByLastFire:
		return s.lastFires(ctx)
	}
	next = s.at
	if n := len(places); n > 0 {
		next = places[n-1]
	}
	return places, next, more, err
}

// lastFires returns the jobs of the newest executions, each once.
func (s *sorting) lastFires(ctx context.Context) (places []JobPlace, next JobPlace, more bool, err error) {
	q := store.ExecutionQuery{Limit: sortedPiece, MaxBytes: seriesBytes, Accept: func(k domain.FireKey) bool {
		first, seen := s.seen[k.JobID]
		if !seen {
			s.seen[k.JobID] = k
		}
		return !seen || first == k
	}}
	if s.at != (JobPlace{}) {
		q.Before = domain.FireKey{ScheduledAt: s.at.Key, JobID: s.at.Job, Nonce: math.MinInt64}
	}
	page, err := s.v.history.List(ctx, q)
	for i := range page.Executions {
		k := page.Executions[i].FireKey
		s.seen[k.JobID] = k
		places = append(places, JobPlace{Key: k.ScheduledAt, Job: k.JobID})
	}
	if more = page.Next != (domain.FireKey{}); more {
		next = JobPlace{Key: page.Next.ScheduledAt, Job: page.Next.JobID}
	}
	return places, next, more, err
}

// selected returns those jobs of the places that the query selects.
func (s *sorting) selected(ctx context.Context, places []JobPlace) (map[domain.JobID]Job, error) {
	found := make(map[domain.JobID]Job, len(places))
	if len(places) == 0 {
		return found, nil
	}
	q := s.q
	q.IDs, q.After, q.Limit, q.CountOnly, q.Descending = nil, domain.JobID{}, len(places), false, false
	for _, p := range places {
		q.IDs = append(q.IDs, p.Job)
	}
	for {
		page, err := s.v.JobsOf(ctx, q, s.now)
		if err != nil {
			return nil, err
		}
		for _, j := range page.Jobs {
			found[j.ID] = j
		}
		if q.After = page.Next; q.After.IsZero() {
			return found, s.dropEarlier(ctx, found)
		}
	}
}

// dropEarlier drops the jobs that were on a page before: an execution of them is newer than where this one
// begins.
func (s *sorting) dropEarlier(ctx context.Context, found map[domain.JobID]Job) error {
	if s.order != ByLastFire || s.began == (JobPlace{}) || len(found) == 0 {
		return nil
	}
	jobs := make([]Job, 0, len(found))
	for _, j := range found {
		jobs = append(jobs, j)
	}
	last, err := s.v.Last(ctx, jobs)
	for id, e := range last {
		if newestFirst(e.FireKey, s.seen[id]) < 0 {
			delete(found, id)
		}
	}
	return err
}

// rest adds the jobs that the order is not about.
func (s *sorting) rest(ctx context.Context) error {
	q, now := s.q, s.now
	switch s.order {
	case ByFailures:
		if q.Failing != nil && *q.Failing {
			return nil
		}
		q.Failing = new(bool)
	case ByNextFire:
		now.noFire = true
	case ByLastFire:
		now.noRecord = true
	}
	if s.meter.Full() {
		last := s.page.Places[len(s.page.Places)-1]
		s.page.Next = &last
		return nil
	}
	q.Descending, q.Limit = false, s.meter.Remaining()
	if s.at.Rest {
		q.After = s.at.Job
	}
	if q.MaxBytes > 0 {
		q.MaxBytes = max(1, q.MaxBytes-s.meter.Filled())
	}
	page, err := s.v.JobsOf(ctx, q, now)
	for _, j := range page.Jobs {
		s.page.Jobs = append(s.page.Jobs, j)
		s.page.Places = append(s.page.Places, JobPlace{Job: j.ID, Rest: true})
	}
	if !page.Next.IsZero() {
		s.page.Next = &JobPlace{Job: page.Next, Rest: true}
	}
	return err
}

// nextFires returns the next fires of the jobs of all nodes after one, at most so many, each job once, and
// whether there may be more.
func nextFires(ctx context.Context, v *View, after domain.FireKey, limit int) (all []domain.FireKey, more bool) {
	all = v.live.NextFires(after, limit)
	more = len(all) == limit
	if v.others == nil {
		return all, more
	}
	elsewhere, missing := v.others.NextFires(ctx, after, limit)
	notePartial(ctx, missing)
	for _, fires := range elsewhere {
		more = more || len(fires) == limit
		all = append(all, fires...)
	}
	slices.SortFunc(all, domain.FireKey.Sooner)
	if len(all) > limit {
		all, more = all[:limit], true
	}
	seen := make(map[domain.JobID]bool, len(all))
	return slices.DeleteFunc(all, func(k domain.FireKey) bool { // one that changes hands may be there twice
		twice := seen[k.JobID]
		seen[k.JobID] = true
		return twice
	}), more
}
