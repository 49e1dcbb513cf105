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
	ByName                         // see [store.JobQuery], in the direction of the query
)

// JobPlace is a place in such a list: right after a job. The zero value is its beginning.
type JobPlace struct {
	Key  int64 // failures in a row, or the instant of the fire
	Job  domain.JobID
	Name string // with ByName
	Rest bool   // among the jobs that the order is not about
}

// SortedPage is a page of jobs in an order.
type SortedPage struct {
	Jobs   []Job
	Places []JobPlace // of each of them
	Next   *JobPlace  // of the next page; nil: there is no other
}

// Bounds of a page in an order: jobs are looked at so many at a time, and so many in all. The first
// piece is asked for alone, and then the others at once, as far as one question goes: each question
// looks at all open alerts, or at all jobs of a block of the timetable.
const (
	sortedPiece = 200
	sortedLooks = 2_000
	sortedKeys  = 50_000 // executions of the record that a page looks at for [ByLastFire], over all its questions
)

// Sorted returns a page of the jobs that are selected, in an order. It may end early. What moves in the
// order while pages are read may be there twice, or be missing.
func (v *View) Sorted(ctx context.Context, q store.JobQuery, now JobsNow, order JobOrder, after JobPlace) (SortedPage,
	error) {
	if order == ByName {
		page, err := v.named(ctx, q, now, after)
		return page, store.Coded(err)
	}
	s := &sorting{v: v, q: q, now: now, order: order, at: after, began: after, meter: store.Meter{Rows: q.Limit,
		Bytes: q.MaxBytes}, keys: sortedKeys, more: true, taken: make(map[domain.JobID]bool),
		seen: make(map[domain.JobID]domain.FireKey)}
	if err := s.ordered(ctx); err != nil || s.page.Next != nil {
		return s.page, store.Coded(err)
	}
	return s.page, store.Coded(s.rest(ctx))
}

// named returns a page in the order of names, which the store has for all jobs.
func (v *View) named(ctx context.Context, q store.JobQuery, now JobsNow, after JobPlace) (SortedPage, error) {
	q.ByName, q.After, q.AfterName = true, after.Job, after.Name
	found, err := v.JobsOf(ctx, q, now)
	page := SortedPage{Jobs: found.Jobs, Places: make([]JobPlace, len(found.Jobs))}
	for i := range found.Jobs {
		at := q.PlaceOf(&found.Jobs[i].Current)
		page.Places[i] = JobPlace{Name: at.Name, Job: at.ID}
	}
	if !found.Next.IsZero() {
		page.Next = &JobPlace{Name: found.NextName, Job: found.Next}
	}
	return page, err
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
	taken map[domain.JobID]bool // that are on the page

	looked int        // at so many candidates
	ahead  []JobPlace // candidates that are known and were not looked at
	more   bool       // there may be others after them
	keys   int        // so many executions may be looked at yet

	seen map[domain.JobID]domain.FireKey // with ByLastFire: the newest execution of each job from there on
}

// ordered looks at the jobs that the order is about. It ends the page when that is full, or enough was
// looked at.
func (s *sorting) ordered(ctx context.Context) error {
	if s.at.Rest || s.order == ByFailures && s.q.Failing != nil && !*s.q.Failing {
		return nil
	}
	for {
		places, next, err := s.candidates(ctx)
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
		if s.at = next; len(s.ahead) == 0 && !s.more {
			return nil
		}
		if s.looked += len(places); s.looked >= sortedLooks || len(places) == 0 || s.keys <= 0 {
			s.page.Next = &next
			return nil
		}
	}
}

// take puts a job on the page once, or ends a page that is full. A job that fires while candidates are
// looked for may be among them twice.
func (s *sorting) take(j Job, at JobPlace) bool {
	if s.taken[j.ID] {
		return true
	}
	if s.meter.Full() {
		last := s.page.Places[len(s.page.Places)-1]
		s.page.Next = &last
		return false
	}
	s.meter.Add(j.Current.Size())
	s.taken[j.ID] = true
	s.page.Jobs, s.page.Places = append(s.page.Jobs, j), append(s.page.Places, at)
	return true
}

