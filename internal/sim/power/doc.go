// Package power is a disk whose power can be cut: a file system in memory,
// mounted through FUSE, that keeps beside what programs see what would still
// be there. For tests only, and on Linux only.
//
//	write, truncate ──► live content ──fsync of the file───► durable content ──┐
//	create, rename, ──► live names ────fsync of the folder─► durable names ────┼─► Image
//	unlink, mkdir          │                                                   │
//	                       └──── Fate: what the disk wrote of the rest, torn ──┘
//
// # What it must guarantee
//
// It promises to programs no more than POSIX does. A write is lost unless the
// file was synced after it; a name (of a file or a folder, new, renamed or
// removed) stays as it was unless its folder was synced after the change. An
// fsync of a new file does not save its name, as ext4 would: what holds here
// holds on any file system. A rename is one step.
//
// [Disk.Cut] is the loss of power: every later operation fails with EIO, and
// one that was under way has not happened. [Disk.Image] writes what is left
// into a folder. A disk writes in its own order and may have written any part
// of what nobody asked it to sync, so a [Fate] lets a random part of that
// through, in pieces of 512 bytes, each on its own: writes are torn and
// swapped, names come without content and content without names.
//
// SQLite's -shm files are memory that processes share. They are served like
// other files, and not in the image: they are built anew after a crash.
//
// # Beware
//
// A process that maps a file into memory waits in page faults, which the Go
// scheduler does not see. A store on the disk must therefore run in another
// process than the one that serves the disk, or the two can wait for each
// other.
//
// # How this is shown
//
// The tests of this package check each promise and each loss by itself, on the
// mounted file system. The crash tests of the SQLite store and of the binary use it,
// and fail if the fsyncs of what they test are removed.
package power
