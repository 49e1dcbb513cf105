package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const selectCurrent = `
SELECT ` + versionColumns + `
  FROM job j JOIN version v ON v.job_id = j.id AND v.number = j.current_version
 WHERE j.id = CAST(? AS BLOB) AND j.deleted_at IS NULL`

// Get implements store.Jobs.
func (j *jobs) Get(ctx context.Context, id domain.JobID) (domain.Job, error) {
	var found *domain.Job
	err := j.db.readers.lookup(ctx, func(c *conn) error {
		return c.query(selectCurrent, func(s *sqlite.Stmt) error {
			job := domain.JobOf(columnsVersion(s, j.box))
			found = &job
			return nil
		}, id)
	})
	if err != nil {
		return domain.Job{}, fault("read the job", err)
	}
	if found == nil {
		return domain.Job{}, domain.NotFound("job", id)
	}
	return *found, nil
}

const selectTarget = `SELECT api FROM version WHERE job_id = CAST(? AS BLOB) AND number = 0 + ?`

// targetOf returns the URL that a version calls; nothing: it is not kept.
func (j *jobs) targetOf(ctx context.Context, k rows.VersionKey) (api string, err error) {
	err = j.db.readers.lookup(ctx, func(c *conn) error {
		return c.query(selectTarget, func(s *sqlite.Stmt) error {
			api = s.ColumnText(0)
			return nil
		}, k.JobID, k.Number)
	})
	return api, err
}

// bound is a limit as a parameter of a query: zero, NULL, is none.
func bound(limit int) any {
	if limit == 0 {
		return nil
	}
	return limit
}

const (
	ofOneJob = ` FROM version v JOIN job j ON j.id = v.job_id
WHERE v.job_id = CAST(? AS BLOB) ORDER BY v.number`

	selectVersions       = `SELECT ` + versionColumns + ofOneJob
	selectVersionTimings = `SELECT ` + timingColumns + ofOneJob
)

// Versions implements store.Timelines.
func (j *jobs) Versions(ctx context.Context, id domain.JobID, parts store.Parts) ([]domain.Version, error) {
	query := selectVersions
	if parts == store.TimingOnly {
		query = selectVersionTimings
	}
	read := versionReader{box: j.box, parts: parts}
	var found []domain.Version
	err := j.db.read(ctx, func(c *conn) error {
		return c.query(query, func(s *sqlite.Stmt) error {
			found = append(found, domain.Version{})
			read.columns(s, &found[len(found)-1])
			return nil
		}, id)
	})
	return found, fault("read the versions", err)
}

const selectVersionsBefore = `
SELECT ` + versionColumns + ` FROM version v JOIN job j ON j.id = v.job_id
 WHERE v.job_id = CAST(? AS BLOB) AND v.number < ? ORDER BY v.number DESC LIMIT 0 + ?`

// VersionsBefore implements store.Timelines.
func (j *jobs) VersionsBefore(ctx context.Context, q store.VersionQuery) ([]domain.Version, error) {
	read := versionReader{box: j.box, parts: store.WholeVersions}
	var found []domain.Version
	err := j.db.read(ctx, func(c *conn) error {
		page := store.Meter{Rows: q.Limit, Bytes: q.MaxBytes}
		found = nil
		err := c.query(selectVersionsBefore, func(s *sqlite.Stmt) error {
			if page.Full() {
				return errFull
			}
			found = append(found, domain.Version{})
			v := &found[len(found)-1]
			read.columns(s, v)
			page.Add(v.Size())
			return nil
		}, q.JobID, q.Top(), q.Limit)
		if errors.Is(err, errFull) {
			return nil
		}
		return err
	})
	return found, fault("read the versions", err)
}

const selectTimeline = `
SELECT ` + versionColumns + `
  FROM version v CROSS JOIN job j ON j.id = v.job_id
 WHERE v.job_id > ? AND (v.effective_to IS NULL OR v.effective_to > ?)
 ORDER BY v.job_id, v.number`

