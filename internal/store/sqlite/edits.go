package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// edits implements store.Edits. One process has the database, which owns its jobs or does not
// fire any; no owner has to load what is changed here while it fires.
type edits struct {
	jobs   *jobs
	ledger *ledger
	clock  clock.Clock
}

// readShard reads the row with the store's clock.
func (e edits) readShard(c *conn) (store.Shard, error) {
	sh, err := readShard(c)
	sh.Clock = clock.NowMs(e.clock)
	return sh, err
}

func effect(sh *store.Shard, at int64) store.Effect {
	return store.Effect{At: at, Revision: sh.Revision, Lease: sh.Lease}
}

// adoptInstant gives a row the instant of the version that is stored already with the same
// content otherwise, and reports whether there is one.
func (e edits) adoptInstant(c *conn, r *rows.Version) (same bool, err error) {
	err = c.query(selectVersion, func(s *sqlite.Stmt) error {
		stored, wanted := columnsRow(s), *r
		wanted.From = stored.From
		if same = stored.Equal(&wanted, e.jobs.box); same {
			r.From = stored.From
		}
		return nil
	}, r.JobID, r.Number)
	return same, err
}

// Create implements store.Edits.
func (e edits) Create(ctx context.Context, versions []domain.Version, ahead int64) ([]store.Effect, error) {
	made, err := rows.EncodeNew(versions, e.jobs.box, e.jobs.pace.Step)
	if err != nil {
		return nil, err
	}
	if len(made) == 0 {
		return nil, nil
	}
	added, answer := additionsOf(made), make(chan []store.Effect, 1)
	err = e.jobs.db.write(ctx, len(made), func(c *conn) (tally, error) {
		sh, err := e.readShard(c)
		if err != nil {
			return tally{}, err
		}
		for i := range made {
			if same, err := e.adoptInstant(c, &made[i]); err != nil {
				return tally{}, err
			} else if !same {
				made[i].From = store.EffectiveWithout(&sh, domain.Forever, made[i].From, 0, ahead)
			}
		}
		created, err := e.jobs.create(ctx, c, versions, made, added)
		if err != nil {
			return created, err
		}
		if created.total > 0 {
			sh.Revision++
		}
		effects := make([]store.Effect, len(made))
		for i := range made {
			effects[i] = effect(&sh, made[i].From)
		}
		answer <- effects
		return created, writeShard(c, sh)
	})
	if err != nil {
		return nil, fault("create jobs", err)
	}
	return <-answer, nil
}

// change runs one change of a job. fn returns the instant, and false for a repeat.
func (e edits) change(ctx context.Context, what string,
	fn func(c *conn, sh *store.Shard) (at int64, changed bool, delta tally, err error)) (store.Effect, error) {
	answer := make(chan store.Effect, 1)
	err := e.jobs.db.write(ctx, 2, func(c *conn) (tally, error) {
		sh, err := e.readShard(c)
		if err != nil {
			return tally{}, err
		}
		at, changed, delta, err := fn(c, &sh)
		if err != nil {
			return tally{}, err
		}
		if changed {
			sh.Revision++
			err = writeShard(c, sh)
		}
		if err == nil {
			answer <- effect(&sh, at)
		}
		return delta, err
	})
	if err != nil {
		return store.Effect{}, fault(what, err)
	}
	return <-answer, nil
}

// Update implements store.Edits.
func (e edits) Update(ctx context.Context, next domain.Version, ahead int64) (store.Effect, error) {
	if next.Number < 2 || next.EffectiveTo != domain.Forever {
		return store.Effect{}, fmt.Errorf("update job %s: want an open version after the first, not number %d",
			next.JobID, next.Number)
	}
	row, err := rows.Encode(&next, e.jobs.box)
	if err != nil {
		return store.Effect{}, fmt.Errorf("update job %s: %w", next.JobID, err)
	}
	added := additionsOf([]rows.Version{row})
	return e.change(ctx, "update the job", func(c *conn, sh *store.Shard) (int64, bool, tally, error) {
		if same, err := e.adoptInstant(c, &row); err != nil || same {
			return row.From, false, tally{}, err
		}
		job, err := readJob(c, next.JobID)
		if err != nil {
			return 0, false, tally{}, err
		}
		row.From = store.EffectiveWithout(sh, job.activeFrom, row.From, job.since, ahead)
		if err := e.jobs.db.writer.blocks.addAll(c, added); err != nil {
			return 0, false, tally{}, err
		}
		delta, err := e.jobs.update(ctx, c, &row)
		return row.From, true, delta, err
	})
}

// Delete implements store.Edits.
func (e edits) Delete(ctx context.Context, id domain.JobID, number int, ahead int64) (store.Effect, error) {
	return e.change(ctx, "delete the job", func(c *conn, sh *store.Shard) (int64, bool, tally, error) {
		job, err := readJob(c, id)
		if err != nil || job.deleted && job.current == number {
			return job.deletedAt, false, tally{}, err
		}
		at := store.EffectiveWithout(sh, job.activeFrom, 0, job.since, ahead)
		delta, err := e.jobs.remove(ctx, c, id, number, at)
		return at, true, delta, err
	})
}

// Unclaimed implements store.Edits.
func (e edits) Unclaimed(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	return e.ledger.OpenRuns(ctx, of, func(r domain.OpenRun) error {
		if r.Runner != 0 {
			return nil
		}
		return fn(r)
	})
}

// Changed implements store.Edits: every job, since the rows do not say which of them was
// changed without an owner.
func (e edits) Changed(ctx context.Context, _ int, _ int64, fn func(domain.Version) error) error {
	return e.jobs.Timeline(ctx, store.ShardSet{}, 0, store.WholeVersions, fn)
}
