package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// applicationID marks a file as Belfry's in its header: "BLFR".
const applicationID = 0x424c4652

// minVersion is the first SQLite without the bug by which a checkpoint that
// meets a log reset in another connection can corrupt the database.
const minVersion = 3_051_003

//go:embed migrations
var migrationFiles embed.FS

// errForeign is the cause of a refusal to open a database that Belfry did not create.
var errForeign = errors.New("it was created by another program")

// migrations returns the steps of a schema ("jobs" or "history") in order. Steps are never edited
// once released.
func migrations(schema string) ([]rows.Migration, error) {
	return rows.Migrations(migrationFiles, "migrations/"+schema)
}

// migrate brings a file to the schema that this program knows. A file that is
// newer, or that is not Belfry's, is refused and not touched.
func migrate(ctx context.Context, c *conn, schema string) error {
	steps, err := migrations(schema)
	if err != nil {
		return err
	}
	have, err := schemaVersion(c)
	if err != nil {
		return err
	}
	if have > len(steps) {
		return domain.Unavailable(nil, "%s was written by a newer Belfry: its schema is number %d, this "+
			"program knows %d",
			c.path, have, len(steps))
	}
	for _, step := range steps[have:] {
		if err := apply(ctx, c, step); err != nil {
			return fmt.Errorf("%s: migration %s: %w", c.path, step.Name, err)
		}
	}
	return nil
}

// announce says in the log that the jobs of an older version get their new schema: with a million
// of them that takes seconds.
func announce(ctx context.Context, c *conn, log *slog.Logger) error {
	steps, err := migrations("jobs")
	if err != nil {
		return err
	}
	have, err := schemaVersion(c)
	if err == nil && have > 0 && have < len(steps) && log != nil {
		log.LogAttrs(ctx, slog.LevelInfo, "the database gets the schema of this version", slog.String("path", c.path),
			slog.Int("from", have), slog.Int("to", len(steps)))
	}
	return err
}

func apply(ctx context.Context, c *conn, step rows.Migration) error {
	return c.transact(ctx, func() error {
		if err := sqlitex.ExecuteScript(c.Conn, step.Script, nil); err != nil {
			return err
		}
		if err := c.exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
		return c.exec(fmt.Sprintf("PRAGMA user_version = %d", step.Number))
	})
}

// schemaVersion returns the number of the last migration that ran; 0 for an
// empty file.
func schemaVersion(c *conn) (int, error) {
	application, err := c.number("PRAGMA application_id")
	if err != nil {
		return 0, err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	objects, err := c.number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return 0, err
	}
	if application != applicationID && (objects > 0 || version > 0) {
		return 0, domain.Unavailable(errForeign, "%s is an SQLite database, but not one of Belfry", c.path)
	}
	return int(version), nil
}

// migrateFile opens a file, brings its schema up to date and closes it. Closing
// also puts what a crash left in the log into the file.
func migrateFile(ctx context.Context, path, schema string, log *slog.Logger) error {
	c, err := openConn(path, writer, log)
	if err != nil {
		return err
	}
	if schema == "jobs" {
		err = announce(ctx, c, log)
	}
	if err == nil {
		err = migrate(ctx, c, schema)
	}
	return errors.Join(err, c.Close())
}
