package postgres

import (
	"context"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const selectCurrent = `SELECT ` + versionColumns + ` FROM version v WHERE v.job_id = $1 AND v.effective_to IS NULL`

// Get implements store.Jobs.
func (j *jobs) Get(ctx context.Context, id domain.JobID) (domain.Job, error) {
	var found *domain.Job
	read := versionReader{box: j.box}
	err := each(ctx, j.read, func(r pgx.Rows) error {
		var v domain.Version
		if err := read.version(r, &v); err != nil {
			return err
		}
		job := domain.JobOf(v)
		found = &job
		return nil
	}, selectCurrent, [16]byte(id))
	if err != nil {
		return domain.Job{}, fault("read the job", err)
	}
	if found == nil {
		return domain.Job{}, domain.NotFound("job", id)
	}
	return *found, nil
}

// Versions implements store.Timelines.
func (j *jobs) Versions(ctx context.Context, id domain.JobID, parts store.Parts) ([]domain.Version, error) {
	read := versionReader{box: j.box, parts: parts}
	var found []domain.Version
	err := each(ctx, j.read, func(r pgx.Rows) error {
		found = append(found, domain.Version{})
		return read.version(r, &found[len(found)-1])
	}, `SELECT `+columnsOf(parts)+` FROM version v WHERE v.job_id = $1 ORDER BY v.number`, [16]byte(id))
	return found, fault("read the versions", err)
}

const selectVersionsBefore = ` FROM version v
 WHERE v.job_id = $1 AND v.number < $2 ORDER BY v.number DESC LIMIT $3`

// VersionsBefore implements store.Timelines.
//
// The connection reads a result to its end, so that what ends the page is what has been asked for: a
// statement has two rows at first, and then as many as fit by the size of these.
func (j *jobs) VersionsBefore(ctx context.Context, q store.VersionQuery) ([]domain.Version, error) {
	read := versionReader{box: j.box, parts: store.WholeVersions}
	page := store.Meter{Rows: q.Limit, Bytes: q.MaxBytes}
	var found []domain.Version
	top := q.Top()
	for ask := 2; !page.Full(); ask *= 4 {
		ask, asked := min(ask, page.Remaining()), len(found)
		err := each(ctx, j.read, func(r pgx.Rows) error {
			if page.Full() {
				return errFull
			}
			found = append(found, domain.Version{})
			v := &found[len(found)-1]
			err := read.version(r, v)
			page.Add(v.Size())
			return err
		}, `SELECT `+columnsOf(store.WholeVersions)+selectVersionsBefore, [16]byte(q.JobID), top, ask)
		if err != nil && !errors.Is(err, errFull) {
			return nil, fault("read the versions", err)
		}
		if len(found)-asked < ask {
			break
		}
		top = found[len(found)-1].Number
	}
	return found, nil
}

// A piece of the timeline is so many versions, or so many bytes of them. No transaction is open between
// pieces: a slow reader keeps nothing from being cleaned up. The first ones are small, because a
// query is read to its end.
const (
	timelineFirst = 256
	timelineChunk = 4_000
	timelineBytes = 8 << 20
)

// timeline is one call of versions.
type timeline struct {
	read   versionReader
	query  string
	args   []any
	after  domain.JobID // and number: of the last version that was read
	number int
	limit  int // of the next piece
	chunk  []domain.Version
}

// Timeline implements store.Timelines.
//
// Of some shards they are read one after the other, in the order of an index: a shard costs what it has.
func (j *jobs) Timeline(ctx context.Context, of store.ShardSet, since int64, parts store.Parts,
	fn func(domain.Version) error) error {
	if since < domain.Forever-1 {
		since++ // a version ends before its EffectiveTo
	}
	const overlap = `(v.effective_to IS NULL OR v.effective_to > $4)`
	if of.Every() {
		return j.versions(ctx, overlap, parts, fn, since)
	}
	for _, n := range of.Numbers() {
		if err := j.versions(ctx, `v.shard = $5::smallint AND `+overlap, parts, fn, since, n); err != nil {
			return err
		}
	}
	return nil
}

// versions streams the versions that a condition selects, whose parameters begin with $4.
func (j *jobs) versions(ctx context.Context, where string, parts store.Parts, fn func(domain.Version) error,
	args ...any) error {
	t := &timeline{
		read: versionReader{box: j.box, parts: parts}, args: args, limit: timelineFirst,
		query: `SELECT ` + columnsOf(parts) + ` FROM version v
 WHERE (v.job_id, v.number) > ($1, $2) AND ` + where + ` ORDER BY v.job_id, v.number LIMIT $3`,
	}
	for more := true; more; {
		var err error
		if more, err = t.piece(ctx, j.read); err != nil {
			return fault("read the timeline", err)
		}
		for _, v := range t.chunk {
			if err := fn(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// piece reads the next versions and reports whether there may be more.
func (t *timeline) piece(ctx context.Context, q querier) (more bool, err error) {
	t.chunk = t.chunk[:0]
	read := store.Meter{Rows: t.limit, Bytes: timelineBytes}
	err = each(ctx, q, func(r pgx.Rows) error {
		if read.Full() {
			return errFull
		}
		t.chunk = append(t.chunk, domain.Version{})
		v := &t.chunk[len(t.chunk)-1]
		err := t.read.version(r, v)
		read.Add(v.Size())
		return err
	}, t.query, append([]any{[16]byte(t.after), t.number, t.limit}, t.args...)...)
	if err != nil && !errors.Is(err, errFull) || !read.Full() {
		return false, err
	}
	// An edit between two pieces must not show a job in two states: the last one is left for the
	// next piece, unless it has this one for itself.
	n := len(t.chunk)
	for n > 0 && t.chunk[n-1].JobID == t.chunk[len(t.chunk)-1].JobID {
		n--
	}
	if n > 0 {
		t.chunk = t.chunk[:n]
	}
	last := &t.chunk[len(t.chunk)-1]
	t.after, t.number = last.JobID, math.MaxInt32
	if n == 0 {
		t.number = last.Number
	}
	t.limit = min(timelineChunk, 4*max(1, len(t.chunk)))
	return true, nil
}

// Count implements store.Jobs.
func (j *jobs) Count(ctx context.Context) (total, active int64, err error) {
	err = each(ctx, j.read, func(r pgx.Rows) error { return r.Scan(&total, &active) },
		`SELECT sum(total)::bigint, sum(active)::bigint FROM shard`)
	return total, active, fault("count the jobs", err)
}

const selectTargets = `
SELECT v.job_id, v.number, v.api FROM version v JOIN unnest($1::uuid[], $2::int[]) n (job_id, number)
    ON v.job_id = n.job_id AND v.number = n.number`

// targetsOf returns the URLs that versions call, as far as they are kept.
func (j *jobs) targetsOf(ctx context.Context, of []rows.VersionKey) (map[rows.VersionKey]string, error) {
	ids, numbers := make([][16]byte, len(of)), make([]int32, len(of))
	for i, k := range of {
		ids[i], numbers[i] = k.JobID, int32(k.Number) //nolint:gosec // versions are counted
	}
	targets := make(map[rows.VersionKey]string, len(of))
	err := each(ctx, j.read, func(r pgx.Rows) error {
		var k rows.VersionKey
		var api string
		err := r.Scan((*[16]byte)(&k.JobID), &k.Number, &api)
		targets[k] = api
		return err
	}, selectTargets, ids, numbers)
	return targets, err
}
