package byjob

import (
	"math"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// Limits of a walk.
const (
	// MaxMisses is how many fires in a row may have no record before a walk
	// gives up: each costs some 3 us.
	MaxMisses = 5_000
	// After every missesPerProbe of them the walk asks whether the day has
	// anything near at all, and skips what is empty.
	missesPerProbe = 50
	// SearchRows is how many rows one search looks through where a version cannot be
	// read: some 0.2 us each, so 80 ms at most for a page.
	SearchRows  = 20_000
	maxSearches = 20
	// A summary of more fires than this is skipped as a whole. In a shorter
	// one every fire is looked up, in case some have a record of their own.
	maxSummaryWalk = 1_000
)

// Day is what a database has of the executions that were scheduled on one day.
type Day interface {
	// Start returns the first instant of the day.
	Start() int64
	// Fact returns the record of a job's scheduled fire, or nil. Ahead names up to n of the
	// fires of the day that the walk asks for next, if it goes on.
	Fact(id domain.JobID, at int64, ahead func(n int) []int64) (*domain.Execution, error)
	// Before returns the instant of the newest execution of any job before an instant, or zero.
	Before(at int64) (int64, error)
	// Irregular returns the manual triggers and MISSED summaries of a job below a key, newest first:
	// a page of them.
	Irregular(id domain.JobID, page store.Page) ([]domain.Execution, error)
	// Search returns the newest record of a scheduled fire of a job in [from, below) that is
	// among the newest SearchRows executions of all jobs there. Otherwise next is where to go on.
	Search(id domain.JobID, from, below int64) (at int64, found bool, next int64, err error)
}

// Walk collects the executions of one job, a file at a time.
type Walk struct {
	id    domain.JobID
	page  store.Meter    // of found
	top   domain.FireKey // collect below it
	below int64          // look for scheduled fires below it
	fires fires

	next struct { // what FiresIn has found
		below, at int64
		ok        bool
	}

	found  []domain.Execution
	misses int // fires without a record in a row
	most   int // of them, with which the walk ends

	searches int   // see search
	summary  *Span // the MISSED summary that the walk is in
}

// Span is the range of a MISSED summary, below its last fire: from an instant
// on, count fires in all.
type Span struct{ From, Count int64 }

// New begins a walk through versions of a job, oldest first, for a page.
func New(id domain.JobID, versions []domain.Version, page store.Page) *Walk {
	w := &Walk{
		id: id, page: store.Meter{Rows: page.Limit, Bytes: page.MaxBytes}, fires: fires{versions: versions},
		most:  MaxMisses,
		top:   topOf(id, above(page)),
		found: make([]domain.Execution, 0, max(0, min(page.Limit, 1_000))),
	}
	w.below = w.top.ScheduledAt
	if w.top.Nonce > 0 && w.below < math.MaxInt64 {
		w.below++ // the scheduled fire of that instant has nonce 0
	}
	return w
}

// FiresIn reports whether the calendar names a fire, from the start of a day on, that is still to
// come in the walk. Days are asked for newest first.
func (w *Walk) FiresIn(start int64) bool {
	if n := &w.next; n.below != w.below {
		c, ok := w.fires.prev(w.below)
		n.at, n.ok = c.at, ok
		n.below = w.below
	}
	return w.next.ok && w.next.at >= start
}

// Full reports whether the page takes no further execution.
func (w *Walk) Full() bool { return w.page.Full() }

func (w *Walk) add(e domain.Execution) {
	w.found = append(w.found, e)
	w.page.Add(e.Size())
	w.top = e.FireKey
	w.misses = 0
	if e.Missed != nil {
		w.summary = &Span{From: e.Missed.From, Count: e.Missed.Count}
	}
}

// above returns the key that a page starts below. Zero is the newest: above
// every key that can be.
func above(p store.Page) domain.FireKey {
	if p.Before == (domain.FireKey{}) {
		return domain.FireKey{ScheduledAt: math.MaxInt64}
	}
	return p.Before
}

// Begin says in which MISSED summary the page begins, or nil: see Below.
func (w *Walk) Begin(in *Span) { w.summary = in }

// Below returns the instant below which the walk looks for scheduled fires.
func (w *Walk) Below() int64 { return w.below }

// Top returns the key below which the page begins.
func (w *Walk) Top() domain.FireKey { return w.top }

// LimitMisses sets how many fires in a row may have no record.
func (w *Walk) LimitMisses(misses int) { w.most = misses }

// Ahead returns up to n fires below an instant that the walk has still to look up, newest first and not
// before another instant.
func (w *Walk) Ahead(below, from int64, n int) []int64 {
	return w.fires.ahead(min(w.below, below), from, n)
}

// Misses returns how many fires in a row had no record.
func (w *Walk) Misses() int { return w.misses }

// Ended reports whether the walk is over before the last day.
func (w *Walk) Ended() bool { return w.Full() || w.misses >= w.most }

// Found returns the page.
func (w *Walk) Found() []domain.Execution { return w.found }

// Job returns the job of the walk.
func (w *Walk) Job() domain.JobID { return w.id }

// Day collects what one day has. Days are given newest first.
func (w *Walk) Day(d Day) error {
	irregular, err := w.irregular(d)
	if err != nil {
		return err
	}
	last, err := d.Before(math.MaxInt64)
	if err != nil {
		return err
	}
	w.below = min(w.below, max(last+1, d.Start())) // an empty day says 0
	for !w.Full() {
		e, err := w.scheduled(d)
		if err != nil {
			return err
		}
		for len(irregular) > 0 && !w.Full() && (e == nil || rows.CompareKeys(irregular[0].FireKey, e.FireKey) >= 0) {
			if e == nil || irregular[0].FireKey != e.FireKey { // a summary is found both ways
				w.add(irregular[0])
			}
			irregular = irregular[1:]
		}
		if e == nil || w.Full() {
			return nil
		}
		w.below = e.ScheduledAt
		w.add(*e)
	}
	return nil
}

// scheduled returns the next record of a scheduled fire in a day, or
// nil.
func (w *Walk) scheduled(d Day) (*domain.Execution, error) {
	for w.misses < w.most {
		if w.summary != nil && w.summary.Count > maxSummaryWalk {
			w.below, w.summary = min(w.below, w.summary.From), nil
		}
		next, ok := w.fires.prev(w.below)
		at := next.at
		if !ok || at < d.Start() {
			return nil, nil
		}
		if next.search {
			if at, ok, err := w.search(d, max(next.from, d.Start()), at+1); err != nil || ok {
				if err != nil {
					return nil, err
				}
				return d.Fact(w.id, at, nothingAhead)
			}
			w.below = max(next.from, d.Start())
			continue
		}
		e, err := d.Fact(w.id, at, func(n int) []int64 { return w.fires.ahead(at, d.Start(), n) })
		if err != nil || e != nil {
			return e, err
		}
		w.below = at
		if err := w.miss(d); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// search looks through a day for the last record of a scheduled fire in [from, below), where
// no calendar names it: the version cannot be read.
func (w *Walk) search(d Day, from, below int64) (at int64, found bool, err error) {
	for ; w.searches < maxSearches && below > from; w.searches++ {
		at, found, below, err = d.Search(w.id, from, below)
		if err != nil || found {
			return at, found, err
		}
	}
	return 0, false, nil
}

// miss takes note of a fire without a record.
func (w *Walk) miss(d Day) error {
	if s := w.summary; s != nil && w.below >= s.From {
		return nil // the summary is its record
	}
	w.summary = nil
	w.misses++
	if w.misses%missesPerProbe != 0 {
		return nil
	}
	near, err := d.Before(w.below)
	w.below = min(w.below, max(near+1, d.Start()))
	return err
}

func (w *Walk) irregular(d Day) ([]domain.Execution, error) {
	// With these alone the page is full.
	return d.Irregular(w.id, store.Page{Before: w.top, Limit: w.page.Remaining(), MaxBytes: w.page.Bytes})
}
