package postgres

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// indexBuild is a migration that builds one index while servers write the table. It has a single statement, because
// CONCURRENTLY cannot be part of a transaction. The indexes of a partitioned table cannot be built so: that would take
// CREATE INDEX ON ONLY of the parent, then a build for each partition, and ALTER INDEX ... ATTACH PARTITION.
type indexBuild struct {
	index, table string
	statement    string
}

var (
	lineComments = regexp.MustCompile(`(?m)^\s*--.*$`)
	onlyAnIndex  = regexp.MustCompile(`^CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+) ON (\w+)\s[^;]*;?$`)
)

// indexBuildOf reports whether a migration only builds an index CONCURRENTLY.
func indexBuildOf(script string) (indexBuild, bool) {
	statement := strings.TrimSpace(lineComments.ReplaceAllString(script, ""))
	found := onlyAnIndex.FindStringSubmatch(statement)
	if found == nil {
		return indexBuild{}, false
	}
	return indexBuild{index: found[1], table: found[2], statement: statement}, true
}

// atOnce returns a script for a database that nobody uses yet: there an index is built in the transaction.
func atOnce(script string) string {
	if b, ok := indexBuildOf(script); ok {
		return strings.Replace(b.statement, " CONCURRENTLY", "", 1)
	}
	return script
}

// indexState says how far an index is.
type indexState int

const (
	indexMissing  indexState = iota
	indexBuilding            // maybe for a process that is gone: PostgreSQL goes on without it
	indexBroken              // what a build has left that has failed
	indexValid
)

// stateOf decides by whether an index of the table was being built, and, read after that, whether this index was
// there, and valid. Nobody begins a build meanwhile (alone), so a build that was not there has ended.
func stateOf(building, there, valid bool) indexState {
	switch {
	case valid:
		return indexValid
	case building:
		return indexBuilding
	case there:
		return indexBroken
	}
	return indexMissing
}

const (
	// A list of all databases, in which tables of copies have the same numbers.
	selectBuilding = `
SELECT count(*) FROM pg_stat_progress_create_index
 WHERE datname = current_database() AND relid = to_regclass($1)`

	selectValid = `SELECT CASE WHEN indisvalid THEN 2 ELSE 1 END FROM pg_index WHERE indexrelid = to_regclass($1)`

	selectProgress = `
SELECT p.phase, p.blocks_done, p.blocks_total, p.current_locker_pid, coalesce(a.usename, ''),
       coalesce(a.application_name, ''),
       coalesce(floor(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::bigint
  FROM pg_stat_progress_create_index p LEFT JOIN pg_stat_activity a ON a.pid = p.current_locker_pid
 WHERE p.datname = current_database() AND p.relid = to_regclass($1)`

	// A build waits for transactions of others as long as it takes. It holds nobody up.
	noTimeouts = `SELECT set_config('lock_timeout', '0', false), set_config('statement_timeout', '0', false)`
)

const (
	// againAfter is after how long a build, a lock, or the end of what another process does is looked for again.
	againAfter = time.Second
	// buildTell is how often the log says how far a build is.
	buildTell = 10 * time.Second
)

func (b *indexBuild) state(ctx context.Context, q querier) (indexState, error) {
	building, err := number(ctx, q, selectBuilding, b.table)
	if err != nil {
		return indexMissing, err
	}
	valid, err := number(ctx, q, selectValid, b.index)
	return stateOf(building > 0, valid > 0, valid == 2), err
}

// run builds the index unless it is there. A build that a crash has left unfinished is awaited if PostgreSQL goes on
// with it, and otherwise its index is dropped first.
func (b *indexBuild) run(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	c := pooled.Hijack() // its settings are its own
	telling, stop := context.WithCancel(ctx)
	told := make(chan struct{})
	go func() {
		defer close(told)
		b.tell(telling, pool, log)
	}()
	err = b.build(ctx, c, log)
	stop()
	<-told
	return errors.Join(err, c.Close(context.WithoutCancel(ctx)))
}

func (b *indexBuild) build(ctx context.Context, c *pgx.Conn, log *slog.Logger) error {
	if ownsSession(c) {
		if _, err := c.Exec(ctx, noTimeouts); err != nil {
			return err
		}
	}
	for failed := 0; ; {
		state, err := b.state(ctx, c)
		if err != nil || state == indexValid {
			return err
		}
		switch state {
		case indexBuilding:
			err = again(ctx)
		case indexBroken:
			log.Warn("an index that was not built to its end is dropped, and built again", "index", b.index)
			_, err = c.Exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+b.index)
		default:
			log.Info("an index is built; servers that run go on", "index", b.index, "table", b.table)
			_, err = c.Exec(ctx, b.statement)
		}
		if isCode(err, deadlock, lockTimeout) && failed < attempts {
			failed++
			err = again(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// tell writes to the log how far the build is, and for whom it waits.
func (b *indexBuild) tell(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) {
	for clock.Wait(ctx, buildTell) {
		err := each(ctx, pool, func(r pgx.Rows) error {
			var phase, user, application string
			var done, all, locker, seconds int64
			if err := r.Scan(&phase, &done, &all, &locker, &user, &application, &seconds); err != nil {
				return err
			}
			if locker != 0 {
				log.Warn("the building of an index waits for the end of a transaction", "index", b.index, "pid", locker,
					"user", user, "application", application, "seconds", seconds)
				return nil
			}
			log.Info("an index is being built", "index", b.index, "phase", phase, "blocks", done, "of", all)
			return nil
		}, selectProgress, b.table)
		if err != nil && ctx.Err() == nil {
			log.Warn("it is not known how far the building of an index is", "index", b.index, "error", err)
		}
	}
}

// again returns when it is time to look again, or with an error when the context ends.
func again(ctx context.Context) error {
	if !clock.Wait(ctx, againAfter) {
		return ctx.Err()
	}
	return nil
}
