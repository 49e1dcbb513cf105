package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// sortName is what the index version_name has of a name.
	sortName = `lower(left(v.name, 100) COLLATE "C")`

	// The places of named jobs, and of those that have no name. These are a range too: as places of one name they
	// would be in the order of another index. Each has one bound in a direction, or the index may be read from the
	// other one on.
	namesAfter       = `(` + sortName + `, v.job_id) > ($1, $2)`
	namesBefore      = sortName + ` > '' AND (` + sortName + `, v.job_id) < ($1, $2)`
	namelessAfter    = sortName + ` <= '' AND (` + sortName + `, v.job_id) > ($1, $2)`
	namelessBefore   = `(` + sortName + `, v.job_id) < ($1, $2)`
	orderOfNames     = ` ORDER BY ` + sortName + `, v.job_id LIMIT $3`
	orderOfNamesDown = ` ORDER BY ` + sortName + ` DESC, v.job_id DESC LIMIT $3`

	// byIndex makes the transaction read the order from the index: a plan for any parameters, made of a table without
	// statistics, would take all jobs and sort them.
	byIndex = `
SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true)`

	// afterNames comes after every name: it is no printable character.
	afterNames = "\U0010FFFF"

	// mostSorted is how many jobs are read to be sorted, where another index has those that a query may select.
	mostSorted = 2_000
)

// lastID comes after every id.
var lastID = domain.JobID(bytes.Repeat([]byte{0xff}, len(domain.JobID{})))

// byName lists jobs in the order of names. Where another index has few of those that the query may select, these
// are read and sorted: the walk through all names might take many pages to find them.
func (l *jobList) byName(ctx context.Context) (store.JobPage, error) {
	few, all, err := l.few(ctx)
	switch {
	case err != nil:
		return store.JobPage{}, err
	case all:
		return l.sorted(ctx, few)
	}
	at := l.q.Start()
	named := l.q.After.IsZero() || at.Name != ""
	switch {
	case l.q.After.IsZero() && l.q.Descending:
		at = store.JobPlace{Name: afterNames}
	case l.q.After.IsZero():
		at = store.JobPlace{ID: lastID} // of those that have no name
	}
	if named {
		page, ended, err := l.walk(ctx, l.names(true), at)
		if err != nil || ended {
			return page, err
		}
		at = store.JobPlace{}
		if l.q.Descending {
			at.ID = lastID
		}
	}
	page, ended, err := l.walk(ctx, l.names(false), at)
	if err != nil || ended {
		return page, err
	}
	return l.page.End(), nil
}

// names returns the query of the jobs that have a name, or of those that have none.
func (l *jobList) names(named bool) string {
	where, order := namelessAfter, orderOfNames
	switch {
	case named && l.q.Descending:
		where = namesBefore
	case named:
		where = namesAfter
	case l.q.Descending:
		where = namelessBefore
	}
	if l.q.Descending {
		order = orderOfNamesDown
	}
	return candidateColumns + l.pause() + l.failing() + ` FROM version v WHERE v.effective_to IS NULL AND ` + where +
		order
}

// walk examines the jobs of a query from a place on. It reports whether the page has ended.
func (l *jobList) walk(ctx context.Context, query string, at store.JobPlace) (page store.JobPage, ended bool,
	err error) {
	for size := min(listPiece, l.q.Limit+listFirst); ; size = listPiece {
		size = max(1, min(size, l.work))
		var piece []candidate
		err := pipeline(ctx, l.read, func(b *pgx.Batch) {
			b.Queue(byIndex)
			b.Queue(query, at.Name, [16]byte(at.ID), size).Query(func(r pgx.Rows) (err error) {
				piece, err = candidates(r)
				return err
			})
		})
		examined := 0
		if err == nil {
			examined, err = l.examine(ctx, piece)
		}
		switch {
		case errors.Is(err, errFull):
			return l.ended, true, nil
		case err != nil:
			return store.JobPage{}, true, err
		}
		l.work -= examined
		if examined == len(piece) && examined < size {
			return store.JobPage{}, false, nil
		}
		if at = l.last; l.work <= 0 {
			return l.page.EndAfter(at), true, nil
		}
	}
}

// few returns the jobs that the query may select, if an index has these and they are few.
func (l *jobList) few(ctx context.Context) (found []candidate, all bool, err error) {
	if !l.narrow() {
		return nil, false, nil
	}
	most := min(mostSorted, l.work)
	q := *l.q
	q.ByName, q.Descending = false, false
	query, args := (&jobList{jobs: l.jobs, q: &q}).plan()
	found, err = l.piece(ctx, query, append(slices.Clone(args), [16]byte{}, most+1))
	return found, len(found) <= most, err
}

// sorted lists of the jobs that were found those that the query selects.
func (l *jobList) sorted(ctx context.Context, found []candidate) (store.JobPage, error) {
	found = slices.DeleteFunc(found, func(c candidate) bool { return !l.q.Passes(l.q.PlaceOf(&c.v)) })
	slices.SortFunc(found, func(a, b candidate) int { return l.q.Compare(l.q.PlaceOf(&a.v), l.q.PlaceOf(&b.v)) })
	for len(found) > 0 {
		examined, err := l.examine(ctx, found)
		switch {
		case errors.Is(err, errFull):
			return l.ended, nil
		case err != nil:
			return store.JobPage{}, err
		}
		found = found[examined:]
	}
	return l.page.End(), nil
}

// List implements store.Jobs. Jobs are examined in the order of the list. Without ByName an index in that order gives
// those of a namespace, those that are paused, failing or have a key, where the query asks for such.
func (j *jobs) List(ctx context.Context, q store.JobQuery) (store.JobPage, error) {
	l := &jobList{jobs: j, q: &q, page: q.Collect(), work: maxListWork, last: q.Start()}
	if q.MaxWork > 0 {
		l.work = min(l.work, q.MaxWork)
	}
	list := l.byID
	if q.ByName && !q.CountOnly {
		list = l.byName
	}
	page, err := list(ctx)
	return page, fault("list the jobs", err)
}

func (l *jobList) byID(ctx context.Context) (store.JobPage, error) {
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
		piece, err := l.piece(ctx, query, append(slices.Clone(args), [16]byte(l.last.ID), size))
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