// candidates returns the next jobs in the order, and where it goes on.
func (s *sorting) candidates(ctx context.Context) (places []JobPlace, next JobPlace, err error) {
	if s.order == ByLastFire {
		return s.lastFires(ctx)
	}
	if len(s.ahead) == 0 {
		if err := s.ask(ctx); err != nil {
			return nil, s.at, err
		}
	}
	n := min(sortedPiece, len(s.ahead))
	places, s.ahead = s.ahead[:n], s.ahead[n:]
	if next = s.at; n > 0 {
		next = places[n-1]
	}
	return places, next, nil
}

// ask asks for candidates: for a piece, and then for all that the page may look at.
func (s *sorting) ask(ctx context.Context) error {
	limit := sortedPiece
	if s.looked > 0 {
		limit = sortedLooks - s.looked
	}
	if s.order == ByFailures {
		found, err := s.v.alerts.MostFailures(ctx, store.JobFailures{JobID: s.at.Job, Count: s.at.Key}, limit)
		for _, f := range found {
			s.ahead = append(s.ahead, JobPlace{Key: f.Count, Job: f.JobID})
		}
		s.more = len(found) == limit
		return err
	}
	after := domain.FireKey{ScheduledAt: s.at.Key, JobID: s.at.Job}
	fires, more, err := nextFires(ctx, s.v, after, min(limit, store.MaxIDs))
	s.more = more
	for _, k := range fires {
		if s.now.DueBefore != 0 && k.ScheduledAt >= s.now.DueBefore { // so are all that come after it
			s.more = false
			break
		}
		s.ahead = append(s.ahead, JobPlace{Key: k.ScheduledAt, Job: k.JobID})
	}
	return err
}

// lastFires returns the jobs of the newest executions, each once. A page of the record that is short has
// cost as much as one may: the page of jobs ends with it.
func (s *sorting) lastFires(ctx context.Context) (places []JobPlace, next JobPlace, err error) {
	q := store.ExecutionQuery{Limit: sortedPiece, MaxBytes: seriesBytes, MaxWork: s.keys}
	q.Accept = func(k domain.FireKey) bool {
		s.keys--
		first, seen := s.seen[k.JobID]
		if !seen {
			s.seen[k.JobID] = k
		}
		return !seen || first == k
	}
	if s.at != (JobPlace{}) {
		q.Before = domain.FireKey{ScheduledAt: s.at.Key, JobID: s.at.Job, Nonce: math.MinInt64}
	}
	page, err := s.v.history.List(ctx, q)
	for i := range page.Executions {
		k := page.Executions[i].FireKey
		s.seen[k.JobID] = k
		places = append(places, JobPlace{Key: k.ScheduledAt, Job: k.JobID})
	}
	if s.more = page.Next != (domain.FireKey{}); s.more {
		next = JobPlace{Key: page.Next.ScheduledAt, Job: page.Next.JobID}
	}
	if len(places) < sortedPiece {
		s.keys = 0
	}
	return places, next, err
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
		if now.DueBefore != 0 { // it selects none that does not fire
			return nil
		}
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
		if s.taken[j.ID] { // the order was about it a moment ago
			continue
		}
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
func nextFires(ctx context.Context, v *View, after domain.FireKey, limit int) (all []domain.FireKey, more bool,
	err error) {
	if all, err = v.live.NextFires(ctx, after, limit); err != nil {
		return nil, false, err
	}
	more = len(all) == limit
	if v.others != nil {
		elsewhere, missing := v.others.NextFires(ctx, after, limit)
		notePartial(ctx, missing)
		for _, fires := range elsewhere {
			more = more || len(fires) == limit
			all = append(all, fires...)
		}
		slices.SortFunc(all, domain.FireKey.Sooner)
	}
	if len(all) > limit {
		all, more = all[:limit], true
	}
	seen := make(map[domain.JobID]bool, len(all))
	return slices.DeleteFunc(all, func(k domain.FireKey) bool { // see take; and one that changes hands
		twice := seen[k.JobID]
		seen[k.JobID] = true
		return twice
	}), more, nil
}
