package store

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// MaxIDs is how many ids a [JobQuery] names at most.
const MaxIDs = 1_000

// JobQuery selects jobs that are not deleted: those that all its filters select. A filter that
// is zero selects every job.
//
// The work of one call is bounded, too: a store examines jobs in the order of the list until
// the page is full, or until it has examined as many as it may. Then the page ends early, maybe
// without a job, and its Next leads on: whoever wants all of them asks until Next is zero.
type JobQuery struct {
	After      domain.JobID // exclusive; zero: from the beginning of the list
	AfterName  string       // with ByName: NextName of the page before
	ByName     bool         // by [domain.SortName] and then ids, those without a name last; otherwise by ids
	Descending bool         // backwards: without ByName the newest jobs first
	Limit      int
	MaxBytes   int  // of the page; zero: no bound
	MaxBody    int  // a body of more bytes is left out: see [domain.Version.BodyCut]; zero: none is
	MaxWork    int  // how many jobs may be examined, about; zero: the store's own bound, which it has in any case
	CountOnly  bool // no job is returned, and Limit and MaxBytes do not end the page. It is not for ByName

	IDs       []domain.JobID // of these; nil: of all
	Active    *bool
	Fires     bool   // only those that have fires: they are active, or their pause has an end ([domain.Version.Fires])
	Failing   *bool  // whether the job has an open alert of failures
	Namespace string // exact
	Key       string // exact. With it a store looks at the jobs of that key alone
	Name      string // exact
	Tag       string // exact
	Host      domain.HostFilter
	Text      string // part of name, api or id, letter case ignored: [domain.FoldCase] of both

	// Accept is about what the caller knows of a job by its id; nil: all. A store calls it for a
	// job that the other filters may select, maybe twice, while it reads. So it takes a few
	// microseconds at most and asks no store.
	Accept func(domain.JobID) bool
}

// Accepts reports whether Accept selects a job.
func (q *JobQuery) Accepts(id domain.JobID) bool { return q.Accept == nil || q.Accept(id) }

// JobPage is what List returns.
type JobPage struct {
	Jobs  []domain.Job
	Count int          // how many jobs were selected; without CountOnly: are in Jobs
	Next  domain.JobID // After of the next page; zero: there is no other

	NextName string // AfterName of the next page
}

// Selects reports whether the filters about the content of a job select its current version:
// all filters but IDs, Failing and Accept.
func (q *JobQuery) Selects(v *domain.Version) bool {
	s := &v.Spec
	return (q.Active == nil || *q.Active == v.Active) && (!q.Fires || v.Fires()) &&
		(q.Namespace == "" || q.Namespace == s.Namespace) &&
		(q.Key == "" || q.Key == s.Key) &&
		(q.Name == "" || q.Name == s.Name) &&
		(q.Tag == "" || slices.Contains(s.Tags, q.Tag)) &&
		q.Host.Matches(s.API) && q.holdsText(v)
}

func (q *JobQuery) holdsText(v *domain.Version) bool {
	if q.Text == "" {
		return true
	}
	text := domain.FoldCase(q.Text)
	has := func(s string) bool { return strings.Contains(domain.FoldCase(s), text) }
	return has(v.Spec.Name) || has(v.Spec.API) || has(v.JobID.String())
}

// JobPlace is the place of a job in a list.
type JobPlace struct {
	Name string // in the order of names: [domain.SortName] of the job's
	ID   domain.JobID
}

// PlaceOf returns the place of a job's version in the list.
func (q *JobQuery) PlaceOf(v *domain.Version) JobPlace {
	if !q.ByName {
		return JobPlace{ID: v.JobID}
	}
	return JobPlace{domain.SortName(v.Spec.Name), v.JobID}
}

// Start returns the place that the page begins after; of a zero id: the beginning of the list.
func (q *JobQuery) Start() JobPlace { return JobPlace{q.AfterName, q.After} }

// Compare compares two places in the order of the list.
//
//	          ByName                             otherwise
//	          (name, id); without a name last    id
//	backward  (name, id) descending,             id descending
//	          then ids without a name, descending
func (q *JobQuery) Compare(a, b JobPlace) int {
	c := bytes.Compare(a.ID[:], b.ID[:])
	if q.ByName && a.Name != b.Name {
		switch {
		case a.Name == "":
			return 1
		case b.Name == "":
			return -1
		}
		c = strings.Compare(a.Name, b.Name)
	}
	if q.Descending {
		return -c
	}
	return c
}

// Passes reports whether a place comes after the query's Start, and is that of one of its IDs.
func (q *JobQuery) Passes(at JobPlace) bool {
	if !q.After.IsZero() && q.Compare(at, q.Start()) <= 0 {
		return false
	}
	return q.IDs == nil || slices.Contains(q.IDs, at.ID)
}

// JobCollector collects the page of a query.
type JobCollector struct {
	query *JobQuery
	page  JobPage
	meter Meter
}

// Collect begins the page of a query.
func (q *JobQuery) Collect() *JobCollector {
	return &JobCollector{query: q, meter: Meter{Rows: q.Limit, Bytes: q.MaxBytes}}
}

// Full reports whether the page takes no further job. If there is one, the page is to be ended.
func (c *JobCollector) Full() bool { return !c.query.CountOnly && c.meter.Full() }

// Add takes the next job of the list.
func (c *JobCollector) Add(j domain.Job) {
	c.page.Jobs = append(c.page.Jobs, j)
	c.page.Count++
	c.meter.Add(j.Current.Size())
}

