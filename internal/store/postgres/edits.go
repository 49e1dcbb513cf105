package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// edits implements store.Edits.
type edits struct {
	jobs   *jobs
	groups *groups
	ledger *ledger
}

func effect(sh *store.Shard, at, raised int64) store.Effect {
	return store.Effect{At: at, Number: sh.Number, Revision: sh.Revision + raised, Lease: sh.Lease}
}

// Create implements store.Edits.
func (e *edits) Create(ctx context.Context, versions []domain.Version, ahead int64) (made []store.Effect, err error) {
	if len(versions) == 0 {
		return nil, nil
	}
	encoded, err := rows.EncodeNew(versions, e.jobs.box, e.jobs.pace.Step)
	if err != nil {
		return nil, err
	}
	c := newCreation(ctx, versions, slices.Clone(encoded), ahead)
	if c.single() {
		err = e.createAtOnce(ctx, []*creation{c})
	} else {
		err = e.groups.make(c)
	}
	if err == nil {
		return c.effects, nil
	}
	for range attempts { // the keys of others may come and go meanwhile
		if !isCode(err, uniqueViolation) {
			break
		}
		made, err = e.create(ctx, encoded, &versions[0], ahead)
	}
	return made, fault("create jobs", err)
}

// createAtOnce creates the jobs of calls as if none of them was there.
func (e *edits) createAtOnce(ctx context.Context, calls []*creation) error {
	var known map[int]*store.Shard
	numbers, t := shardsOf(calls)
	return exchange(ctx, e.jobs.edit, func(b *pgx.Batch) error {
		known = make(map[int]*store.Shard, len(numbers))
		b.Queue(takeShards, numbers).Query(func(r pgx.Rows) error {
			for r.Next() {
				sh, err := scanShard(r)
				if err != nil {
					return err
				}
				known[sh.Number] = &sh
			}
			return r.Err()
		})
		return nil
	}, func(b *pgx.Batch) error {
		for _, c := range calls {
			c.effects = c.effects[:0]
			for i := range c.made {
				r := &c.made[i]
				sh := known[int(shardOf(r.JobID))]
				r.From = store.EffectiveWithout(sh, domain.Forever, r.From, 0, c.ahead)
				c.effects = append(c.effects, effect(sh, r.From, 1))
			}
		}
		queueCreations(b, withoutOwner, calls, t)
		return nil
	})
}

func (e *edits) create(ctx context.Context, wanted []rows.Version, first *domain.Version, ahead int64) (
	made []store.Effect, err error) {
	err = transact(ctx, e.jobs.edit, func(tx pgx.Tx) error {
		known, err := readShards(ctx, tx, tallyOf(wanted).shards())
		if err != nil {
			return err
		}
		is, err := readPresent(ctx, tx, wanted)
		if err != nil {
			return err
		}
		encoded, raised := make([]rows.Version, len(wanted)), make(map[int]int64)
		for i := range wanted {
			r := wanted[i]
			sh := known[int(shardOf(r.JobID))]
			if stored, kept := is.first[r.JobID]; kept && like(&stored, &r, e.jobs) {
				r.From = stored.From
			} else {
				r.From = store.EffectiveWithout(sh, domain.Forever, r.From, 0, ahead)
				raised[sh.Number] = 1
			}
			encoded[i] = r
		}
		made = made[:0]
		for i := range encoded {
			sh := known[int(shardOf(encoded[i].JobID))]
			made = append(made, effect(sh, encoded[i].From, raised[sh.Number]))
		}
		return e.jobs.createFresh(ctx, tx, withoutOwner, is, known, encoded, first)
	})
	return made, err
}

// like reports whether a stored version has the same content as another one, but for its instant.
func like(stored, wanted *rows.Version, j *jobs) bool {
	same := *wanted
	same.From = stored.From
	return stored.Equal(&same, j.box)
}

// Update implements store.Edits.
func (e *edits) Update(ctx context.Context, next domain.Version, ahead int64) (made store.Effect, err error) {
	if next.Number < 2 || next.EffectiveTo != domain.Forever {
		return made, fmt.Errorf("update job %s: want an open version after the first, not number %d", next.JobID,
			next.Number)
	}
	wanted, err := rows.Encode(&next, e.jobs.box)
	if err != nil {
		return made, fmt.Errorf("update job %s: %w", next.JobID, err)
	}
	var is lastVersion
	for range attempts { // a key may be taken meanwhile
		err = exchange(ctx, e.jobs.edit,
			func(b *pgx.Batch) error {
				return is.look(ctx, b, wanted.JobID, wanted.Number, wanted.Namespace, string(wanted.Key))
			},
			func(b *pgx.Batch) error {
				if is.same != nil && like(is.same, &wanted, e.jobs) {
					made = effect(is.shard, is.same.From, 0)
					return nil // a repeat
				}
				row := wanted
				row.From = store.EffectiveWithout(is.shard, is.activeFrom, wanted.From, is.from, ahead)
				made = effect(is.shard, row.From, 1)
				return is.update(ctx, b, withoutOwner, &row, e.jobs.box)
			})
		if !isCode(err, uniqueViolation) {
			break
		}
	}
	return made, fault("update the job", err)
}

// Delete implements store.Edits.
func (e *edits) Delete(ctx context.Context, id domain.JobID, number int, ahead int64) (made store.Effect, err error) {
	var is lastVersion
	err = exchange(ctx, e.jobs.edit,
		func(b *pgx.Batch) error { return is.look(ctx, b, id, number, "", "") },
		func(b *pgx.Batch) error {
			if is.found && is.to != nil && is.number == number {
				made = effect(is.shard, *is.to, 0)
				return nil // a repeat
			}
			at := store.EffectiveWithout(is.shard, is.activeFrom, 0, is.from, ahead)
			made = effect(is.shard, at, 1)
			return is.remove(ctx, b, withoutOwner, id, number, at)
		})
	return made, fault("delete the job", err)
}

// Unclaimed implements store.Edits.
func (e *edits) Unclaimed(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	return e.ledger.openRuns(ctx, of, "runner = 0", fn)
}

// Changed implements store.Edits.
func (e *edits) Changed(ctx context.Context, number int, revision int64, fn func(domain.Version) error) error {
	return e.jobs.versions(ctx,
		`v.job_id IN (SELECT c.job_id FROM version c
                WHERE c.shard = $4::smallint AND c.revision > 0 AND c.revision > $5)`,
		store.WholeVersions, fn, number, revision)
}
