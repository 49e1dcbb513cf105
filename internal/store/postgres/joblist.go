package postgres

import (
	"context"
	"errors"
	"slices"

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

// List implements store.Jobs. Jobs are examined in the order of their ids. An index in that order gives
// those of a namespace, those that are paused, failing or have a key, where the query asks for such.
func (j *jobs) List(ctx context.Context, q store.JobQuery) (store.JobPage, error) {
	l := &jobList{jobs: j, q: &q, page: q.Collect(), work: maxListWork, last: q.After}
	if q.MaxWork > 0 {
		l.work = min(l.work, q.MaxWork)
	}
	page, err := l.run(ctx)
	return page, fault("list the jobs", err)
}

// jobList is one call of List.
type jobList struct {
	*jobs
	q    *store.JobQuery
	page *store.JobCollector

	work  int           // jobs that may still be examined
	last  domain.JobID  // up to which all was examined
	ended store.JobPage // with errFull
	taken []candidate   // of a piece, to be read whole
}

// candidate is what decides about a job.
type candidate struct {
	v       domain.Version
	failing bool
}

// countsAll reports whether the query counts all jobs, or those that are active or not.
func (l *jobList) countsAll() bool {
	q := l.q
	return q.CountOnly && q.IDs == nil && q.Accept == nil && q.Failing == nil && q.Namespace == "" && q.Key == "" &&
		q.Name == "" && q.Tag == "" && q.Text == "" && q.Host == (domain.HostFilter{}) && q.After.IsZero()
}

func (l *jobList) run(ctx context.Context) (store.JobPage, error) {
	if l.countsAll() {
		total, active, err := l.Count(ctx)
		switch {
		case l.q.Active == nil:
			return store.JobPage{Count: int(total)}, err
		case *l.q.Active:
			return store.JobPage{Count: int(active)}, err
		}
		return store.JobPage{Count: int(total - active)}, err
	}
	query, args := l.plan()
	for size := min(listPiece, l.q.Limit+listFirst); ; size = listPiece {
		size = max(1, min(size, l.work))
		piece, err := l.piece(ctx, query, append(slices.Clone(args), [16]byte(l.last), size))
		examined := 0
		if err == nil {
			examined, err = l.examine(ctx, piece)
		}
		switch {
		case errors.Is(err, errFull):
			return l.ended, nil
		case err != nil:
			return store.JobPage{}, err
		case examined == len(piece) && examined < size:
			return l.page.End(), nil
		}
		if l.work -= examined; l.work <= 0 {
			return l.page.EndAfter(l.last), nil
		}
	}
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
	failing := `false`
	if q.Failing != nil {
		failing = `EXISTS (SELECT 1 FROM alert f WHERE f.job_id = v.job_id AND f.recovered_at IS NULL)`
	}
	order := ` AND v.job_id > $2 ORDER BY v.job_id LIMIT $3`
	if q.Descending {
		order = ` AND (v.job_id < $2 OR $2 = '00000000-0000-0000-0000-000000000000') ORDER BY v.job_id DESC LIMIT $3`
	}
	return `SELECT v.job_id, v.number, v.is_active, v.namespace, v.key, v.name, v.api, v.tags, ` + failing + `
  FROM ` + from + ` WHERE ` + where + order, args
}

// piece reads what decides about the next jobs.
func (l *jobList) piece(ctx context.Context, query string, args []any) (piece []candidate, err error) {
	err = each(ctx, l.read, func(r pgx.Rows) error {
		piece = append(piece, candidate{})
		c := &piece[len(piece)-1]
		var key, tags *string
		s := &c.v.Spec
		err := r.Scan((*[16]byte)(&c.v.JobID), &c.v.Number, &c.v.Active, &s.Namespace, &key, &s.Name, &s.API, &tags,
			&c.failing)
		s.Key, s.Tags = string(textOf(key)), rows.DecodeTags(textOf(tags))
		return err
	}, query, args...)
	return piece, err
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
	l.last = piece[examined-1].v.JobID
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
