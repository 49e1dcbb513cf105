package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// jobs implements store.Jobs. This file holds its writes, jobsread.go the rest.
type jobs struct {
	db     *jobsDB
	box    *seal.Box
	pace   *clock.Pace // of imports; may be nil
	alerts *alerts     // which jobs are failing
	lease  *heldLease
}

const insertJob = `
INSERT INTO job (id, created_at, current_version, is_active, import_at, import_nonce, namespace)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

// Create implements store.Jobs.
func (j *jobs) Create(ctx context.Context, versions []domain.Version) error {
	if len(versions) == 0 {
		return nil
	}
	made, err := rows.EncodeNew(versions, j.box, j.pace.Step)
	if err != nil {
		return err
	}
	added := additionsOf(made)
	return fault("create jobs", j.db.write(ctx, len(made), func(c *conn) (tally, error) {
		return j.create(ctx, c, versions, made, added)
	}))
}

// create inserts the rows of versions, which are new jobs or a repeat.
func (j *jobs) create(ctx context.Context, c *conn, versions []domain.Version, made []rows.Version,
	added []addition) (created tally, err error) {
	if err := checkKeys(c, made); err != nil {
		return tally{}, err
	}
	if err := j.db.writer.blocks.addAll(c, added); err != nil { // before it finds them among the jobs
		return tally{}, err
	}
	for i := range made {
		j.pace.Step(i)
		if err := insertNewJob(ctx, c, &made[i], j.box, &created); err != nil {
			return tally{}, err
		}
	}
	if r, ok := store.CreationRecord(ctx, &versions[0]); ok {
		if err := keepRecord(c, &r); err != nil {
			return tally{}, err
		}
	}
	if created.total == 0 {
		return created, nil // a repeat
	}
	if err := j.lease.checkEdit(ctx, c); err != nil {
		return tally{}, err
	}
	if e, ok := store.CreationEntry(ctx, &versions[0], created.total); ok {
		return created, insertEntry(c, &e)
	}
	return created, nil
}

// namespaceOf is the namespace of a version v, as the index version_key has it.
const namespaceOf = `coalesce(v.options ->> '$.namespace', 'default')`

const (
	selectKeyHolder = `
