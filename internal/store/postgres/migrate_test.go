//go:build unix

package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// beforeBuilds is the last step before the first one that only builds an index. Steps up to it stay as they are.
const beforeBuilds = 14

// told is a log: the messages that were written to it, from Info on.
type told chan string

func (l told) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l told) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l told) WithGroup(string) slog.Handler                    { return l }

func (l told) Handle(_ context.Context, r slog.Record) error {
	l <- r.Message
	return nil
}

// await returns when a message was written that begins so.
func (l told) await(t *testing.T, message string) {
	t.Helper()
	for deadline := time.After(30 * time.Second); ; {
		select {
		case m := <-l:
			if strings.HasPrefix(m, message) {
				return
			}
		case <-deadline:
			t.Fatalf("the log never said %q", message)
		}
	}
}

// oldDatabase is a database of a build before, with jobs, which servers use while its tables are changed.
type oldDatabase struct {
	t   *testing.T
	url string
	log told
}

func newOldDatabase(t *testing.T) *oldDatabase {
	t.Helper()
	d := &oldDatabase{t, postgrestest.Shared(t).Database(t), make(told, 1000)}
	steps, err := migrations()
	if err == nil {
		err = d.migrator(d.url, steps[:beforeBuilds]).run(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	d.execute(d.connect(), `
INSERT INTO version (job_id, number, shard, revision, effective_from, created_at, is_active, schedule, timezone, api,
       type, name, namespace, options)
SELECT lpad(to_hex(n), 32, '0')::uuid, 1, n % 64, 0, 1, 1, n % 3 <> 0, '0 0 0 * * *', 'UTC', 'http://127.0.0.1:1/ok',
       'ATLEAST_ONCE', 'Job ' || n % 1000, 'default',
       CASE WHEN n % 3 = 0 THEN '{"pause":{"until":4000000000000}}' END
  FROM generate_series(1, 20000) n`)
	return d
}

func (d *oldDatabase) migrator(url string, steps []rows.Migration) *migrator {
	d.t.Helper()
	base, err := parseURL(url)
	if err != nil {
		d.t.Fatal(err)
	}
	pool, err := openPool(d.t.Context(), base, editConns, true)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(pool.Close)
	return &migrator{pool, slog.New(d.log), steps}
}

// upgrade brings the tables to those of this build, as a start does. The channel has its error.
func (d *oldDatabase) upgrade(ctx context.Context) <-chan error {
	d.t.Helper()
	steps, err := migrations()
	if err != nil {
		d.t.Fatal(err)
	}
	m, ended := d.migrator(d.url, steps), make(chan error, 1)
	go func() { ended <- m.run(ctx) }()
	return ended
}

func (d *oldDatabase) connect() *pgx.Conn {
	d.t.Helper()
	c, err := pgx.Connect(d.t.Context(), d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func (d *oldDatabase) execute(c *pgx.Conn, script string) {
	d.t.Helper()
	if _, err := c.Exec(d.t.Context(), script); err != nil {
		d.t.Fatalf("%s: %v", script, err)
	}
}

// await returns when a query answers true.
func (d *oldDatabase) await(c *pgx.Conn, query string, args ...any) {
	d.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		var is bool
		if err := c.QueryRow(d.t.Context(), query, args...).Scan(&is); err != nil {
			d.t.Fatal(err)
		}
		if is {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("never true: %s %v", query, args)
		}
	}
}

// inPhase asks whether an index is being built, and how far that is.
const inPhase = `
SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase = $1)`

func (d *oldDatabase) wantDone(ended <-chan error) {
	d.t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			d.t.Fatal(err)
		}
	case <-time.After(60 * time.Second):
		d.t.Fatal("the tables are still being changed")
	}
	var indexes, made, want int
	steps, err := migrations()
	if err == nil {
		want = len(steps)
		err = d.connect().QueryRow(d.t.Context(), `
SELECT (SELECT count(*) FROM pg_index
         WHERE indisvalid AND indexrelid::regclass::text IN ('version_pause', 'version_name')),
       (SELECT max(number) FROM belfry_migration)`).Scan(&indexes, &made)
	}
	if err != nil || indexes != 2 || made != want {
		d.t.Fatalf("%d of 2 indexes are valid, step %d of %d, %v", indexes, made, want, err)
	}
}

// A server of the build before writes jobs while indexes are built. It waits for no lock as long as 100 ms, whatever
// the building waits for; and further servers of that build, which wait for the lock of those before, are let go.
func TestAnIndexIsBuiltBesideWriters(t *testing.T) {
	t.Parallel()
	d := newOldDatabase(t)
	look, writes, reads, writer := d.connect(), d.connect(), d.connect(), d.connect()
	d.execute(writes, `BEGIN; UPDATE version SET name = 'open' WHERE job_id = lpad('1', 32, '0')::uuid`)
	d.execute(reads, `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM shard`)
	d.execute(writer, `SET lock_timeout = '100ms'`)
	n := 0
	write := func() {
		t.Helper()
		for range 20 {
			n++
			d.execute(writer, fmt.Sprintf(`
UPDATE version SET name = 'changed' WHERE job_id = lpad(to_hex(%d), 32, '0')::uuid`, 1+n))
		}
		var waiting int
		err := look.QueryRow(t.Context(), `
SELECT count(*) FROM pg_locks l JOIN pg_database b ON b.oid = l.database
 WHERE b.datname = current_database() AND NOT granted AND locktype <> 'virtualxid'`).Scan(&waiting)
		if err != nil || waiting != 0 {
			t.Fatalf("%d processes wait for locks of tables, %v", waiting, err)
		}
	}
	startOfBefore := fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, migrationLock)
	ended := d.upgrade(t.Context())
	d.await(look, inPhase, "waiting for writers before build")
	write()
	d.execute(writer, startOfBefore)
	d.execute(writes, "COMMIT")
	d.await(look, inPhase, "waiting for old snapshots")
	write()
	d.execute(writer, startOfBefore)
	d.execute(reads, "COMMIT")
	for len(ended) == 0 {
		write()
	}
	d.wantDone(ended)
}

