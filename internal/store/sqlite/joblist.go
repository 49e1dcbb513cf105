package sqlite

import (
	"bytes"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// What one call of List may cost, in units of about half a microsecond: 70 ms. The blocks of a million
// jobs are 125,000 of them.
const (
	maxListWork = 140_000

	workBlock   = 4  // to skip a block
	workJob     = 2  // to look at a row of the table job
	workAccept  = 6  // to ask the caller about it
	workVersion = 32 // at the name, URL and tags of its version
	workWhole   = 60 // to read and decode a version
	workLookUp  = 4  // to find the row of a job that does not follow the one before
	workPage    = 2  // to pass a page of its body, on the way to the columns behind it
	workPerJob  = workJob + workVersion

	pageOfFile = 4096
)

// A set of at most so many jobs is looked at job by job. Then no block is read.
const (
	mostListed    = 2_000  // of a namespace
	mostUnordered = 20_000 // that are failing or paused: some 2 ms to sort
)

// jobList is one call of List.
type jobList struct {
	c       *conn
	q       *store.JobQuery
	box     *seal.Box
	alerts  *alerts
	page    *store.JobCollector
	content bool // a filter is about what a version has

	work  int            // units that are left
	last  store.JobPlace // up to which all was examined
	moved bool           // last is not where the query begins any more
	name  string         // of the job that is examined, in the order of names
	ended store.JobPage  // with errFull

	collect func(domain.JobID, int) error // takes the jobs in the place of the page; nil: they are on the page
}

// tallied answers a count of all jobs, or of those that are active or not, from the tally.
func (l *jobList) tallied() (page store.JobPage, ok bool, err error) {
	q := l.q
	if !q.CountOnly || l.content || q.Fires || q.Key != "" || q.IDs != nil || q.Failing != nil || q.Namespace != "" ||
		q.Accept != nil || !q.After.IsZero() {
		return page, false, nil
	}
	total, active, err := readTally(l.c)
	switch {
	case q.Active == nil:
		page.Count = int(total)
	case *q.Active:
		page.Count = int(active)
	default:
		page.Count = int(total - active)
	}
	return page, true, err
}

// plan chooses what drives the list. Whatever it is, its order is that of the ids, and each job
// is examined.
func (l *jobList) plan() (walk func() error, err error) {
	q := l.q
	if q.IDs != nil {
		return l.walkIDs(q.IDs), nil
	}
	if q.Key != "" {
		ids, err := l.keyed()
		return l.walkIDs(ids), err
	}
	if q.Failing != nil && *q.Failing {
		if ids, ok := l.alerts.openJobs(mostUnordered); ok {
			return l.walkIDs(ids), nil
		}
	}
	paused := q.Active != nil && !*q.Active
	if paused {
		total, active, err := readTally(l.c)
		if err != nil || total-active <= mostUnordered {
			return l.walkRows(scanPaused), err
		}
	}
	confined := q.Namespace != "" && q.Namespace != rows.Defaults.Namespace
	if confined {
		n, err := l.c.number(countNamespace, q.Namespace, mostListed+1)
		if err != nil || n <= mostListed {
			return l.walkRows(scanNamespace, q.Namespace), err
		}
	}
	switch {
	case l.content:
		return l.walkBlocks(placesOf(q)), nil
	case confined:
		return l.walkRows(scanNamespace, q.Namespace), nil
	case paused:
		return l.walkRows(scanPaused), nil
	}
	return l.walkRows(scanJobs), nil
}

const (
	// What decides about a job without its version, in the order of the ids from ?1 on, and
	// before ?2.
	jobColumns = `
SELECT id, is_active, deleted_at IS NOT NULL, namespace, current_version FROM job`
	inRange  = ` id >= ?1 AND id < ?2 ORDER BY id`
	backward = ` DESC`

	scanJobs      = jobColumns + ` WHERE` + inRange
	scanPaused    = jobColumns + ` INDEXED BY job_paused WHERE is_active = 0 AND deleted_at IS NULL AND` + inRange
	scanNamespace = jobColumns + ` INDEXED BY job_namespace
 WHERE namespace = ?3 AND namespace IS NOT NULL AND deleted_at IS NULL AND` + inRange
	selectJobRow = jobColumns + ` WHERE id = CAST(?1 AS BLOB)`

	countNamespace = `
SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_namespace
                       WHERE namespace = ? AND namespace IS NOT NULL AND deleted_at IS NULL LIMIT 0 + ?)`
	selectContent = `SELECT name, api, tags FROM version WHERE job_id = CAST(? AS BLOB) AND number = ?`

	// The options of a version of which something is said of its pause, maybe.
	selectPauseOptions = `
SELECT options FROM version WHERE job_id = CAST(? AS BLOB) AND number = ? AND instr(options, '"pause":{') > 0`

	selectCut = `
SELECT ` + cutColumns + ` FROM version v CROSS JOIN job j ON j.id = v.job_id
 WHERE v.job_id = CAST(?1 AS BLOB) AND v.number = 0 + ?2`
)

// selectKeyed finds the jobs with a key in all namespaces: one in each.
const selectKeyed = `
SELECT v.job_id FROM version v WHERE v.key = coalesce(?1, '') AND v.effective_to IS NULL LIMIT 0 + ?2`

// keyed returns the jobs that have the key.
func (l *jobList) keyed() (ids []domain.JobID, err error) {
	query, args := selectKeyed, []any{l.q.Key, mostUnordered}
	if l.q.Namespace != "" {
		query, args = selectKeyHolder, []any{l.q.Key, l.q.Namespace}
	}
	err = l.c.query(query, func(s *sqlite.Stmt) error {
		ids = append(ids, columnJobID(s, 0))
		return nil
	}, args...)
	return ids, err
}

// walkRows examines the jobs that a scan gives.
func (l *jobList) walkRows(scan string, more ...any) func() error {
	return func() error {
		from, to := l.bounds(domain.JobID{}, afterAll)
		return l.scan(scan, from, to, more...)
	}
}

// bounds cuts a range of ids where the query begins.
func (l *jobList) bounds(low domain.JobID, high []byte) (from, to []byte) {
	from, to = low[:], high
	if l.q.After.IsZero() {
		return from, to
	}
	if l.q.Descending {
		if bytes.Compare(l.q.After[:], to) < 0 {
			to = l.q.After[:]
		}
		return from, to
	}
	if next := append(slices.Clone(l.q.After[:]), 0); bytes.Compare(next, from) > 0 { // the least that comes after it
		from = next
	}
	return from, to
}

func (l *jobList) scan(query string, from, to []byte, more ...any) error {
	if l.q.Descending {
		query += backward
	}
	return l.c.query(query, l.examine, append([]any{from, to}, more...)...)
}

// walkIDs examines the jobs that are named, in any order.
func (l *jobList) walkIDs(ids []domain.JobID) func() error {
	return func() error {
		ids = slices.Clone(ids)
		slices.SortFunc(ids, func(a, b domain.JobID) int { return bytes.Compare(a[:], b[:]) })
		if l.q.Descending {
			slices.Reverse(ids)
		}
		for _, id := range slices.Compact(ids) {
			if !l.q.Passes(store.JobPlace{ID: id}) {
				continue
			}
			if err := l.c.query(selectJobRow, l.examine, id); err != nil {
				return err
			}
		}
		return nil
	}
}

// spend takes units of work. It ends the page when there are none left, and something was examined.
func (l *jobList) spend(units int) error {
	if l.work <= 0 && l.moved {
		l.ended = l.page.EndAfter(l.last)
		return errFull
	}
	l.work -= units
	return nil
}

// examine looks at a row of jobColumns and takes the job if the query selects it.
func (l *jobList) examine(s *sqlite.Stmt) error {
	if err := l.spend(workJob); err != nil {
		return err
	}
	id := columnJobID(s, 0)
	v := domain.Version{JobID: id, Active: s.ColumnBool(1), Number: s.ColumnInt(4)}
	v.Spec.Namespace = rows.Defaults.Namespace
	if !s.ColumnIsNull(3) {
		v.Spec.Namespace = s.ColumnText(3)
	}
	selected := !s.ColumnBool(2) && (l.q.Namespace == "" || l.q.Namespace == v.Spec.Namespace) &&
		(l.q.Active == nil || *l.q.Active == v.Active) &&
		(l.q.Failing == nil || *l.q.Failing == l.alerts.isOpen(id))
	if selected && l.q.Fires && !v.Active {
		l.work -= workVersion
		if err := l.readPause(&v); err != nil {
			return err
		}
		selected = v.Fires()
	}
	if selected && l.q.Accept != nil {
		l.work -= workAccept
		selected = l.q.Accept(id)
	}
	if selected && l.content {
		l.work -= workVersion
		var err error
		if selected, err = l.selects(&v); err != nil {
			return err
		}
	}
	if selected {
		if err := l.take(id, v.Number); err != nil {
			return err
		}
	}
	l.last, l.moved = store.JobPlace{Name: l.name, ID: id}, true
	return nil
}

// readPause reads of a version what is said of its pause.
func (l *jobList) readPause(v *domain.Version) error {
	return l.c.query(selectPauseOptions, func(s *sqlite.Stmt) error {
		v.Pause = rows.PauseOf(rows.Text(s.ColumnText(0)))
		return nil
	}, v.JobID, v.Number)
}

// selects reads of a version what the filters are about. The columns come before the body: of a
// long one nothing is read.
func (l *jobList) selects(v *domain.Version) (selected bool, err error) {
	err = l.c.query(selectContent, func(s *sqlite.Stmt) error {
		v.Spec.Name, v.Spec.API, v.Spec.Key = s.ColumnText(0), s.ColumnText(1), l.q.Key
		if l.q.Tag != "" {
			v.Spec.Tags = rows.DecodeTags(rows.Text(s.ColumnText(2)))
		}
		selected = l.q.Selects(v)
		return nil
	}, v.JobID, v.Number)
	return selected, err
}

// take puts a job on the page, or ends a page that is full.
func (l *jobList) take(id domain.JobID, number int) error {
	if l.collect != nil {
		return l.collect(id, number)
	}
	if l.page.Full() {
		l.ended = l.page.EndBefore()
		return errFull
	}
	if l.q.CountOnly {
		l.page.Tally()
		return nil
	}
	return l.c.query(selectCut, func(s *sqlite.Stmt) error {
		v := columnsCut(s, l.box)
		l.work -= workWhole + workPage*((v.BodyCut+len(v.Spec.Body))/pageOfFile)
		l.page.Add(domain.JobOf(v))
		return nil
	}, id, number, nil, nil, nil, nil, bound(l.q.MaxBody))
}

const (
	scanBlocks     = `SELECT start, bits FROM job_block WHERE start >= ?1 AND start < ?2 ORDER BY start`
	selectBlockEnd = `SELECT start FROM job_block WHERE start <= ? ORDER BY start DESC LIMIT 1`
)

// walkBlocks examines the jobs of those blocks which may have one that the query selects.
func (l *jobList) walkBlocks(places []uint32) func() error {
	if l.q.Descending {
		return func() error { return l.blocksDown(places) }
	}
	return func() error { return l.blocksUp(places) }
}

// mayHave reports whether a block, in the second column, may have jobs with the places.
func mayHave(s *sqlite.Stmt, filter *bits, places []uint32) bool {
	if s.ColumnIsNull(1) {
		return true
	}
	s.ColumnBytes(1, filter[:])
	return filter.covers(places)
}

// blocksUp walks from the block with the query's After. The end of a block is known when the next
// one has been read.
func (l *jobList) blocksUp(places []uint32) error {
	first, err := l.c.number(selectBlockEnd, startOf(l.q.After))
	if err != nil {
		return err
	}
	open, may := int64(-1), false
	var filter bits
	err = l.c.query(scanBlocks, func(s *sqlite.Stmt) error {
		start := s.ColumnInt64(0)
		if open >= 0 {
			if err := l.block(open, start, may); err != nil {
				return err
			}
		}
		open, may = start, mayHave(s, &filter, places)
		return nil
	}, first, maxStart)
	if err != nil || open < 0 {
		return err
	}
	return l.block(open, maxStart, may)
}

func (l *jobList) blocksDown(places []uint32) error {
	end := maxStart
	if !l.q.After.IsZero() {
		end = startOf(l.q.After)
		if end < maxStart {
			end++
		}
	}
	upper := maxStart
	var filter bits
	return l.c.query(scanBlocks+backward, func(s *sqlite.Stmt) error {
		start := s.ColumnInt64(0)
		err := l.block(start, upper, mayHave(s, &filter, places))
		upper = start
		return err
	}, 0, end)
}

// block examines the jobs of one block, or passes it.
func (l *jobList) block(start, end int64, may bool) error {
	if err := l.spend(workBlock); err != nil {
		return err
	}
	if may {
		from, to := l.bounds(firstID(start), beforeEnd(end))
		if err := l.scan(scanJobs, from, to); err != nil {
			return err
		}
	}
	l.passed(start, end)
	return nil
}

// passed notes that all jobs of a block were examined.
func (l *jobList) passed(start, end int64) {
	at := firstID(start)
	if !l.q.Descending {
		if end == maxStart {
			return // it was the last one
		}
		at = firstID(end)
		for i := len(at) - 1; i >= 0; i-- { // the id before it
			at[i]--
			if at[i] != 0xff {
				break
			}
		}
	}
	if !at.IsZero() {
		l.last, l.moved = store.JobPlace{ID: at}, true
	}
}

// placesOf returns the bits that the block of a job has which a query selects; none: every block
// may have one.
func placesOf(q *store.JobQuery) (places []uint32) {
	add := func(at uint32) { places = append(places, at) }
	grams(domain.FoldCase(q.Text), add)
	if q.Name != "" {
		term(termName, q.Name, add)
	}
	if q.Host.Name != "" {
		term(termHost, q.Host.Name, add)
	}
	if q.Namespace != "" && q.Namespace != rows.Defaults.Namespace {
		term(termNamespace, q.Namespace, add)
	}
	if q.Tag != "" {
		term(termTag, q.Tag, add)
	}
	return places
}
