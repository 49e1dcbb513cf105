package sqlite

import (
	"context"
	"errors"
	"math"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Limits of the search for the executions of one job.
const (
	// maxMisses is how many fires in a row may have no record before a search
	// gives up: each costs some 3 us.
	maxMisses = 5_000
	// After every missesPerProbe of them the search asks whether the file has
	// anything near at all, and skips what is empty.
	missesPerProbe = 50
	// Where a version cannot be read, a search looks through rows: some 0.2 us
	// each, so 200 ms at most for a page.
	searchRows  = 50_000
	maxSearches = 20
	// A summary of more fires than this is skipped as a whole. In a shorter
	// one every fire is looked up, in case some have a record of their own.
	maxSummaryWalk = 1_000
)

// ByJob implements store.History.
//
// Scheduled fires have no index by job, because writing it would cost more than the
// calls that it records. Instead, the job's timeline yields the instants, and each is
// looked up by the primary key. Manual triggers and MISSED summaries cannot be computed
// from the timeline; they have a small index. Files that can have neither kind are not
// read. Both kinds come newest first and are merged:
//
//	calendar    12:05   12:04   12:03   ....   11:00
//	irregular       ↑ 12:04:31 (manual)   ↑ 12:02, covers 11:01 to 12:02
//	result      12:05, 12:04:31, 12:04, 12:03, 12:02 (MISSED, 62 fires), 11:00
func (h *history) ByJob(ctx context.Context, id domain.JobID, page store.Page) ([]domain.Execution, error) {
	versions, err := h.jobs.Versions(ctx, id, store.TimingOnly)
	if err != nil {
		return nil, err
	}
	w := newJobWalk(id, versions, page)
	if page.Before != (domain.FireKey{}) {
		if w.summary, err = h.summaryOver(ctx, id, w.below); err != nil {
			return nil, fault("read the history", err)
		}
	}
	for _, d := range h.days.downFrom(dayOf(w.top.ScheduledAt)) {
		if w.full() || w.misses >= w.most {
			break
		}
		if !h.irregular.mayHave(d, id) {
			if !w.firesIn(d) {
				continue
			}
		}
		err := h.days.read(ctx, d, func(c *conn) error { return w.day(c, d) })
		if err != nil {
			return nil, fault("read the history", err)
		}
	}
	return w.found, nil
}

const selectSummary = `
SELECT missed_from, missed_count FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) AND job_id = CAST(? AS BLOB) AND scheduled_at >= ? AND missed_count > 0
 ORDER BY scheduled_at LIMIT 1`

// summaryOver returns the MISSED summary that covers the fires right below
// an instant, or nil: a page may begin in the middle of one.
func (h *history) summaryOver(ctx context.Context, id domain.JobID, below int64) (*span, error) {
	var next *span // the first summary at or after the instant
	for _, d := range h.days.all() {
		if d.end() <= below || next != nil || !h.irregular.mayHave(d, id) {
			continue
		}
		err := h.days.read(ctx, d, func(c *conn) error {
			return c.query(selectSummary, func(s *sqlite.Stmt) error {
				next = &span{from: s.ColumnInt64(0), count: s.ColumnInt64(1)}
				return nil
			}, id, below)
		})
		if err != nil {
			return nil, err
		}
	}
	if next == nil || next.from >= below {
		return nil, nil
	}
	return next, nil
}

// topOf returns the key of the job that a search starts below, given the key
// of any job that the page does.
func topOf(id domain.JobID, k domain.FireKey) domain.FireKey {
	top := domain.FireKey{JobID: id, ScheduledAt: k.ScheduledAt, Nonce: k.Nonce}
	if k.JobID == id {
		return top
	}
	if compareKeys(top, k) < 0 { // in that millisecond the job comes before
		top.Nonce = math.MaxInt64
	} else {
		top.Nonce = math.MinInt64
	}
	return top
}

// fires walks the fires of a job backwards in time through its versions.
type fires struct {
	versions []domain.Version // oldest first; those that are exhausted are cut off
	timing   domain.Timing    // of the last one
	compiled bool
	readable bool // otherwise no fire of it can be named: see jobWalk.search
}

// candidate is where the next record of a scheduled fire may be.
type candidate struct {
	at     int64
	search bool  // the version cannot be read: it is at that instant or before
	from   int64 // with search: not before the version
}

// prev returns the last fire before the instant. Calls must go back in time.
func (f *fires) prev(before int64) (candidate, bool) {
	for len(f.versions) > 0 {
		v := &f.versions[len(f.versions)-1]
		if before > v.EffectiveFrom {
			if !f.compiled {
				var err error
				f.timing, err = v.Timing()
				f.readable, f.compiled = err == nil && !unreadTiming(v), true
			}
			if !f.readable {
				return candidate{min(before, v.EffectiveTo) - 1, true, v.EffectiveFrom}, true
			}
			if at, ok := f.timing.Prev(before); ok {
				return candidate{at: at}, true
			}
		}
		f.versions, f.compiled = f.versions[:len(f.versions)-1], false
	}
	return candidate{}, false
}

// unreadTiming reports whether a part of a version cannot be read that says when
// it fires.
func unreadTiming(v *domain.Version) bool {
	return slices.ContainsFunc(v.Unread, func(f domain.Fault) bool {
		return slices.Contains([]string{"options", "startAt", "endAt", "jitterMs", "dst"}, f.Field)
	})
}

// jobWalk collects the executions of one job, a file at a time.
type jobWalk struct {
	id    domain.JobID
	page  store.Meter    // of found
	top   domain.FireKey // collect below it
	below int64          // look for scheduled fires below it
	fires fires

	next struct { // what firesIn has found
		below, at int64
		ok        bool
	}

	found  []domain.Execution
	misses int // fires without a record in a row
	most   int // of them, with which the walk ends

	searches int   // see search
	summary  *span // the MISSED summary that the walk is in
}

// span is the range of a MISSED summary, below its last fire: from an instant
// on, count fires in all.
type span struct{ from, count int64 }

func newJobWalk(id domain.JobID, versions []domain.Version, page store.Page) *jobWalk {
	w := &jobWalk{
		id: id, page: store.Meter{Rows: page.Limit, Bytes: page.MaxBytes}, fires: fires{versions: versions},
		most:  maxMisses,
		top:   topOf(id, before(page)),
		found: make([]domain.Execution, 0, max(0, min(page.Limit, 1_000))),
	}
	w.below = w.top.ScheduledAt
	if w.top.Nonce > 0 && w.below < math.MaxInt64 {
		w.below++ // the scheduled fire of that instant has nonce 0
	}
	return w
}

// firesIn reports whether the calendar names a fire of a day that is still to
// come in the walk. Days are asked for newest first.
func (w *jobWalk) firesIn(d day) bool {
	if n := &w.next; n.below != w.below {
		c, ok := w.fires.prev(w.below)
		n.at, n.ok = c.at, ok
		n.below = w.below
	}
	return w.next.ok && w.next.at >= d.start()
}

func (w *jobWalk) full() bool { return w.page.Full() }

func (w *jobWalk) add(e domain.Execution) {
	w.found = append(w.found, e)
	w.page.Add(e.Size())
	w.top = e.FireKey
	w.misses = 0
	if e.Missed != nil {
		w.summary = &span{from: e.Missed.From, count: e.Missed.Count}
	}
}

const selectIrregular = `
SELECT ` + executionColumns + ` FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) AND job_id = CAST(? AS BLOB) AND (scheduled_at, nonce) < (?, ?)
 ORDER BY scheduled_at DESC, nonce DESC LIMIT 0 + ?`

// day collects what one file has.
func (w *jobWalk) day(c *conn, d day) error {
	irregular, err := w.irregular(c)
	if err != nil {
		return err
	}
	last, err := c.number(`SELECT max(scheduled_at) FROM execution`)
	if err != nil {
		return err
	}
	w.below = min(w.below, max(last+1, d.start())) // an empty file says 0
	for !w.full() {
		e, err := w.scheduled(c, d)
		if err != nil {
			return err
		}
		for len(irregular) > 0 && !w.full() && (e == nil || compareKeys(irregular[0].FireKey, e.FireKey) >= 0) {
			if e == nil || irregular[0].FireKey != e.FireKey { // a summary is found both ways
				w.add(irregular[0])
			}
			irregular = irregular[1:]
		}
		if e == nil || w.full() {
			return nil
		}
		w.below = e.ScheduledAt
		w.add(*e)
	}
	return nil
}

// scheduled returns the next record of a scheduled fire in the file of a day,
// or nil.
func (w *jobWalk) scheduled(c *conn, d day) (*domain.Execution, error) {
	for w.misses < w.most {
		if w.summary != nil && w.summary.count > maxSummaryWalk {
			w.below, w.summary = min(w.below, w.summary.from), nil
		}
		next, ok := w.fires.prev(w.below)
		at := next.at
		if !ok || at < d.start() {
			return nil, nil
		}
		if next.search {
			if at, ok, err := w.search(c, max(next.from, d.start()), at+1); err != nil || ok {
				if err != nil {
					return nil, err
				}
				return readFact(c, domain.FireKey{JobID: w.id, ScheduledAt: at})
			}
			w.below = max(next.from, d.start())
			continue
		}
		e, err := readFact(c, domain.FireKey{JobID: w.id, ScheduledAt: at})
		if err != nil || e != nil {
			return e, err
		}
		w.below = at
		if err := w.miss(c, d); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

const (
	selectSearch = `
SELECT scheduled_at FROM (
       SELECT scheduled_at, job_id, nonce FROM execution WHERE scheduled_at >= ? AND scheduled_at < ?
       ORDER BY scheduled_at DESC LIMIT 0 + ?)
 WHERE job_id = CAST(? AS BLOB) AND nonce = 0 LIMIT 1`

	selectSearched = `SELECT scheduled_at FROM execution WHERE scheduled_at >= ? AND scheduled_at < ? ORDER BY ` +
		`scheduled_at DESC LIMIT 1 OFFSET ?`
)

// search looks through the file of a day for the last record of a scheduled fire
// in [from, below), where no calendar names it: the version cannot be read.
func (w *jobWalk) search(c *conn, from, below int64) (at int64, found bool, err error) {
	for ; w.searches < maxSearches && below > from; w.searches++ {
		err = c.query(selectSearch, func(s *sqlite.Stmt) error {
			at, found = s.ColumnInt64(0), true
			return nil
		}, from, below, searchRows, w.id)
		if err != nil || found {
			return at, found, err
		}
		if below, err = c.number(selectSearched, from, below, searchRows-1); err != nil {
			return 0, false, err
		}
	}
	return 0, false, nil
}

// miss takes note of a fire without a record.
func (w *jobWalk) miss(c *conn, d day) error {
	if s := w.summary; s != nil && w.below >= s.from {
		return nil // the summary is its record
	}
	w.summary = nil
	w.misses++
	if w.misses%missesPerProbe != 0 {
		return nil
	}
	near, err := c.number(`SELECT max(scheduled_at) FROM execution WHERE scheduled_at < ?`, w.below)
	w.below = min(w.below, max(near+1, d.start()))
	return err
}

func (w *jobWalk) irregular(c *conn) (rows []domain.Execution, err error) {
	read := store.Meter{Rows: w.page.Rows, Bytes: w.page.Bytes} // with these alone the page is full
	err = c.query(selectIrregular, func(s *sqlite.Stmt) error {
		if read.Full() {
			return errFull
		}
		e := columnsExecution(s)
		rows = append(rows, e)
		read.Add(e.Size())
		return nil
	}, w.id, w.top.ScheduledAt, w.top.Nonce, w.page.Remaining())
	if errors.Is(err, errFull) {
		err = nil
	}
	return rows, err
}
