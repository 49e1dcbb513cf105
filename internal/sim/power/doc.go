// Package power simulates a disk that loses power: a file system in memory,
// mounted through FUSE. Beside the content that programs see it keeps the content
// that would survive a loss of power. It is for tests only, and for Linux only.
//
//	write, truncate ──► live content ──fsync of the file───► durable content ──┐
//	create, rename, ──► live names ────fsync of the folder─► durable names ────┼─► Image
//	unlink, mkdir          │                                                   │
//	                       └──── Fate: what the disk wrote of the rest, torn ──┘
//
// # What it must guarantee
//
// It guarantees to programs no more than POSIX does. A write is lost unless the
// file was synced after it. A change of a name (a file or a folder that was
// created, renamed or removed) is lost unless its folder was synced after it. On
// ext4 an fsync of a new file also saves its name; here it does not, so that what
// is shown here is true of any file system. A rename is atomic.
//
// [Disk.Cut] is the loss of power: every later operation fails with EIO, and an
// operation under way has no effect. [Disk.Image] writes what is left into a
// folder. A disk writes in an order of its own and may have written any part of
// what was not synced. A [Fate] therefore keeps a random part of it, in pieces of
// 512 bytes that are chosen independently: writes are torn and reordered, and
// names are kept without their content or content without its name.
//
// SQLite's -shm files are memory that processes share. The disk serves them like
// other files, but they are not in the image: SQLite rebuilds them after a crash.
//
// # Deadlocks
//
// A process that maps a file into memory waits in page faults, which the Go
// scheduler cannot see. A store on the disk must therefore not run in the process
// that serves the disk: the two could wait for each other.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	disk.go image.go mount.go
//
// # How this is shown
//
// The tests of this package check each guarantee and each loss separately, on the
// mounted file system. The crash tests of the SQLite store and of the binary use it,
// and fail if the fsyncs of what they test are removed.
package power
