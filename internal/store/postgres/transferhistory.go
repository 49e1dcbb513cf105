package postgres

import (
	"context"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// facts are the facts of all days for a copy.
func (t *moving) facts() transfer.Long[domain.Execution, domain.FireKey] {
	return transfer.Long[domain.Execution, domain.FireKey]{
		After: transfer.FactsAfter(t.history), Write: t.writeFacts, Last: t.lastFact, Count: t.countFacts,
	}
}

// lastFact returns the greatest key of the last day that has facts: one may have tables without any.
func (t *moving) lastFact(ctx context.Context) (last *domain.FireKey, err error) {
	all, err := t.history.days.all(ctx, math.MinInt64, math.MaxInt64)
	for _, d := range slices.Backward(all) {
		if err != nil || last != nil {
			break
		}
		err = each(ctx, t.edit, func(r pgx.Rows) error {
			last = new(domain.FireKey)
			return r.Scan(&last.ScheduledAt, (*[16]byte)(&last.JobID), &last.Nonce)
		}, `
SELECT * FROM (
       (SELECT scheduled_at, job_id, 0::bigint AS nonce FROM `+d.table()+` ORDER BY 1 DESC, 2 DESC LIMIT 1)
        UNION ALL
       (SELECT scheduled_at, job_id, nonce FROM `+d.other()+` ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1)) e
 ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1`)
	}
	return last, fault("read the history", err)
}

func (t *moving) countFacts(ctx context.Context) (n int64, err error) {
	all, err := t.history.days.all(ctx, math.MinInt64, math.MaxInt64)
	for _, d := range all {
		for _, table := range []string{d.table(), d.other()} {
			if err != nil {
				break
			}
			var of int64
			of, err = number(ctx, t.read, `SELECT count(*) FROM `+table)
			n += of
		}
	}
	return n, fault("count the history", err)
}

// copiedWriter is the writer of the series of facts that were copied.
const copiedWriter = 0

// writeFacts writes facts with their series, which is computed from them: their counters and alerts come
// by themselves.
func (t *moving) writeFacts(ctx context.Context, piece []domain.Execution) error {
	facts, wanted := make([]*domain.Execution, len(piece)), make(map[day]bool)
	var irregular irregularArrays
	for i := range piece {
		facts[i] = &piece[i]
		irregular.add(facts[i])
		wanted[dayOf(piece[i].ScheduledAt)] = true
	}
	sums, err := sumsOf(facts)
	if err != nil {
		return err
	}
	parts, err := partsOf(facts)
	if err != nil {
		return err
	}
	write := func() error {
		return pipeline(ctx, t.record, func(b *pgx.Batch) {
			t.history.days.queueUsed(b, wanted)
			for i := range parts {
				statement, args := parts[i].insertion()
				b.Queue(statement, args...)
			}
			irregular.queue(b)
			queuePoints(b, copiedWriter, sums.points)
		})
	}
	err = write()
	if isCode(err, undefinedTable) {
		if err = t.history.days.make(ctx, wanted, true); err == nil {
			err = write()
		}
	}
	if err == nil {
		t.history.days.marked(wanted)
	}
	return fault("write the history", err)
}

const (
	selectCounters = `
SELECT minute, status, writer, fires, duration_ms, timed FROM counter
 WHERE (minute, status, writer) > ($1, $2, $3) ORDER BY minute, status, writer LIMIT $4`

	insertCounters = `
INSERT INTO counter (minute, status, writer, fires, duration_ms, timed)
SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[])
    ON CONFLICT DO NOTHING`
)

func scanCounter(r pgx.Rows) (c transfer.Counter, err error) {
	err = r.Scan(&c.Minute, &c.Status, &c.Part, &c.Fires, &c.DurationMs, &c.Timed)
	c.Whole = c.Part == 0 // see retireCounters
	return c, err
}

func keyOfCounter(c *transfer.Counter) []any {
	if *c == (transfer.Counter{}) {
		return []any{int64(math.MinInt64), 0, 0}
	}
	return []any{c.Minute, c.Status, c.Part}
}

func queueCounters(b *pgx.Batch, piece []transfer.Counter) error {
	var minutes, fires, durations, timed []int64
	var status []int16
	var parts []int32
	for i := range piece {
		c := &piece[i]
		part := c.Part
		if c.Whole {
			part = 0
		}
		minutes, status, parts = append(minutes, c.Minute), append(status, int16(c.Status)), append(parts, part)
		fires, durations, timed = append(fires, c.Fires), append(durations, c.DurationMs), append(timed, c.Timed)
	}
	b.Queue(insertCounters, minutes, status, parts, fires, durations, timed)
	return nil
}

const (
	selectAllAlerts = `
SELECT ` + alertColumns + ` FROM alert WHERE (job_id, opened_at, opened_nonce) > ($1, $2, $3)
 ORDER BY job_id, opened_at, opened_nonce LIMIT $4`

	selectLosses = `
SELECT scheduled_at, job_id, version, found_at FROM lost_fire WHERE (scheduled_at, job_id) > ($1, $2)
 ORDER BY scheduled_at, job_id LIMIT $3`

	insertLoss = `INSERT INTO lost_fire (scheduled_at, job_id, version, found_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING`
)

func scanStoredAlert(r pgx.Rows) (transfer.Alert, error) {
	a, err := scanAlert(r)
	return transfer.Alert{Alert: a.Alert, OpenedAt: a.openedAt, OpenedNonce: a.openedNonce, Day: a.day}, err
}

func keyOfAlert(a *transfer.Alert) []any { return []any{[16]byte(a.JobID), a.OpenedAt, a.OpenedNonce} }

func queueAlerts(b *pgx.Batch, piece []transfer.Alert) error {
	for i := range piece {
		a := &piece[i]
		row := alertRow{Alert: a.Alert, openedAt: a.OpenedAt, openedNonce: a.OpenedNonce, day: a.Day, told: true}
		row.queue(b)
	}
	return nil
}

func scanLoss(r pgx.Rows) (l transfer.Loss, err error) {
	err = r.Scan(&l.ScheduledAt, (*[16]byte)(&l.JobID), &l.Version, &l.FoundAt)
	return l, err
}

func queueLosses(b *pgx.Batch, piece []transfer.Loss) error {
	for i := range piece {
		l := &piece[i]
		b.Queue(insertLoss, l.ScheduledAt, [16]byte(l.JobID), l.Version, l.FoundAt)
	}
	return nil
}
