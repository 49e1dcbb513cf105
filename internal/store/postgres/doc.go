// Package postgres keeps Belfry's data in a PostgreSQL database: store.Store for many processes, each of which
// owns some of the 64 shards.
//
//	cluster, shard, node      who fires which jobs, and how far
//	version                   jobs: a row for each edit
//	api_key, change,          who may come in, who did what, and what became of their requests
//	idempotency, operation
//	execution_20260309,       what became of the fires scheduled on that UTC day, and of the manual triggers;
//	execution_other_20260309  partitions of execution and execution_other
//	counter, alert, open_run  beside the facts, written with them
//	addition, series          what commits add up to, and where that is added (ADR 55)
//
// # What it must guarantee
//
// What a method has acknowledged is committed, and nothing of a call that has failed is there in part: a call
// is one transaction. A commit whose wait for a standby was cancelled is no commit ([errUnreplicated]),
// and no connection that writes asks for such a cancellation ([openPool]).
//
// A process that is gone locks nothing for longer than 5 s: PostgreSQL ends a transaction whose process says nothing
// for so long, and both sides notice within 20 s that a connection leads nowhere ([prepareConn]).
//
// After a failover that has lost acknowledged commits, what this process has recorded last is stored again before
// W moves ([ring], ADR 50).
//
// Changes of the schema hold up nobody for longer than 250 ms ([migrator]): an index of a table that may be large is
// built CONCURRENTLY ([indexBuild]), and what needs a table for itself gives up its place in the line and tries again.
// A start goes on with what a crash has left of a change.
//
// Several processes do this at a time, so nothing that another one may change is kept in memory. Two
// exceptions cost nothing but a look that finds nothing: the keys of open runs ([openRuns]), and which days are
// marked as used ([days]).
//
// # Rules of writing
//
//   - Rows of shards are locked first, and in the order of their numbers; a deadlock is repeated.
//   - What is new as a rule takes one round trip, in which everything is inserted as if none of it was there
//     ([pipeline]). Only after a unique violation does a second transaction look what was there.
//     With ON CONFLICT each row would cost PostgreSQL almost twice as much.
//   - No row is written by all: counters and series have rows for each process, the use of a caller is spread over
//     64 rows, jobs are counted by shard. What a commit adds to counters and series is a row that is inserted, and
//     added to theirs with those of other commits ([additions]).
//   - Tables of days are made ahead ([days]), or by whoever comes first. One is addressed by its name, because
//     through the parent PostgreSQL opens and locks the tables of all days.
//
// # How this is shown
//
// Package storetest has the contract, also with two stores on one database. The tests of this package are
// about what only this store has: migrations, keys, connections, and what a server that goes away leaves
// behind. Each test has a database of its own (package postgrestest).
//
// # Order of the files
//
// Each file uses only those before it:
//
//	fault.go dial_linux.go dial_other.go array.go dial.go conn.go indexbuild.go migrate.go version.go trail.go
//	idempotencyrow.go
//	fact.go ring.go shards.go zonerules.go nodes.go move.go
//	group.go jobs.go jobcreate.go jobchange.go jobsread.go pauses.go joblist.go joblistnames.go
//	operations.go keys.go sessions.go changes.go idempotency.go
//	day.go irregular.go alertplan.go counters.go sums.go series.go additions.go batch.go openrun.go
//	ledger.go facts.go edits.go aside.go alerts.go notice.go notices.go alertsettings.go
//	history.go byjob.go executionlist.go lastfact.go expire.go
//	verbose.go box.go store.go rotate.go
//	transferjobs.go transferhistory.go transferaccess.go transfer.go
package postgres
