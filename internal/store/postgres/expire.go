package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// selectOld returns the days that may go: they end before an instant and before any watermark, since a recovery
// reads what comes after it, and nothing that began in them is still open.
const selectOld = `
SELECT d.day FROM day d
 WHERE (d.day + 1::bigint) * 86400000 <= least($1, (SELECT min(watermark) FROM shard) + 1)
   AND NOT EXISTS (SELECT 1 FROM open_run o
                    WHERE o.scheduled_at >= d.day * 86400000::bigint AND o.scheduled_at < (d.day + 1::bigint) * 86400000)
 ORDER BY d.day`

// expireLock is the advisory lock of who drops days: "BLFX".
const expireLock = 0x424c4658

// Expire implements store.History. A day goes whole: its tables are dropped, in one transaction with
// everything that is kept of it. Of two processes that expire at a time, one drops days. It makes the tables of the
// days to come, too.
func (h *history) Expire(ctx context.Context, before int64) (gone int, err error) {
	ahead := h.days.makeAhead(ctx)
	err = transact(ctx, h.days.edit, func(tx pgx.Tx) error {
		free, err := number(ctx, tx, `SELECT pg_try_advisory_xact_lock($1)::int`, expireLock)
		if err == nil && free == 1 {
			gone, err = h.dropOld(ctx, before)
		}
		return err
	})
	if err == nil {
		err = h.prune(ctx, dayOf(before).start())
	}
	return gone, fault("expire the history", errors.Join(err, ahead))
}

func (h *history) dropOld(ctx context.Context, before int64) (gone int, err error) {
	var old []day
	err = each(ctx, h.days.read, func(r pgx.Rows) error {
		var d int64
		err := r.Scan(&d)
		old = append(old, day(d))
		return err
	}, selectOld, before)
	for _, d := range old {
		if err != nil {
			break
		}
		var dropped bool
		if dropped, err = h.drop(ctx, d); dropped {
			gone++
		}
	}
	return gone, err
}

func (h *history) drop(ctx context.Context, d day) (dropped bool, err error) {
	if err := h.days.detach(ctx, d); err != nil {
		return false, err
	}
	err = transact(ctx, h.days.edit, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, setDayLock); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM day WHERE day = $1`, int64(d))
		if dropped = err == nil && tag.RowsAffected() > 0; !dropped {
			return err
		}
		// Tables that were made ahead, or for open runs alone, are no history.
		facts, err := number(ctx, tx, `
SELECT (EXISTS (SELECT 1 FROM `+d.table()+`) OR EXISTS (SELECT 1 FROM `+d.other()+`))::int`)
		if err == nil && facts > 0 {
			_, err = tx.Exec(ctx, `UPDATE cluster SET kept_since = greatest(kept_since, $1)`, d.end())
		}
		dropped = facts > 0
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM irregular WHERE day = $1`, int64(d))
		}
		// Whoever records waits for the tables from here on, and then makes the day again: nothing of what was in them
		// is added up later.
		if err == nil {
			_, err = tx.Exec(ctx, `DROP TABLE `+d.table()+`, `+d.other())
		}
		if err == nil {
			err = h.additions.addUpIn(ctx, tx)
		}
		if err == nil {
			_, err = tx.Exec(ctx, dropPoints, int16(domain.StepDay), d.start(), d.end())
		}
		return err
	})
	return dropped && err == nil, err
}

const (
	// Versions are kept while a fire of theirs may still have to be computed: above the watermark, or for an
	// open run.
	pruneVersions = `
DELETE FROM version WHERE (job_id, number) IN (
       SELECT v.job_id, v.number FROM version v
        WHERE v.effective_to <= least($2, (SELECT min(watermark) FROM shard))
          AND NOT EXISTS (SELECT 1 FROM open_run o WHERE o.job_id = v.job_id AND o.version = v.number)
        LIMIT $1)`
	pruneChanges = `
DELETE FROM change WHERE (at, nonce) IN (SELECT at, nonce FROM change WHERE at <= $2 ORDER BY at LIMIT $1)`
	pruneKeys = `
DELETE FROM api_key WHERE id IN (SELECT id FROM api_key WHERE revoked_at <> 0 AND revoked_at <= $2 LIMIT $1)`
	pruneLosses = `
DELETE FROM lost_fire WHERE (scheduled_at, job_id) IN (
       SELECT scheduled_at, job_id FROM lost_fire WHERE scheduled_at < $2 LIMIT $1)`

	// An alert that has ended goes with the history of its last day. An open one stays, unless its job is gone:
	// nothing would ever end it.
	pruneAlerts = `
DELETE FROM alert WHERE (job_id, opened_at, opened_nonce) IN (
       SELECT a.job_id, a.opened_at, a.opened_nonce FROM alert a WHERE a.day < $2::bigint / 86400000
          AND (a.recovered_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM version v WHERE v.job_id = a.job_id))
        LIMIT $1)`
)

// prune deletes what is as old as the history that has gone, some rows at a time.
func (h *history) prune(ctx context.Context, before int64) error {
	for _, statement := range []string{pruneChanges, pruneKeys, pruneVersions, pruneLosses, pruneAlerts} {
		if _, err := deleteAll(ctx, h.days.edit, statement, before); err != nil {
			return err
		}
	}
	if before == dayOf(domain.Forever).start() {
		return nil // the counters of today are still being added to
	}
	if err := h.additions.addUp(ctx); err != nil {
		return err
	}
	_, err := h.days.edit.Exec(ctx, retireCounters, minuteOf(before))
	return err
}