// Tally counts the next job of the list, which is not returned.
func (c *JobCollector) Tally() { c.page.Count++ }

// EndBefore ends a page that is full before a job that the query selects.
func (c *JobCollector) EndBefore() JobPage {
	at := c.query.Start()
	if n := len(c.page.Jobs); n > 0 {
		at = c.query.PlaceOf(&c.page.Jobs[n-1].Current)
	}
	return c.EndAfter(at)
}

// EndAfter ends a page early, because enough was examined: up to the place.
func (c *JobCollector) EndAfter(at JobPlace) JobPage {
	c.page.Next, c.page.NextName = at.ID, at.Name
	return c.page
}

// End ends a page behind which there is nothing.
func (c *JobCollector) End() JobPage { return c.page }

// VersionQuery selects versions of one job in the order newest first.
type VersionQuery struct {
	JobID    domain.JobID
	Before   int // a number, exclusive; zero: from the newest on
	Limit    int
	MaxBytes int // of the page; zero: no bound
}

// Top returns the number that the page begins below.
func (q *VersionQuery) Top() int {
	if q.Before == 0 {
		return math.MaxInt32
	}
	return q.Before
}

// ExecutionQuery selects facts: those that all its filters select. A filter that is zero selects
// every fact. The work of one call is bounded as with [JobQuery]: a page may end early.
type ExecutionQuery struct {
	Before   domain.FireKey // exclusive, in the order newest first; zero: from the newest on
	Limit    int
	MaxBytes int // of the page; zero: no bound
	MaxWork  int // how many facts may be examined, about; zero: the store's own bound, which it has in any case

	JobID    domain.JobID    // of one job; zero: of all
	Statuses []domain.Status // one of these
	Manual   *bool           // triggered by hand, or by the schedule
	Retrying *bool           // of those that have not ended: waits for a retry, or does not. No fact does
	From     int64           // scheduled at or after
	To       int64           // scheduled before; zero: no end

	// Host is that of the URL which the version of the fire calls. A version that is not kept calls none.
	Host domain.HostFilter

	// Accept is about what the caller knows of a key; nil: all. A store calls it for keys that the other
	// filters may select, newest first, maybe twice for one, and asks for no answer but the same. It
	// takes a microsecond at most and asks no store.
	Accept func(domain.FireKey) bool `json:"-"`
}

// ExecutionPage is what List returns.
type ExecutionPage struct {
	Executions []domain.Execution
	Next       domain.FireKey // Before of the next page; zero: there is none
}

// Selects reports whether the query selects an execution, but for its place in the order and for
// Host: an execution does not have its URL.
func (q *ExecutionQuery) Selects(e *domain.Execution) bool {
	return (q.JobID.IsZero() || q.JobID == e.JobID) && q.hasStatus(e.Status) &&
		(q.Manual == nil || *q.Manual == (e.Nonce != 0)) &&
		(q.Retrying == nil || *q.Retrying == (e.NextAttemptAt != 0)) &&
		e.ScheduledAt >= q.From && (q.To == 0 || e.ScheduledAt < q.To) && (q.Accept == nil || q.Accept(e.FireKey))
}

func (q *ExecutionQuery) hasStatus(s domain.Status) bool {
	return len(q.Statuses) == 0 || slices.Contains(q.Statuses, s)
}

// OnlyFailures reports whether the query selects by FAILED and UNKNOWN alone.
func (q *ExecutionQuery) OnlyFailures() bool {
	return len(q.Statuses) > 0 && !slices.ContainsFunc(q.Statuses, func(s domain.Status) bool { return !s.Alerts() })
}

// Start returns the key that the page begins below. Without one it is above every key.
func (q *ExecutionQuery) Start() domain.FireKey {
	top := domain.FireKey{ScheduledAt: math.MaxInt64}
	if q.Before != (domain.FireKey{}) {
		top = q.Before
	}
	if q.To > 0 && top.ScheduledAt >= q.To {
		top = domain.FireKey{ScheduledAt: q.To, Nonce: math.MinInt64}
	}
	return top
}

// ExecutionCollector collects the page of a query.
type ExecutionCollector struct {
	page  ExecutionPage
	meter Meter
}

// Collect begins the page of a query.
func (q *ExecutionQuery) Collect() *ExecutionCollector {
	return &ExecutionCollector{meter: Meter{Rows: q.Limit, Bytes: q.MaxBytes}}
}

// Full reports whether the page takes no further fact. If there is one, the page is to be ended.
func (c *ExecutionCollector) Full() bool { return c.meter.Full() }

// Add takes the next fact of the list.
func (c *ExecutionCollector) Add(e domain.Execution) {
	c.page.Executions = append(c.page.Executions, e)
	c.meter.Add(e.Size())
}

// EndBefore ends a page that is full before a fact that the query selects.
func (c *ExecutionCollector) EndBefore() ExecutionPage {
	if n := len(c.page.Executions); n > 0 {
		c.page.Next = c.page.Executions[n-1].FireKey
	}
	return c.page
}

// EndAfter ends a page early, because enough was examined: down to the key.
func (c *ExecutionCollector) EndAfter(k domain.FireKey) ExecutionPage {
	c.page.Next = k
	return c.page
}

// End ends a page behind which there is nothing.
func (c *ExecutionCollector) End() ExecutionPage { return c.page }