// A build whose process of PostgreSQL is killed leaves an index that is not valid. The next start drops it and builds
// it again.
func TestABuildThatWasKilledIsBegunAgain(t *testing.T) {
	t.Parallel()
	d := newOldDatabase(t)
	look, writes := d.connect(), d.connect()
	d.execute(writes, `BEGIN; UPDATE version SET name = 'open' WHERE job_id = lpad('1', 32, '0')::uuid`)
	ended := d.upgrade(t.Context())
	d.await(look, inPhase, "waiting for writers before build")
	d.execute(look, `
SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()`)
	if err := <-ended; err == nil {
		t.Fatal("no error although the build was killed")
	}
	d.await(look, `SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'version_pause'::regclass`)
	ended = d.upgrade(t.Context())
	d.log.await(t, "an index that was not built to its end is dropped")
	d.execute(writes, "COMMIT")
	d.wantDone(ended)
}

// PostgreSQL goes on with a build whose server is gone. The next start waits for its end, and does not drop the index.
func TestABuildOfAServerThatIsGoneIsAwaited(t *testing.T) {
	t.Parallel()
	d := newOldDatabase(t)
	look, writes := d.connect(), d.connect()
	d.execute(writes, `BEGIN; UPDATE version SET name = 'open' WHERE job_id = lpad('1', 32, '0')::uuid`)
	ctx, kill := context.WithCancel(t.Context())
	ended := d.upgrade(ctx)
	d.await(look, inPhase, "waiting for writers before build")
	number := func() (oid int64) {
		err := look.QueryRow(t.Context(), `SELECT 'version_pause'::regclass::oid::bigint`).Scan(&oid)
		if err != nil {
			t.Fatal(err)
		}
		return oid
	}
	first := number()
	kill()
	if err := <-ended; err == nil {
		t.Fatal("no error although the start was ended")
	}
	ended = d.upgrade(t.Context())
	d.await(look, `
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%indisvalid%' AND
               application_name = 'belfry')`)
	d.execute(writes, "COMMIT")
	d.wantDone(ended)
	if now := number(); now != first {
		t.Errorf("the index is another one: %d, and %d before", now, first)
	}
	for len(d.log) > 0 {
		if m := <-d.log; strings.HasPrefix(m, "an index that was not built") {
			t.Errorf("the log says: %s", m)
		}
	}
}

