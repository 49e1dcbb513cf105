// Package files finds the files of a database on disk and keeps other processes
// from them. It knows nothing of SQLite but the names of its files.
//
//	Locate         where the database really is; its lock, log, history and key lie there
//	Claim          the lock file beside it, and a lock on the database itself where the
//	               system has one that SQLite does not notice
//	Same, Gone     whether a file is still the one that was opened, and what to tell
//	               the operator when it is not
//	MakeFolder     folders, files and their deletion, each synced so that a power cut
//	               does not undo it
//	SyncLogs       makes durable what a killed process had written
//	OpenUnlinked   opens a file again that was removed while it is open (Linux)
//
// # What it must guarantee
//
// On Linux two processes never hold the claim on one database at the same time,
// whatever names they use for it, even if somebody removes the lock file. On other
// Unix systems a second process gets in when the lock file is removed; the first one
// notices that at its next [Claim.Check] and writes nothing more. Windows refuses to
// remove a locked file.
//
// # How this is shown
//
// The tests open paths through links, hard links and mounts, take each lock twice,
// and remove what is locked. Those of package sqlite do the same to an open store.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	names.go folder.go gone.go
//	links_unix.go links_other.go
//	inode_linux.go inode_other.go unlinked_linux.go unlinked_other.go
//	synclogs.go lock.go locate.go
package files
