package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// How many jobs one call of List examines at most: each costs some 5 us of processor time, of PostgreSQL and of
// this process together, so 80 ms. So many are read at a time, the first time a few more than the page.
const (
	maxListWork = 16_000
	listPiece   = 2_000
	listFirst   = 50
)

// jobList is one call of List.
type jobList struct {
	*jobs
	q    *store.JobQuery
	page *store.JobCollector

	work  int            // jobs that may still be examined
	last  store.JobPlace // up to which all was examined
	ended store.JobPage  // with errFull
	taken []candidate    // of a piece, to be read whole
}

// candidate is what decides about a job.
type candidate struct {
	v       domain.Version
	failing bool
}

// countsAll reports whether the query counts all jobs, or those that are active or not.
func (l *jobList) countsAll() bool {
	q := l.q
	return q.CountOnly && q.IDs == nil && !q.Fires && q.Accept == nil && q.Failing == nil && q.Namespace == "" &&
		q.Key == "" && q.Name == "" && q.Tag == "" && q.Text == "" && q.Host == (domain.HostFilter{}) &&
		q.After.IsZero()
}

// narrow reports whether plan has an index of its own for those jobs that the query may select.
func (l *jobList) narrow() bool {
	q := l.q
	return q.IDs != nil || q.Key != "" || q.Failing != nil && *q.Failing || q.Active != nil && !*q.Active ||
		q.Namespace != "" && q.Namespace != rows.Defaults.Namespace
}

// plan chooses the index. Its query takes the arguments, and after them from where on and how many.
func (l *jobList) plan() (query string, args []any) {
	q := l.q
	from, where := `version v`, `v.effective_to IS NULL`
	switch {
	case q.IDs != nil:
		where, args = where+` AND v.job_id = ANY($1::uuid[])`, []any{bareIDs(q.IDs)}
	case q.Key != "":
		where, args = where+` AND v.key = $1`, []any{q.Key}
	case q.Failing != nil && *q.Failing:
		from, where = `alert a JOIN version v ON v.job_id = a.job_id`, where+` AND a.recovered_at IS NULL AND $1`
		args = []any{true}
	case q.Namespace != "" && q.Namespace != rows.Defaults.Namespace:
		where, args = where+` AND v.namespace = $1 AND v.namespace <> 'default'`, []any{q.Namespace}
	case q.Active != nil && !*q.Active:
		where, args = where+` AND NOT v.is_active AND $1`, []any{true}
	default:
		where, args = where+` AND $1`, []any{true}
	}
	failing := l.failing()
	order := ` AND v.job_id > $2 ORDER BY v.job_id LIMIT $3`
	if q.Descending {
		order = ` AND (v.job_id < $2 OR $2 = '00000000-0000-0000-0000-000000000000') ORDER BY v.job_id DESC LIMIT $3`
	}
	return candidateColumns + l.pause() + failing + ` FROM ` + from + ` WHERE ` + where + order, args
}

// pause returns the column of what says whether a pause ends, as far as the query asks for it. Few jobs have that.
func (l *jobList) pause() string {
	if !l.q.Fires {
		return `NULL::text, `
	}
	return `CASE WHEN NOT v.is_active AND v.options LIKE '%"pause":{%' THEN v.options END, `
}

// failing returns the column that says whether a job is failing, as far as the query asks for it.
func (l *jobList) failing() string {
	if l.q.Failing == nil {
		return `false`
	}
	return `EXISTS (SELECT 1 FROM alert f WHERE f.job_id = v.job_id AND f.recovered_at IS NULL)`
}

const candidateColumns = `
SELECT v.job_id, v.number, v.is_active, v.namespace, v.key, v.name, v.api, v.tags, `

// piece reads what decides about the next jobs.
func (l *jobList) piece(ctx context.Context, query string, args []any) (piece []candidate, err error) {
	err = each(ctx, l.read, func(r pgx.Rows) error {
		c, err := scanCandidate(r)
		piece = append(piece, c)
		return err
	}, query, args...)
	return piece, err
}

func scanCandidate(r pgx.Rows) (c candidate, err error) {
	var key, tags, pause *string
	s := &c.v.Spec
	err = r.Scan((*[16]byte)(&c.v.JobID), &c.v.Number, &c.v.Active, &s.Namespace, &key, &s.Name, &s.API, &tags,
		&pause, &c.failing)
	if pause != nil {
		c.v.Pause = rows.PauseOf(textOf(pause))
	}
	s.Key, s.Tags = string(textOf(key)), rows.DecodeTags(textOf(tags))
	return c, err
}

func candidates(r pgx.Rows) (found []candidate, err error) {
	for r.Next() {
		c, err := scanCandidate(r)
		if err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, r.Err()
}

// examine takes those jobs of a piece that the query selects, and returns how many it has examined: it stops
// where the page must be full.
func (l *jobList) examine(ctx context.Context, piece []candidate) (examined int, err error) {
	l.taken = l.taken[:0]
	for examined < len(piece) && len(l.taken) <= l.q.Limit {
		c := &piece[examined]
		examined++
		if !l.q.Selects(&c.v) || l.q.Failing != nil && *l.q.Failing != c.failing ||
			!l.q.Accepts(c.v.JobID) {
			continue
		}
		if l.q.CountOnly {
			l.page.Tally()
		} else {
			l.taken = append(l.taken, *c)
		}
	}
	if err := l.take(ctx); err != nil || examined == 0 {
		return examined, err
	}
	l.last = l.q.PlaceOf(&piece[examined-1].v)
	return examined, nil
}

const selectWhole = `
SELECT ` + cutColumns + ` FROM version v JOIN unnest($2::uuid[], $3::int[]) n (job_id, number)
    ON v.job_id = n.job_id AND v.number = n.number`

// takePiece is how many jobs are read whole at a time: bodies may be long.
const takePiece = 100

// take puts the jobs that were selected on the page, or ends a page that is full.
func (l *jobList) take(ctx context.Context) error {
	for rest := l.taken; len(rest) > 0; {
		if l.page.Full() {
			l.ended = l.page.EndBefore()
			return errFull
		}
		n := min(takePiece, len(rest))
		whole, err := l.whole(ctx, rest[:n])
		if err != nil {
			return err
		}
		for _, c := range rest[:n] {
			v, ok := whole[c.v.JobID]
			if !ok {
				continue // the job was just deleted
			}
			if l.page.Full() {
				l.ended = l.page.EndBefore()
				return errFull
			}
			l.page.Add(domain.JobOf(v))
		}
		rest = rest[n:]
	}
	return nil
}

func (l *jobList) whole(ctx context.Context, of []candidate) (map[domain.JobID]domain.Version, error) {
	ids, numbers := make([][16]byte, len(of)), make([]int32, len(of))
	for i := range of {
		ids[i], numbers[i] = of[i].v.JobID, int32(of[i].v.Number) //nolint:gosec // versions are counted
	}
	found := make(map[domain.JobID]domain.Version, len(of))
	read := versionReader{box: l.box}
	err := each(ctx, l.read, func(r pgx.Rows) error {
		v, err := read.cut(r, l.q.MaxBody)
		found[v.JobID] = v
		return err
	}, selectWhole, l.q.MaxBody, ids, numbers)
	return found, err
}
