package rows

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// What a call of List may cost, in units of about a microsecond: 50 ms.
const (
	MaxScanWork = 50_000
	WorkRead    = 5 // to read a row by its key
)

// So many executions of a job are read at a time, to be sifted, or so many bytes of them. Pieces
// grow, since each reads the versions of the job anew.
const (
	jobPiece      = 100
	jobPieceBytes = 512 << 10
	jobPieceGrows = 4
	mostJobPiece  = 1_600
)

// ErrEnded ends a [Scan] whose page is complete.
var ErrEnded = errors.New("the page is complete")

// Scan examines facts in the order of a list, the newest first, and collects those that a query
// selects. It ends when the page is full or enough was examined.
type Scan struct {
	Query *store.ExecutionQuery
	Top   domain.FireKey // the list begins below it
	Down  domain.FireKey // down to which all was examined
	Work  int            // units that are left
	Targets

	page  *store.ExecutionCollector
	moved bool // Down is not where the list began any more
	ended store.ExecutionPage
}

// NewScan begins the page of a query, whose MaxWork is in facts that are looked at.
func NewScan(q *store.ExecutionQuery) Scan {
	s := Scan{Query: q, Top: q.Start(), Down: q.Start(), Work: MaxScanWork, page: q.Collect()}
	if q.MaxWork > 0 {
		s.Work = min(s.Work, q.MaxWork)
	}
	s.Targets = newTargets(q.Host)
	return s
}

// Spend takes units of work. It ends the page when there are none left, and something was examined.
func (s *Scan) Spend(units int) error {
	if s.Work <= 0 && s.moved {
		s.ended = s.page.EndAfter(s.Down)
		return ErrEnded
	}
	s.Work -= units
	return nil
}

// Full reports whether the page takes no further fact.
func (s *Scan) Full() bool { return s.page.Full() }

// EndIfFull ends the page if it is full, since there is another fact that the query selects.
func (s *Scan) EndIfFull() error {
	if !s.page.Full() {
		return nil
	}
	s.ended = s.page.EndBefore()
	return ErrEnded
}

// Add takes the next fact that the query selects.
func (s *Scan) Add(e *domain.Execution) { s.page.Add(*e) }

// Reached notes that everything above a key was examined.
func (s *Scan) Reached(k domain.FireKey) {
	if CompareKeys(k, s.Down) < 0 {
		s.Down, s.moved = k, true
	}
}

// ReachedDay notes that everything from the start of a day on was examined. A cursor names a
// job, so the key is that of the first one that there could be.
func (s *Scan) ReachedDay(start int64) {
	s.Reached(domain.FireKey{ScheduledAt: start, JobID: domain.JobID{15: 1}})
}

// OfJob examines the executions of the query's job as byJob finds them.
func (s *Scan) OfJob(ctx context.Context,
	byJob func(context.Context, domain.JobID, store.Page) ([]domain.Execution, error)) error {
	page := store.Page{Before: s.Top, Limit: min(jobPiece, s.Query.Limit+1), MaxBytes: jobPieceBytes}
	for {
		found, err := byJob(ctx, s.Query.JobID, page)
		if err != nil {
			return err
		}
		for i := range found {
			e := &found[i]
			if e.ScheduledAt < s.Query.From {
				return nil
			}
			if err := s.Spend(3 * WorkRead); err != nil {
				return err
			}
			if err := s.takeOf(e); err != nil {
				return err
			}
			s.Reached(e.FireKey)
		}
		if !page.Filled(found) || len(found) == 0 {
			return nil
		}
		page.Before, page.Limit = found[len(found)-1].FireKey, min(page.Limit*jobPieceGrows, mostJobPiece)
	}
}

// Calls reports whether a version calls a host that the query selects.
func (s *Scan) Calls(k VersionKey) (bool, error) {
	calls, work, err := s.selects(k)
	s.Work -= work
	return calls, err
}

// takeOf takes an execution if the query selects it.
func (s *Scan) takeOf(e *domain.Execution) error {
	if !s.Query.Selects(e) {
		return nil
	}
	if calls, err := s.Calls(VersionKey{e.JobID, e.Version}); err != nil || !calls {
		return err
	}
	if err := s.EndIfFull(); err != nil {
		return err
	}
	s.Add(e)
	return nil
}

// Page returns the page of a scan that has ended with an error, or with nil because there was
// nothing more to examine.
func (s *Scan) Page(err error) (store.ExecutionPage, error) {
	switch {
	case errors.Is(err, ErrEnded):
		return s.ended, nil
	case err != nil:
		return store.ExecutionPage{}, err
	}
	return s.page.End(), nil
}
