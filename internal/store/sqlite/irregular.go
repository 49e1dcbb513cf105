package sqlite

import (
	"context"
	"sync"

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

// irregularJobs are the jobs of which the files have irregular rows.
type irregularJobs struct {
	days *days

	mu    sync.RWMutex
	byDay map[day]*irregulars // written under the recordLock and mu, read under either
}

// irregular reports whether an execution is in the index execution_irregular.
func irregular(e *domain.Execution) bool { return e.Nonce != 0 || e.Status == domain.StatusMissed }

// note remembers the irregular ones of facts that are about to be
// committed.
func (j *irregularJobs) note(d day, facts []*domain.Execution) {
	for _, e := range facts {
		if irregular(e) {
			j.add(d, e.JobID)
		}
	}
}

func (j *irregularJobs) add(d day, id domain.JobID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.byDay[d] == nil {
		j.byDay[d] = new(irregulars)
	}
	j.byDay[d].add(id)
}

// drop forgets a day whose file goes.
func (j *irregularJobs) drop(d day) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.byDay, d)
}

// mayHave reports whether the file of a day may have irregular rows of
// the job.
func (j *irregularJobs) mayHave(d day, id domain.JobID) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	i := j.byDay[d]
	if i == nil {
		return false
	}
	_, found := i.jobs[id]
	return found || i.many
}

// mayHaveAny reports whether the file of a day may have irregular rows.
func (j *irregularJobs) mayHaveAny(d day) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.byDay[d] != nil
}

// selectIrregularJob steps from job to job: a scan would read each row of one
// that is triggered often.
const selectIrregularJob = `
SELECT job_id FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) AND job_id > CAST(? AS BLOB) ORDER BY job_id LIMIT 1`

// load implements fileCopy.
func (j *irregularJobs) load(ctx context.Context) error {
	all := make(map[day]*irregulars)
	for _, d := range j.days.all() {
		found := new(irregulars)
		err := j.days.read(ctx, d, func(c *conn) error { return collectIrregular(c, found) })
		if err != nil {
			return err
		}
		if found.many || len(found.jobs) > 0 {
			all[d] = found
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.byDay = all
	return nil
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
