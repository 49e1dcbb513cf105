// Package sqlite keeps Belfry's data in SQLite files: store.Store for one
// process that owns every job.
//
//	data/
//	├── jobs.db             jobs, versions, open runs, the shard: small, random access
//	├── jobs.db.lock        held by the one process that may open the rest; its number
//	├── encryption.key      opens the secrets of jobs (package seal), unless the key is given
//	└── history/
//	    ├── 2026-03-09.db   what became of the fires scheduled on that UTC day:
//	    └── 2026-03-10.db   facts, their counters, their alerts; only ever appended to
//
// # What it must guarantee
//
// What a method has acknowledged is on disk: write-ahead log, synchronous=FULL,
// and every PRAGMA read back after it was set. What it has not acknowledged is
// there whole or not at all. A fact, its counters and its alert are one
// transaction of one file.
//
// # Two kinds of data, two ways to write
//
// Writes to jobs.db are many and small, from many callers. They go through one
// goroutine that commits whatever waits in one transaction ([jobsWriter]).
//
// Facts are a stream of thousands a second, already in batches. A batch goes
// straight into the file of its day, whose table is clustered by the natural
// key (scheduled_at, job, nonce). Fires come in about that order, so a row is
// written at the end of the table. It needs no second index, and a repeat is
// found by the key itself. An index by job would cost more than the call that
// the row records. Instead the job's timeline says when it fired, and each
// instant is looked up by the key (package byjob). Rows that cannot be computed
// from a timeline (manual triggers, MISSED summaries) and failures have partial
// indexes. A fact that no kept version yields any more, because the rules of its
// time zone changed, is found by Recent and by its id, but not by ByJob.
//
// # The parts
//
// [Store] opens the parts, hands out the roles and closes everything. Each part has its
// own state:
//
//	files.Claim     the locks that keep other processes from the database
//	jobsDB          jobs.db: readers, and the writer with its group commit
//	days            the history files: which there are, which are open, which are damaged
//	watch, guard    whether the files are where they were opened
//	keyFile, sealer the encryption keys, and the secrets that the newest key does not seal yet
//	recordLock      who may write history files, and whether what is in memory is up to date
//	alerts          open alerts; counters: totals; openRuns: keys of open runs;
//	irregularJobs   jobs with triggers or summaries. These four are copies of what files hold
//	expiry, eraser  drop days: the first step in the database, then the deletion of the file
//	background      goroutines of the store; Close waits for them
//
// The roles are jobs, history, ledger, shards, alerts, notices, keys, changes, idempotency,
// operations, edits and nodes.
//
// # A crash at any moment
//
//	Record   facts + counters + alerts (day file)  ✗  end of open runs (jobs.db)
//	         An open run whose fact exists is not shown and is cleaned up.
//	Advance  groups, messages (jobs.db)  ✗  marks of alerts (day files)
//	         The alerts are read again, and members of groups say that they are known.
//	Expire   counters, open alerts, mark (jobs.db)  ✗  delete files  ✗  remove mark
//	         Open deletes what is left of marked days before it counts anything.
//
// What is kept in memory (totals, open alerts, the keys of open runs) is a copy of
// what the files hold: it is loaded at start, changed after each commit, and loaded
// again when the outcome of a commit is unknown. One set is changed before the commit:
// which jobs have triggers or summaries in a file. A job too many in it costs only a
// lookup that finds nothing.
//
// # Who waits for whom
//
// One batch is recorded at a time ([recordLock]); reads never wait for it. Dropping
// a day holds the recordLock during its first step only, for some milliseconds. The
// deletion of the file has its own lock ([eraser]), under which others record and
// read. Several locks are always taken in this order:
//
//	expiry.turn     one call of Expire
//	recordLock      one writer of history files
//	eraser.turn     one who deletes history files
//	mu              of alerts, counters, openRuns, irregularJobs, eraser and days: what
//	                is in memory. It is held for no call of SQLite, except that days
//	                opens and closes its files under it.
//
// # Files that go away
//
// SQLite keeps using an open file that no longer has its name, after rm -rf, after mv,
// or when a backup was put in its place. It would acknowledge what the next start
// cannot find. So the store keeps the device and inode of each open file ([identity])
// and compares them with the file at the path: before a commit is acknowledged, for
// the files that it wrote; at each beat, for all files ([guard]): every
// database with its log and shared memory, the folder of the history, the lock file. A
// missing file is a [store.GoneError]. Until all files are back, the store only repeats
// this check: it makes no commit, opens no connection and deletes nothing.
//
//	jobs.db, a history file, a folder   the same inode has to come back (mv and mv
//	                                    back), or the process ends
//	-wal, -shm                          put back from the open descriptors ([mend])
//	jobs.db.lock                        locked again, unless somebody else was first
//
// Links in the path are followed before anything is opened ([files.Locate]), so that
// two names of one database meet in one lock. On Linux the file itself is locked too
// ([files.Claim]), because the lock file can be removed.
//
// A database that is truncated or overwritten in place (> jobs.db, cp over the file)
// keeps its inode. It is detected by its size, since an open database never becomes
// shorter, and the store does not recover from it. Two cases are not detected, because
// they look like SQLite's own work, in size and in modification time: a file of the
// same length or longer that is written over the database, and a truncated log. Reading
// the file and comparing would not help: it needs another descriptor, which must not be
// closed before the last connection is (POSIX locks), and a copy of an hour ago would
// look like the result of a checkpoint. On Windows the system refuses to remove or
// rename an open file.
//
// # How this is shown
//
// Package storetest tests the contract. The tests of this package are about what only
// this store has: files, locks, migrations, crashes (by copies of the files taken
// between the steps), full disks, and the views as the sqlite3 shell shows them.
// TestPowerLoss runs the store on a disk whose power fails at a random write (package
// power). Afterwards the store has the state after the last acknowledged call, or after
// the call that was under way, and nothing in between.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	background.go gate.go
//	identity.go conn.go watch.go migrate.go readers.go mend.go blockbits.go block.go writer.go jobsdb.go
//	damaged.go day.go
//	fact.go jobfields.go entry.go lease.go node.go move.go
//	idempotency.go operation.go jobname.go jobs.go jobsread.go pauses.go apikey.go session.go change.go aside.go
//	zonerules.go kept.go loss.go
//	alertbook.go untold.go counter.go point.go alerts.go counters.go openrun.go irregular.go blockmaker.go
//	erase.go series.go recordlock.go opendays.go
//	record.go facts.go edits.go
//	sweep.go alertlist.go marks.go joblist.go joblistnames.go prune.go operations.go expire.go access.go
//	notice.go alertsettings.go notices.go
//	history.go byjob.go executionlist.go lastfact.go stream.go
//	keyfile.go sealing.go
//	guard.go shard.go
//	store.go rotate.go
//	transferjobs.go transferhistory.go transferaccess.go transfer.go
package sqlite
