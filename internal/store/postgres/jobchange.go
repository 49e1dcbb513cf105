package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// lastVersion is what a write of one job needs to know of it.
type lastVersion struct {
	found  bool
	number int
	from   int64
	to     *int64 // the job was deleted then
	active bool
	same   *rows.Version // of the number that is asked for
	sameTo *int64
	shard  *store.Shard
	shards map[int]*store.Shard // it, and those of the caller's leases
	holder domain.JobID         // of the key that is asked for

	activeFrom int64 // see [domain.ActiveFrom]
}

const (
	selectLast = `
SELECT number, effective_from, effective_to, is_active, CASE WHEN NOT is_active THEN options END FROM version WHERE job_id = $1 ORDER BY number DESC LIMIT 1`

	selectNumber = `SELECT ` + versionColumns + ` FROM version v WHERE v.job_id = $1 AND v.number = $2`

	selectHolder = `SELECT job_id FROM version WHERE key = $1 AND namespace = $2 AND effective_to IS NULL`

	closeVersion = `
UPDATE version v SET effective_to = $3,
       revision = CASE WHEN $5::int = 0 THEN v.revision ELSE (SELECT revision FROM shard WHERE number = $4) END
 WHERE job_id = $1 AND number = $2`
)

// look adds the questions about a job to a batch. The shard is locked, so that the answers hold
// until the end of the transaction.
func (l *lastVersion) look(
	ctx context.Context, b *pgx.Batch, id domain.JobID, number int, namespace, key string) error {
	*l = lastVersion{shards: make(map[int]*store.Shard)}
	b.Queue(takeShards, withFences(ctx, []int16{shardOf(id)})).Query(func(r pgx.Rows) error {
		for r.Next() {
			sh, err := scanShard(r)
			if err != nil {
				return err
			}
			l.shards[sh.Number] = &sh
		}
		l.shard = l.shards[int(shardOf(id))]
		return r.Err()
	})
	b.Queue(selectLast, [16]byte(id)).Query(func(r pgx.Rows) error {
		for r.Next() {
			l.found = true
			var options *string
			if err := r.Scan(&l.number, &l.from, &l.to, &l.active, &options); err != nil {
				return err
			}
			l.activeFrom = domain.ActiveFrom(l.active, rows.PauseOf(textOf(options)).Until)
		}
		return r.Err()
	})
	read := new(versionReader)
	b.Queue(selectNumber, [16]byte(id), number).Query(func(r pgx.Rows) error {
		for r.Next() {
			row, to, err := read.row(r)
			if err != nil {
				return err
			}
			l.same, l.sameTo = &row, to
		}
		return r.Err()
	})
	if key != "" {
		b.Queue(selectHolder, key, namespace).Query(func(r pgx.Rows) error {
			_, err := pgx.ForEachRow(r, []any{(*[16]byte)(&l.holder)}, func() error { return nil })
			return err
		})
	}
	return nil
}

func wrongVersion(id domain.JobID, is, want int) error {
	return domain.Conflict("job %s has been changed: its version is %d, not %d", id, is, want)
}

// Update implements store.Jobs.
func (j *jobs) Update(ctx context.Context, next domain.Version) error {
	if next.Number < 2 || next.EffectiveTo != domain.Forever {
		return fmt.Errorf("update job %s: want an open version after the first, not number %d", next.JobID, next.Number)
	}
	row, err := rows.Encode(&next, j.box)
	if err != nil {
		return fmt.Errorf("update job %s: %w", next.JobID, err)
	}
	var is lastVersion
	update := func() error {
		return exchange(ctx, j.edit,
			func(b *pgx.Batch) error {
				return is.look(ctx, b, row.JobID, row.Number, row.Namespace, string(row.Key))
			},
			func(b *pgx.Batch) error { return is.update(ctx, b, byOwner, &row, j.box) })
	}
	for range attempts { // a key may be taken meanwhile
		if err = update(); !isCode(err, uniqueViolation) {
			break
		}
	}
	return fault("update the job", err)
}

func (l *lastVersion) update(ctx context.Context, b *pgx.Batch, by how, next *rows.Version, box *seal.Box) error {
	switch {
	case !l.found || l.to != nil:
		return domain.NotFound("job", next.JobID)
	case l.number != next.Number-1:
		if l.same != nil && l.same.Equal(next, box) {
			return nil // a repeat
		}
		return wrongVersion(next.JobID, l.number, next.Number-1)
	case next.From < l.from:
		return fmt.Errorf("update job %s: version %d would begin before version %d", next.JobID, next.Number, l.number)
	}
	if err := checkFences(ctx, l.shards); err != nil {
		return err
	}
	if !l.holder.IsZero() && l.holder != next.JobID {
		return store.Taken(map[int]domain.JobID{0: l.holder})
	}
	t := make(tally)
	t.add(next.JobID, 0, one(next.Active)-one(l.active))
	t.queue(b, by)
	b.Queue(closeVersion, [16]byte(next.JobID), l.number, next.From, shardOf(next.JobID), int(by))
	queueVersions(b, by, []rows.Version{*next}, nil, nil)
	queueJobEntry(ctx, b, domain.ActionUpdate, next.JobID, next.Number)
	return nil
}

// Delete implements store.Jobs.
func (j *jobs) Delete(ctx context.Context, id domain.JobID, number int, at int64) error {
	var is lastVersion
	return fault("delete the job", exchange(ctx, j.edit,
		func(b *pgx.Batch) error { return is.look(ctx, b, id, number, "", "") },
		func(b *pgx.Batch) error { return is.remove(ctx, b, byOwner, id, number, at) }))
}

func (l *lastVersion) remove(ctx context.Context, b *pgx.Batch, by how, id domain.JobID, number int, at int64) error {
	switch {
	case l.found && l.to != nil && l.number == number && *l.to == at:
		return nil // a repeat
	case !l.found || l.to != nil:
		return domain.NotFound("job", id)
	case l.number != number:
		return wrongVersion(id, l.number, number)
	case at < l.from:
		return fmt.Errorf("delete job %s: version %d begins after that", id, number)
	}
	if err := checkFences(ctx, l.shards); err != nil {
		return err
	}
	t := make(tally)
	t.add(id, -1, -one(l.active))
	t.queue(b, by)
	b.Queue(closeVersion, [16]byte(id), number, at, shardOf(id), int(by))
	queueJobEntry(ctx, b, domain.ActionDelete, id, number)
	return nil
}
