package sqlite

import (
	"context"
	"errors"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// Jobs in the order of names, from a place on; then those that have none.
	nameColumns = `
SELECT j.id, j.is_active, j.deleted_at IS NOT NULL, j.namespace, j.current_version, n.name
  FROM job_name n CROSS JOIN job j ON j.id = n.id WHERE `
	scanNames     = nameColumns + `(n.name, n.id) > (CAST(?1 AS TEXT), CAST(?2 AS BLOB)) ORDER BY n.name, n.id`
	scanNamesDown = nameColumns + `n.name > '' AND (n.name, n.id) < (CAST(?1 AS TEXT), CAST(?2 AS BLOB))
 ORDER BY n.name DESC, n.id DESC`
	scanNameless     = nameColumns + `n.name = '' AND n.id > CAST(?1 AS BLOB) ORDER BY n.id`
	scanNamelessDown = nameColumns + `n.name = '' AND n.id < CAST(?1 AS BLOB) ORDER BY n.id DESC`

	// afterNames comes after every name: it is no printable character.
	afterNames = "\U0010FFFF"
)

// errMany ends the collection of jobs that are not few.
var errMany = errors.New("many")

// namedJob is a job that the query selects.
type namedJob struct {
	at     store.JobPlace
	number int
}

// walkByName examines jobs in the order of names. Where a filter finds few jobs by other means, these are collected
// and sorted: the walk through all names might take many pages to find them.
func (l *jobList) walkByName() error {
	if l.narrow() {
		few, all, err := l.few()
		if err != nil {
			return err
		}
		if all {
			return l.takeSorted(few)
		}
	}
	at := l.q.Start()
	if l.q.After.IsZero() || at.Name != "" {
		if err := l.walkNamed(at); err != nil {
			return err
		}
		at = store.JobPlace{}
	}
	if l.q.Descending {
		to := afterAll
		if !at.ID.IsZero() {
			to = at.ID[:]
		}
		return l.c.query(scanNamelessDown, l.examineNamed, to)
	}
	return l.c.query(scanNameless, l.examineNamed, at.ID)
}

// walkNamed examines the jobs that have a name.
func (l *jobList) walkNamed(from store.JobPlace) error {
	switch {
	case !l.q.After.IsZero() && l.q.Descending:
		return l.c.query(scanNamesDown, l.examineNamed, from.Name, from.ID)
	case l.q.Descending:
		return l.c.query(scanNamesDown, l.examineNamed, afterNames, from.ID)
	case !l.q.After.IsZero():
		return l.c.query(scanNames, l.examineNamed, from.Name, from.ID)
	}
	return l.c.query(scanNames, l.examineNamed, "", afterAll)
}

func (l *jobList) examineNamed(s *sqlite.Stmt) error {
	l.work -= workLookUp
	l.name = s.ColumnText(5)
	return l.examine(s)
}

// narrow reports whether there is another way to the jobs than through all of them.
func (l *jobList) narrow() bool {
	q := l.q
	return l.content || q.IDs != nil || q.Key != "" || q.Namespace != "" || q.Failing != nil && *q.Failing ||
		q.Active != nil && !*q.Active
}

// few returns the jobs that the query selects, if there are no more than mostListed, and they were found with the
// work of a page.
func (l *jobList) few() (found []namedJob, all bool, err error) {
	q := *l.q
	q.ByName, q.AfterName, q.After, q.Descending = false, "", domain.JobID{}, false
	few := *l
	few.q, few.page, few.last = &q, q.Collect(), store.JobPlace{}
	few.collect = func(id domain.JobID, number int) error {
		if len(found) == mostListed {
			return errMany
		}
		return l.c.query(selectContent, func(s *sqlite.Stmt) error {
			at := store.JobPlace{Name: domain.SortName(s.ColumnText(0)), ID: id}
			found = append(found, namedJob{at, number})
			return nil
		}, id, number)
	}
	walk, err := few.plan()
	if err != nil {
		return nil, false, err
	}
	err = walk()
	if errors.Is(err, errFull) || errors.Is(err, errMany) {
		return nil, false, nil
	}
	return found, true, err
}

// takeSorted takes the jobs that were found, in the order of names.
func (l *jobList) takeSorted(found []namedJob) error {
	slices.SortFunc(found, func(a, b namedJob) int { return l.q.Compare(a.at, b.at) })
	for i := range found {
		at := found[i].at
		if !l.q.After.IsZero() && l.q.Compare(at, l.q.Start()) <= 0 {
			continue
		}
		if err := l.spend(workLookUp); err != nil {
			return err
		}
		if err := l.take(at.ID, found[i].number); err != nil {
			return err
		}
		l.last, l.moved = at, true
	}
	return nil
}

// List implements store.Jobs.
func (j *jobs) List(ctx context.Context, q store.JobQuery) (page store.JobPage, err error) {
	if q.Failing != nil {
		if err := j.alerts.lock.freshForRead(ctx); err != nil {
			return page, fault("list the jobs", err)
		}
	}
	err = j.db.readers.with(ctx, func(c *conn) error {
		page, err = j.list(c, &q)
		return err
	})
	return page, fault("list the jobs", err)
}

func (j *jobs) list(c *conn, q *store.JobQuery) (store.JobPage, error) {
	l := &jobList{
		c: c, q: q, box: j.box, alerts: j.alerts, page: q.Collect(), work: maxListWork, last: q.Start(),
		content: q.Name != "" || q.Tag != "" || q.Text != "" || q.Host != (domain.HostFilter{}),
	}
	if q.MaxWork > 0 {
		l.work = min(l.work, q.MaxWork*workPerJob)
	}
	if counted, ok, err := l.tallied(); ok || err != nil {
		return counted, err
	}
	walk := l.walkByName
	if !q.ByName || q.CountOnly {
		var err error
		if walk, err = l.plan(); err != nil {
			return store.JobPage{}, err
		}
	}
	err := walk()
	switch {
	case errors.Is(err, errFull):
		return l.ended, nil
	case err != nil:
		return store.JobPage{}, err
	}
	return l.page.End(), nil
}
