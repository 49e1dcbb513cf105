package postgres

import (
	"context"
	"embed"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

//go:embed migrations
var migrationFiles embed.FS

// The advisory locks of those who change the schema: "BLFR", which a transaction that changes it has, and "BLFS", which
// a process has from its first step to its last. Builds before wait for the first one in a statement: held while an
// index is built, it would make the two wait for each other.
const (
	migrationLock = 0x424c4652
	aloneLock     = 0x424c4653
)

// migrations returns the steps of the schema in order. Steps are never edited once released.
func migrations() ([]rows.Migration, error) { return rows.Migrations(migrationFiles, "migrations") }

const (
	createMigrations = `
CREATE TABLE IF NOT EXISTS belfry_migration (
    -- The steps of the schema that were made, each in a transaction with this row.
    number  integer     NOT NULL PRIMARY KEY,
    name    text        NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp())`

	insertMigration = `INSERT INTO belfry_migration (number, name) VALUES ($1, $2)`

	selectForeign = `
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v')`
)

// How long a change of the tables waits for a lock, and how often it is tried. Whoever wants the table meanwhile waits
// behind it, so that is short.
const (
	lockWait     = "250ms"
	lockAttempts = 60
)

// migrator brings a database to the schema that this program knows.
type migrator struct {
	pool  *pgxpool.Pool
	log   *slog.Logger
	steps []rows.Migration
}

// migrate brings a database to the schema that this program knows. One process does, and others
// that start at the time wait for it. A database that is newer, or that has tables of another
// program, is refused and not touched.
func migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	return (&migrator{pool, log, steps}).run(ctx)
}

func (m *migrator) run(ctx context.Context) error {
	have, err := m.version(ctx, m.pool)
	if err != nil || have == len(m.steps) {
		return err
	}
	return alone(ctx, m.pool, m.log, func() error {
		have, err := m.version(ctx, m.pool) // another one may have been faster
		if err == nil && have == 0 {
			return m.all(ctx)
		}
		for ; err == nil && have < len(m.steps); have++ {
			err = m.step(ctx, m.steps[have])
		}
		return err
	})
}

// version returns the number of the last step that was made. It refuses a database that is newer than the program.
func (m *migrator) version(ctx context.Context, q querier) (int, error) {
	have, err := schemaVersion(ctx, q)
	if err == nil && have > len(m.steps) {
		err = domain.Unavailable(nil, "the database was written by a newer Belfry: its schema is number %d, "+
			"this program knows %d", have, len(m.steps))
	}
	return have, err
}

// alone calls fn while no other process changes the schema. The lock is of a transaction that does nothing else: behind
// PgBouncer sessions have none, and an index is built outside of transactions. Whoever waits asks again and again: a
// statement that waits has a snapshot, and the building of an index waits for the ends of all older ones.
func alone(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, fn func() error) error {
	for told := false; ; {
		mine := false
		err := pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
			return pgx.BeginTxFunc(ctx, c, pgx.TxOptions{BeginQuery: beginning(c.Conn())}, func(tx pgx.Tx) error {
				err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", aloneLock).Scan(&mine)
				if err != nil || !mine {
					return err
				}
				if _, err = tx.Exec(ctx, "SET LOCAL "+idleSetting+" = 0"); err != nil {
					return err
				}
				return fn()
			})
		})
		if err != nil || mine {
			return err
		}
		if !told {
			log.Info("another process changes the tables of the database; this one waits for it")
			told = true
		}
		if err := again(ctx); err != nil {
			return err
		}
	}
}

// all makes the tables of a database that has none, in one transaction.
func (m *migrator) all(ctx context.Context) error {
	return m.change(ctx, 0, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, createMigrations); err != nil {
			return err
		}
		for _, step := range m.steps {
			step.Script = atOnce(step.Script)
			if err := makeStep(ctx, tx, step); err != nil {
				return err
			}
		}
		return nil
	})
}

// step makes one step in a database that servers may use.
func (m *migrator) step(ctx context.Context, step rows.Migration) error {
	build, ok := indexBuildOf(step.Script)
	if !ok {
		return m.change(ctx, step.Number-1, func(tx pgx.Tx) error { return makeStep(ctx, tx, step) })
	}
	if err := build.run(ctx, m.pool, m.log); err != nil {
		return fmt.Errorf("migration %s: %w", step.Name, err)
	}
	return m.change(ctx, step.Number-1, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertMigration, step.Number, step.Name)
		return err
	})
}

func makeStep(ctx context.Context, tx pgx.Tx, step rows.Migration) error {
	if _, err := tx.Exec(ctx, step.Script); err != nil {
		return fmt.Errorf("migration %s: %w", step.Name, err)
	}
	_, err := tx.Exec(ctx, insertMigration, step.Number, step.Name)
	return err
}

// change runs fn in a transaction on a database whose last step is have. Where it does not get a lock at once, it lets
// go those who wait behind it, and tries again.
func (m *migrator) change(ctx context.Context, have int, fn func(tx pgx.Tx) error) error {
	for tried := 1; ; tried++ {
		err := transact(ctx, m.pool, func(tx pgx.Tx) error {
			// The builds before know this lock only.
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+lockWait+"'"); err != nil {
				return err
			}
			now, err := m.version(ctx, tx)
			if err == nil && now != have { // a build before, which does not know of aloneLock
				err = domain.Unavailable(nil, "another process has changed the tables meanwhile: start again")
			}
			if err != nil {
				return err
			}
			return fn(tx)
		})
		if !isCode(err, lockTimeout) || tried == lockAttempts {
			return err
		}
		m.log.Warn("a table is in use; its change is tried again", "error", err, "tried", tried)
		if err := again(ctx); err != nil {
			return err
		}
	}
}

// schemaVersion returns the number of the last step that was made; 0 for an empty database.
func schemaVersion(ctx context.Context, q querier) (int, error) {
	known, err := number(ctx, q, "SELECT count(*) FROM pg_class WHERE oid = to_regclass('belfry_migration')")
	if err != nil {
		return 0, err
	}
	if known == 0 {
		tables, err := number(ctx, q, selectForeign)
		if err == nil && tables > 0 {
			err = domain.Unavailable(nil, "the database has %d tables or views that are not of Belfry: give it a "+
				"database, or a schema in search_path, of its own", tables)
		}
		return 0, err
	}
	n, err := number(ctx, q, "SELECT max(number) FROM belfry_migration")
	return int(n), err
}
