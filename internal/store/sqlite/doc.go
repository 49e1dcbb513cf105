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
// written at the end of the table, costs no second index, and a repeat is
// found by the key itself. An index by job would cost more than the call that
// the row records; instead the job's timeline says when it fired, and each
// instant is looked up by the key ([history.ByJob]). Rows that no calendar
// names (manual triggers, MISSED summaries) and failures have partial indexes.
// A fact that no kept version names, because the rules of a time zone changed
// after it, is found by Recent and by its id, but not by ByJob.
//
// # A crash at any moment
//
//	Record   facts + counters + alerts (day file)  ✗  end of open runs (jobs.db)
//	         An open run whose fact exists is not shown and is cleaned up.
//	Expire   counters, open alerts, mark (jobs.db)  ✗  delete files  ✗  remove mark
//	         Open deletes what is left of marked days before it counts anything.
//
// Nothing is read back from memory that is not in the files: totals, open
// alerts and the keys of open runs are loaded at start, changed after each
// commit, and loaded again when the outcome of a commit is unknown. Which jobs have
// triggers or summaries in a file is remembered before the commit: too many
// only cost a look.
//
// # Who waits for whom
//
// One batch at a time is recorded (Store.record); reads never wait for it.
// Dropping a day takes that turn for its first step alone, some milliseconds;
// deleting the file has a turn of its own (Store.erase), in which others record
// and read.
//
// # Files that go away
//
// SQLite goes on with files that have lost their name: rm -rf, mv, a backup that
// was put in their place. It would acknowledge what the next start cannot find.
// So the store remembers each open file by device and inode ([identity]) and
// looks at the path again: before a commit is acknowledged, at the files that it
// wrote; at each beat, at all of them ([Store.checkFiles]): every database with
// its log and shared memory, the folder of the history, the lock file. What is
// missing is a [store.GoneError], and until all is there again nothing but the
// next look is done: no commit, no new connection, no deletion.
//
//	jobs.db, a history file, a folder   the same inode has to come back (mv and mv
//	                                    back), or the process ends
//	-wal, -shm                          put back from the open descriptors ([mend])
//	jobs.db.lock                        locked again, unless somebody else was first
//
// Links in the path are followed before anything is opened ([place]), so that two
// names of one database meet in one lock. On Linux the file itself is locked too
// ([lockInode]): the second line behind a lock file that can be removed.
//
// A database that is cut off or overwritten in place (> jobs.db, cp over the file) has
// the same inode. It is noticed by its size, for good: an open database never becomes
// shorter. A file as long as the database or longer that is written onto it is not
// noticed, nor is a log that is cut off: both look like the work of SQLite itself, and
// so do times of change. To read the file and compare would need a descriptor of its
// own, which must not be closed before the last connection is (POSIX locks), and would
// still take a copy of an hour ago for the work of another checkpoint. On
// Windows the system refuses to remove or rename what is open.
//
// # How this is shown
//
// Package storetest is the contract; here are the tests of what only this
// store has: files, locks, migrations, crashes (by copies of the files taken
// between the steps), full disks, and the views as the sqlite3 shell shows
// them. TestPowerLoss runs the store on a disk whose power goes at a random
// write (package power): what is left is the state after the last acknowledged
// call or, whole, after the one under way.
package sqlite
