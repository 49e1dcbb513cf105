package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// maxIrregular is how many jobs are remembered of a file: 16 KB. Of a file with
// more, any job may have irregular rows.
const maxIrregular = 1_000

// irregulars are the jobs of which a file has rows that no calendar names. It
// may hold more, never fewer: so that a search for one job need not look into
// the files of days in which the job did not fire.
type irregulars struct {
	jobs map[domain.JobID]struct{}
	many bool // more than are remembered
}

func (i *irregulars) add(id domain.JobID) {
	if i.many {
		return
	}
	if i.jobs == nil {
		i.jobs = make(map[domain.JobID]struct{})
	}
	i.jobs[id] = struct{}{}
	if len(i.jobs) > maxIrregular {
		i.jobs, i.many = nil, true
	}
}

// irregular reports whether an execution is in the index execution_irregular.
func irregular(e *domain.Execution) bool { return e.Nonce != 0 || e.Status == domain.StatusMissed }

// noteIrregular remembers the irregular ones of facts that are about to be
// committed.
func (s *Store) noteIrregular(d day, facts []*domain.Execution) {
	for _, e := range facts {
		if !irregular(e) {
			continue
		}
		s.state.Lock()
		if s.irregular[d] == nil {
			s.irregular[d] = new(irregulars)
		}
		s.irregular[d].add(e.JobID)
		s.state.Unlock()
	}
}

// mayBeIrregular reports whether the file of a day may have irregular rows of
// the job.
func (s *Store) mayBeIrregular(d day, id domain.JobID) bool {
	s.state.RLock()
	defer s.state.RUnlock()
	i := s.irregular[d]
	if i == nil {
		return false
	}
	_, found := i.jobs[id]
	return found || i.many
}

// selectIrregularJob steps from job to job: a scan would read each row of one
// that is triggered often.
const selectIrregularJob = `
SELECT job_id FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) AND job_id > CAST(? AS BLOB) ORDER BY job_id LIMIT 1`

func (s *Store) loadIrregular(ctx context.Context) (map[day]*irregulars, error) {
	all := make(map[day]*irregulars)
	for _, d := range s.days.all() {
		found := new(irregulars)
		err := s.days.read(ctx, d, func(c *conn) error { return collectIrregular(c, found) })
		if err != nil {
			return nil, err
		}
		if found.many || len(found.jobs) > 0 {
			all[d] = found
		}
	}
	return all, nil
}

func collectIrregular(c *conn, found *irregulars) error {
	var last domain.JobID
	for more := true; more && !found.many; {
		more = false
		err := c.query(selectIrregularJob, func(s *sqlite.Stmt) error {
			more, last = true, columnJobID(s, 0)
			found.add(last)
			return nil
		}, last)
		if err != nil {
			return err
		}
	}
	return nil
}