// timingColumns are versionColumns without what no timing needs. The URL and the body are most
// of a row.
const timingColumns = `v.job_id, v.number, v.effective_from, v.effective_to, v.is_active, v.schedule, v.timezone,
       '', v.type, '', NULL, NULL, NULL, v.options, j.created_at, NULL`

const selectTimings = `
SELECT ` + timingColumns + `
  FROM version v CROSS JOIN job j ON j.id = v.job_id
 WHERE v.job_id > ? AND (v.effective_to IS NULL OR v.effective_to > ?)
 ORDER BY v.job_id, v.number`

// A piece of the timeline is so many versions, or so many bytes of them. Reading in pieces, at
// the border of two jobs, keeps a slow reader from holding back the log. Two are in memory, and
// what the last job of each has beside.
const (
	timelineChunk = 4_000
	timelineBytes = 8 << 20
)

// Timeline implements store.Timelines.
func (j *jobs) Timeline(ctx context.Context, of store.ShardSet, since int64, parts store.Parts,
	fn func(domain.Version) error) error {
	if !of.Has(theShard) {
		return nil
	}
	if since < domain.Forever-1 {
		since++ // a version ends before its EffectiveTo
	}
	ctx, cancel := context.WithCancel(ctx)
	pieces := make(chan timelinePiece)
	defer func() {
		cancel()
		for range pieces { // the reader has ended when it is closed
		}
	}()
	go j.readPieces(ctx, since, parts, pieces)
	for p := range pieces {
		if p.err != nil {
			return fault("read the timeline", p.err)
		}
		for _, v := range p.versions {
			if err := fn(v); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// timelinePiece is what one read gives.
type timelinePiece struct {
	versions []domain.Version
	err      error
}

// readPieces reads the timeline one piece ahead of its consumer, which has work to do
// with each piece.
func (j *jobs) readPieces(ctx context.Context, since int64, parts store.Parts, pieces chan<- timelinePiece) {
	defer close(pieces)
	var after domain.JobID
	read := versionReader{box: j.box, parts: parts}
	var memory [2][]domain.Version // one is read into, one is being used
	for i := range memory {
		// the last job may have more versions than fit
		memory[i] = make([]domain.Version, 0, timelineChunk+timelineChunk/8)
	}
	for turn := 0; ; turn++ {
		versions := memory[turn%2][:0]
		err := j.db.read(ctx, func(c *conn) (err error) {
			versions, err = read.timeline(c, after, since, versions, timelineChunk)
			return err
		})
		if err == nil && len(versions) == 0 {
			return
		}
		select {
		case pieces <- timelinePiece{versions, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		memory[turn%2] = versions
		after = versions[len(versions)-1].JobID
	}
}

// timeline appends the versions of the jobs after one: limit of them, and
// the rest of the last job's.
func (r *versionReader) timeline(c *conn, after domain.JobID, since int64, chunk []domain.Version,
	limit int) ([]domain.Version, error) {
	query := selectTimeline
	if r.parts == store.TimingOnly {
		query = selectTimings
	}
	piece := store.Meter{Rows: limit, Bytes: timelineBytes}
	err := c.query(query, func(s *sqlite.Stmt) error {
		if n := len(chunk); n > 0 && piece.Full() && columnJobID(s, 0) != chunk[n-1].JobID {
			return errFull
		}
		chunk = append(chunk, domain.Version{})
		r.columns(s, &chunk[len(chunk)-1])
		piece.Add(chunk[len(chunk)-1].Size())
		return nil
	}, after, since)
	if errors.Is(err, errFull) {
		err = nil
	}
	return chunk, err
}

// Count implements store.Jobs.
func (j *jobs) Count(ctx context.Context) (total, active int64, err error) {
	err = j.db.read(ctx, func(c *conn) error {
		total, active, err = readTally(c)
		return err
	})
	return total, active, fault("count the jobs", err)
}

func readTally(c *conn) (total, active int64, err error) {
	err = c.query(`SELECT total, active FROM tally`, func(s *sqlite.Stmt) error {
		total, active = s.ColumnInt64(0), s.ColumnInt64(1)
		return nil
	})
	return total, active, err
}
