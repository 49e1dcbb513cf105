package files

import "runtime"

// What lies beside a database.
const (
	HistoryFolder = "history"        // with the history files
	KeyFile       = "encryption.key" // see package seal
)

// NamesCanVanish reports whether a file can lose its name while it is open.
// Windows refuses to remove, rename or replace a file that SQLite has open.
const NamesCanVanish = runtime.GOOS != "windows"

// Suffixes of the files that SQLite keeps beside a database while it is open.
const (
	LogSuffix    = "-wal" // the write-ahead log
	MemorySuffix = "-shm" // the shared memory of the connections
)