// Servers that start at once on a database of the build before change its tables once, directly and behind PgBouncer.
func TestServersThatStartAtOnceBuildOnce(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(postgrestest.Options{})
	postgrestest.Need(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	through := server.Bounced(t)
	for name, lead := range map[string]func(string) string{
		"directly":         func(url string) string { return url },
		"behind PgBouncer": func(url string) string { return through(url) + "&default_query_exec_mode=cache_describe" },
	} {
		d := &oldDatabase{t, server.Database(t), make(told, 1000)}
		steps, err := migrations()
		if err == nil {
			err = d.migrator(lead(d.url), steps[:beforeBuilds]).run(t.Context())
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		const processes = 5
		ended := make(chan error, processes)
		for range processes {
			m := d.migrator(lead(d.url), steps)
			go func() { ended <- m.run(t.Context()) }()
		}
		for range processes {
			d.wantDone(ended)
		}
	}
}

// A change that needs a table for itself does not get it while somebody reads it. It gives up its place in the line
// again and again, so that others pass, until it gets the table.
func TestAChangeLetsOthersPass(t *testing.T) {
	t.Parallel()
	d := newOldDatabase(t)
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	reads, other := d.connect(), d.connect()
	d.execute(reads, `BEGIN; SELECT count(*) FROM node`)
	m := d.migrator(d.url, append(steps[:beforeBuilds:beforeBuilds], rows.Migration{
		Number: beforeBuilds + 1, Name: "0015_test.sql", Script: "ALTER TABLE node ADD COLUMN extra integer",
	}))
	ended := make(chan error, 1)
	go func() { ended <- m.run(t.Context()) }()
	for range 3 {
		d.await(other, `
SELECT EXISTS (SELECT FROM pg_locks
                WHERE relation = 'node'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)`)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if _, err := other.Exec(ctx, `DELETE FROM node`); err != nil {
			t.Fatalf("a server waits behind the change: %v", err)
		}
		cancel()
		d.log.await(t, "a table is in use")
	}
	d.execute(reads, "COMMIT")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	d.execute(other, `SELECT extra FROM node`)
}

// inTransaction says why indexes of these tables may be built in a transaction: nobody waits for long.
var inTransaction = map[string]string{
	"alert_group": "has some thousands of rows at most",
}

// Steps from here on hold up nobody: an index of a table that servers write, and that may be large, is built
// CONCURRENTLY, in a step that does nothing else.
func TestStepsHoldUpNobody(t *testing.T) {
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	index := regexp.MustCompile(`CREATE (?:UNIQUE )?INDEX (?:\w+\s+)*?ON (?:ONLY )?(\w+)`)
	builds := 0
	for _, step := range steps[beforeBuilds:] {
		if _, ok := indexBuildOf(step.Script); ok {
			builds++
			continue
		}
		script := lineComments.ReplaceAllString(step.Script, "")
		for _, found := range index.FindAllStringSubmatch(script, -1) {
			made := strings.Contains(script, "CREATE TABLE "+found[1]+" ")
			if table := found[1]; !made && inTransaction[table] == "" {
				t.Errorf("%s builds an index of %s while servers wait to write it. Give it its own step: CREATE "+
					"INDEX CONCURRENTLY IF NOT EXISTS name ON %s", step.Name, table, table)
			}
		}
	}
	if builds < 2 {
		t.Errorf("%d steps only build an index; there were two", builds)
	}
}

func TestIndexBuildOf(t *testing.T) {
	t.Parallel()
	const plain = "CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON b (c);\n"
	for script, want := range map[string]string{
		plain:                          "a of b",
		"-- Why; a comment.\n" + plain: "a of b",
		"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON b\n (c) WHERE d = 'e'": "a of b",
		plain + plain:                          "",
		"CREATE INDEX CONCURRENTLY a ON b (c)": "",
		"CREATE INDEX a ON b (c);":             "",
		"ALTER TABLE b ADD c integer;" + plain: "",
	} {
		got := ""
		if b, ok := indexBuildOf(script); ok {
			got = b.index + " of " + b.table
		}
		if got != want {
			t.Errorf("%q: %q, want %q", script, got, want)
		}
	}
	if got := atOnce("-- Why.\n" + plain); got != "CREATE INDEX IF NOT EXISTS a ON b (c);" {
		t.Errorf("at once: %q", got)
	}
}

func TestStateOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		building, there, valid bool
		want                   indexState
	}{
		{false, false, false, indexMissing},
		{false, true, false, indexBroken},
		{true, false, false, indexBuilding},
		{true, true, false, indexBuilding},
		{false, true, true, indexValid},
		{true, true, true, indexValid}, // it has ended between the two looks, or another one is built
	} {
		if got := stateOf(c.building, c.there, c.valid); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
