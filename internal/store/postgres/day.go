package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

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
type days struct{ read, edit *pgxpool.Pool }

// all returns the days from that of an instant to that of another one, oldest first. Other processes make
// and drop days, so the database is asked each time.
func (s *days) all(ctx context.Context, first, last int64) (found []day, err error) {
	err = each(ctx, s.read, func(r pgx.Rows) error {
		var d int64
		err := r.Scan(&d)
		found = append(found, day(d))
		return err
	}, `SELECT day FROM day WHERE day >= $1::bigint AND day <= $2::bigint ORDER BY day`, int64(dayOf(first)),
		int64(dayOf(last)))
	return found, err
}

// leaf makes a table of a day and attaches it. It is made first and attached then: that needs a weaker
// lock on the parent, and writers of other days go on. Rows are only added: nothing is cleaned up.
const leaf = `
CREATE TABLE %[1]s_%[2]s (LIKE %[1]s INCLUDING ALL) WITH (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE %[1]s ATTACH PARTITION %[1]s_%[2]s FOR VALUES FROM (%[3]d) TO (%[4]d)`

// make makes the tables of days that have none.
func (s *days) make(ctx context.Context, wanted map[day]bool) error {
	for d := range wanted {
		err := transact(ctx, s.edit, func(tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, `INSERT INTO day VALUES ($1) ON CONFLICT DO NOTHING`, int64(d))
			if err != nil || tag.RowsAffected() == 0 {
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