SELECT v.job_id FROM version v
 WHERE v.key = coalesce(?1, '') AND ` + namespaceOf + ` = coalesce(?2, '') AND v.effective_to IS NULL`

	selectID = `SELECT 1 FROM job WHERE id = ?`
)

// keyHolder returns the job that has the key of a row, or the zero id.
func keyHolder(c *conn, r *rows.Version) (id domain.JobID, err error) {
	err = c.query(selectKeyHolder, func(s *sqlite.Stmt) error {
		id = columnJobID(s, 0)
		return nil
	}, r.Key, r.Namespace)
	return id, err
}

// checkKeys refuses new jobs whose keys are taken, all at once. A row of a job that is there
// already is a repeat, whatever has become of its key.
func checkKeys(c *conn, rows []rows.Version) error {
	type place struct{ namespace, key string }
	taken, mine := map[int]domain.JobID{}, map[place]domain.JobID{}
	for i := range rows {
		r := &rows[i]
		if r.Key == "" {
			continue
		}
		at := place{r.Namespace, string(r.Key)}
		holder, inCall := mine[at]
		if !inCall {
			var err error
			if holder, err = keyHolder(c, r); err != nil {
				return err
			}
		}
		if holder.IsZero() || holder == r.JobID {
			mine[at] = r.JobID
			continue
		}
		exists, err := c.number(selectID, r.JobID)
		if err != nil {
			return err
		}
		if exists == 0 {
			taken[i] = holder
		}
	}
	if len(taken) > 0 {
		return store.Taken(taken)
	}
	return nil
}

func insertNewJob(ctx context.Context, c *conn, r *rows.Version, box *seal.Box, created *tally) error {
	s, err := c.prepare(insertJob)
	if err != nil {
		return err
	}
	s.BindBytes(1, r.JobID[:])
	s.BindInt64(2, r.CreatedAt)
	s.BindInt64(3, int64(r.Number))
	s.BindBool(4, r.Active)
	if at, nonce, ok := store.ImportOf(ctx); ok {
		s.BindInt64(5, at)
		s.BindInt64(6, nonce)
	} else {
		s.BindNull(5)
		s.BindNull(6)
	}
	bindText(s, 7, string(r.NamespaceText()))
	if _, err := s.Step(); err != nil {
		return err
	}
	if c.Changes() == 0 {
		return sameVersion(c, r, box, domain.Conflict("job %s exists already", r.JobID))
	}
	created.total++
	if r.Active {
		created.active++
	}
	if err := addName(c, r.JobID, r.Name); err != nil {
		return err
	}
	return insertRow(c, r)
}

const selectVersion = `
SELECT ` + versionColumns + ` FROM version v JOIN job j ON j.id = v.job_id WHERE v.job_id = ? AND v.number = ?`

// sameVersion returns nil when the version is stored already with the same
// content: the call is a repeat. Otherwise it returns the error.
func sameVersion(c *conn, r *rows.Version, box *seal.Box, otherwise error) error {
	same := false
	err := c.query(selectVersion, func(s *sqlite.Stmt) error {
		stored := columnsRow(s)
		same = stored.Equal(r, box)
		return nil
	}, r.JobID, r.Number)
	if err == nil && !same {
		return otherwise
	}
	return err
}

// jobRow is a row of the table job.
type jobRow struct {
	found     bool
	current   int
	active    bool
	deleted   bool
	deletedAt int64
	since     int64 // effective_from of the current version
	name      string

	activeFrom int64 // see [domain.ActiveFrom]
}

const selectJob = `
SELECT j.current_version, j.is_active, j.deleted_at IS NOT NULL, j.deleted_at, v.effective_from, v.name,
       iif(j.is_active, NULL, v.options)
  FROM job j LEFT JOIN version v ON v.job_id = j.id AND v.number = j.current_version
 WHERE j.id = CAST(? AS BLOB)`

func readJob(c *conn, id domain.JobID) (row jobRow, err error) {
	err = c.query(selectJob, func(s *sqlite.Stmt) error {
		active := s.ColumnBool(1)
		pause := rows.PauseOf(rows.Text(s.ColumnText(6)))
		row = jobRow{true, s.ColumnInt(0), active, s.ColumnBool(2), s.ColumnInt64(3), s.ColumnInt64(4),
			s.ColumnText(5), domain.ActiveFrom(active, pause.Until)}
		return nil
	}, id)
	return row, err
}

const (
	closeVersion = `UPDATE version SET effective_to = ? WHERE job_id = ? AND number = ?`
	updateJob    = `UPDATE job SET current_version = ?, is_active = ? WHERE id = ?`
	deleteJob    = `UPDATE job SET is_active = 0, deleted_at = ? WHERE id = ?`
)

// Update implements store.Jobs.
func (j *jobs) Update(ctx context.Context, next domain.Version) error {
	if next.Number < 2 || next.EffectiveTo != domain.Forever {
		return fmt.Errorf("update job %s: want an open version after the first, not number %d", next.JobID, next.Number)
	}
	row, err := rows.Encode(&next, j.box)
	if err != nil {
		return fmt.Errorf("update job %s: %w", next.JobID, err)
	}
	added := additionsOf([]rows.Version{row})
	return fault("update the job", j.db.write(ctx, 2, func(c *conn) (tally, error) {
		if err := j.db.writer.blocks.addAll(c, added); err != nil {
			return tally{}, err
		}
		return j.update(ctx, c, &row)
	}))
}

func (j *jobs) update(ctx context.Context, c *conn, next *rows.Version) (tally, error) {
	job, err := readJob(c, next.JobID)
	if err != nil {
		return tally{}, err
	}
	if !job.found || job.deleted {
		return tally{}, domain.NotFound("job", next.JobID)
	}
	if job.current != next.Number-1 {
		return tally{}, sameVersion(c, next, j.box, wrongVersion(next.JobID, job.current, next.Number-1))
	}
	if next.From < job.since {
		return tally{}, fmt.Errorf("update job %s: version %d would begin before version %d", next.JobID,
			next.Number, job.current)
	}
	if err := j.lease.checkEdit(ctx, c); err != nil {
		return tally{}, err
	}
	if err := c.exec(closeVersion, next.From, next.JobID, job.current); err != nil {
		return tally{}, err
	}
	if next.Key != "" { // which the version that was closed has no more
		holder, err := keyHolder(c, next)
		if err != nil {
			return tally{}, err
		}
		if !holder.IsZero() {
			return tally{}, store.Taken(map[int]domain.JobID{0: holder})
		}
	}
	if err := insertRow(c, next); err != nil {
		return tally{}, err
	}
	if err := moveName(c, next.JobID, job.name, next.Name); err != nil {
		return tally{}, err
	}
	if err := insertJobEntry(ctx, c, domain.ActionUpdate, next.JobID, next.Number); err != nil {
		return tally{}, err
	}
	return tally{active: one(next.Active) - one(job.active)}, c.exec(updateJob, next.Number, next.Active, next.JobID)
}

func wrongVersion(id domain.JobID, is, want int) error {
	return domain.Conflict("job %s has been changed: its version is %d, not %d", id, is, want)
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Delete implements store.Jobs.
func (j *jobs) Delete(ctx context.Context, id domain.JobID, number int, at int64) error {
	return fault("delete the job", j.db.write(ctx, 2, func(c *conn) (tally, error) {
		return j.remove(ctx, c, id, number, at)
	}))
}

func (j *jobs) remove(ctx context.Context, c *conn, id domain.JobID, number int, at int64) (tally, error) {
	job, err := readJob(c, id)
	if err != nil {
		return tally{}, err
	}
	switch {
	case job.found && job.deleted && job.current == number && job.deletedAt == at:
		return tally{}, nil
	case !job.found || job.deleted:
		return tally{}, domain.NotFound("job", id)
	case job.current != number:
		return tally{}, wrongVersion(id, job.current, number)
	case at < job.since:
		return tally{}, fmt.Errorf("delete job %s: version %d begins after that", id, number)
	}
	if err := j.lease.checkEdit(ctx, c); err != nil {
		return tally{}, err
	}
	if err := c.exec(closeVersion, at, id, number); err != nil {
		return tally{}, err
	}
	if err := dropName(c, id, job.name); err != nil {
		return tally{}, err
	}
	if err := insertJobEntry(ctx, c, domain.ActionDelete, id, number); err != nil {
		return tally{}, err
	}
	return tally{total: -1, active: -one(job.active)}, c.exec(deleteJob, at, id)
}
