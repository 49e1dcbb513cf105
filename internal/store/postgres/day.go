package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// daysAhead is for how many days there are tables ahead, so that midnight costs nothing, and a process that
// cannot make any for a week costs nobody anything.
const daysAhead = 7

// detachWithin bounds for how long a day waits to be taken out. The server goes on with it.
const detachWithin = 10 * time.Second

// setDayLock bounds for how long the locks are waited for that change which tables there are. Others wait
// behind who waits for one.
const setDayLock = `SET LOCAL lock_timeout = 2000` // milliseconds

const dayMs = 24 * 60 * 60_000

// day is a UTC day: days since 1970-01-01.
type day int64

func dayOf(ms int64) day {
	d := ms / dayMs
	if ms%dayMs < 0 {
		d--
	}
	return day(d)
}

func (d day) start() int64 { return int64(d) * dayMs }
func (d day) end() int64   { return (int64(d) + 1) * dayMs }

// suffix is the end of the names of the day's tables.
func (d day) suffix() string { return time.UnixMilli(d.start()).UTC().Format("20060102") }

// table is that of the day's scheduled fires, and other that of its manual triggers. A table is asked by its name:
// through the parent, PostgreSQL opens and locks those of all days.
func (d day) table() string { return "execution_" + d.suffix() }
func (d day) other() string { return "execution_other_" + d.suffix() }

// days are the days that have tables.
type days struct {
	read, edit *pgxpool.Pool

	mu   sync.Mutex
	used map[day]bool // those that this process has marked as used
}

// all returns the days that are used from that of an instant to that of another one, oldest first. Other processes
// make and drop days, so the database is asked each time.
func (s *days) all(ctx context.Context, first, last int64) (found []day, err error) {
	err = each(ctx, s.read, func(r pgx.Rows) error {
		var d int64
		err := r.Scan(&d)
		found = append(found, day(d))
		return err
	}, `SELECT day FROM day WHERE used AND day >= $1::bigint AND day <= $2::bigint ORDER BY day`, int64(dayOf(first)),
		int64(dayOf(last)))
	return found, err
}

// markUsed marks a day whose tables were made ahead.
const markUsed = `
INSERT INTO day AS d (day, used) VALUES ($1, true) ON CONFLICT (day) DO UPDATE SET used = true WHERE NOT d.used`

// queueUsed marks the days of a transaction as used, unless this process has done so. Once the transaction is
// committed, see marked.
func (s *days) queueUsed(b *pgx.Batch, wanted map[day]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range slices.Sorted(maps.Keys(wanted)) { // of two processes in one order
		if !s.used[d] {
			b.Queue(markUsed, int64(d))
		}
	}
}

// marked notes that days are marked. A day that is dropped since has no tables: who records finds that out.
func (s *days) marked(wanted map[day]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range wanted {
		s.used[d] = true
	}
}

// leaf makes a table of a day and attaches it. It is made first and attached then: that needs a weaker
// lock on the parent, and neither waits for who reads through it nor holds them up. Rows are only added:
// nothing is cleaned up.
const leaf = `
CREATE TABLE %[1]s_%[2]s (LIKE %[1]s INCLUDING ALL) WITH (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE %[1]s ATTACH PARTITION %[1]s_%[2]s FOR VALUES FROM (%[3]d) TO (%[4]d)`

// make makes the tables of days that have none. Those that are made for facts are used from then on: a process that
// remembers the day as used from before it was dropped does not mark it again.
func (s *days) make(ctx context.Context, wanted map[day]bool, used bool) error {
	for d := range wanted {
		err := transact(ctx, s.edit, func(tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, `INSERT INTO day (day, used) VALUES ($1, $2) ON CONFLICT DO NOTHING`, int64(d),
				used)
			if err != nil || tag.RowsAffected() == 0 {
				return err
			}
			if _, err := tx.Exec(ctx, setDayLock); err != nil {
				return err
			}
			for _, parent := range []string{"execution", "execution_other"} {
				if _, err := tx.Exec(ctx, fmt.Sprintf(leaf, parent, d.suffix(), d.start(), d.end())); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// makeAhead makes the tables of today and of the days to come.
func (s *days) makeAhead(ctx context.Context) error {
	missing := make(map[day]bool)
	err := each(ctx, s.read, func(r pgx.Rows) error {
		var d int64
		err := r.Scan(&d)
		missing[day(d)] = true
		return err
	}, `SELECT n.day FROM (SELECT generate_series(c.now / $1, c.now / $1 + $2) AS day FROM (SELECT `+nowMs+` AS now) c) n
 WHERE NOT EXISTS (SELECT 1 FROM day d WHERE d.day = n.day)`, dayMs, daysAhead)
	if err == nil && len(missing) > 0 {
		err = s.make(ctx, missing, false)
	}
	return err
}

// detach takes the tables of a day out of their parents. It locks nobody out: it waits until nobody reads through
// the parents that has begun before. What a call before has begun and not ended it completes.
func (s *days) detach(ctx context.Context, d day) error {
	ctx, cancel := context.WithTimeout(ctx, detachWithin)
	defer cancel()
	for parent, child := range map[string]string{"execution": d.table(), "execution_other": d.other()} {
		if err := s.detachFrom(ctx, parent, child); err != nil {
			return err
		}
	}
	return nil
}

func (s *days) detachFrom(ctx context.Context, parent, child string) error {
	const attached, pending = 1, 2
	state, err := number(ctx, s.read, `
SELECT CASE WHEN inhdetachpending THEN 2 ELSE 1 END FROM pg_inherits WHERE inhrelid = to_regclass($1)`, child)
	statement := "ALTER TABLE " + parent + " DETACH PARTITION " + child
	switch {
	case err != nil:
	case state == attached: // it is no part of a transaction
		_, err = s.edit.Exec(ctx, statement+" CONCURRENTLY")
	case state == pending:
		err = transact(ctx, s.edit, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, setDayLock); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, statement+" FINALIZE")
			return err
		})
	}
	return err
}
