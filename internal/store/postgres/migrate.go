package postgres

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

//go:embed migrations
var migrationFiles embed.FS

// migrationLock is the advisory lock of those who change the schema: "BLFR".
const migrationLock = 0x424c4652

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

// migrate brings a database to the schema that this program knows. One process does, and others
// that start at the time wait for it. A database that is newer, or that has tables of another
// program, is refused and not touched.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	have, err := schemaVersion(ctx, pool)
	if err != nil {
		return err
	}
	if have == len(steps) {
		return nil
	}
	return transact(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return err
		}
		// Servers of the build before go on meanwhile. A change that waits for a table holds them up, too.
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '2s'"); err != nil {
			return err
		}
		have, err := schemaVersion(ctx, tx) // another one may have been faster
		if err != nil {
			return err
		}
		if have > len(steps) {
			return domain.Unavailable(nil, "the database was written by a newer Belfry: its schema is number %d, "+
				"this program knows %d", have, len(steps))
		}
		if _, err := tx.Exec(ctx, createMigrations); err != nil {
			return err
		}
		for _, step := range steps[have:] {
			if _, err := tx.Exec(ctx, step.Script); err != nil {
				return fmt.Errorf("migration %s: %w", step.Name, err)
			}
			_, err := tx.Exec(ctx, insertMigration, step.Number, step.Name)
			if err != nil {
				return err
			}
		}
		return nil
	})
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
