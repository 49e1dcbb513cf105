package sqlite

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

// The files that an SQLite database consists of while it is open.
const (
	mainFile = iota
	logFile
	memoryFile
	fileKinds
)

var fileSuffixes = [fileKinds]string{mainFile: "", logFile: files.LogSuffix, memoryFile: files.MemorySuffix}

// identity remembers the files of an open database by device and inode, and detects
// when other files, or none, are at their paths. SQLite does not notice that: it goes
// on and commits into files that no longer have a name.
//
// It uses stat only. Opening and closing a database file would drop the locks that this
// process has on it, because POSIX locks belong to the process.
//
// A check makes 3 calls of stat, some 4 us. Each commit makes two checks, and a beat
// makes one for each open file: 0.3 ms a second with 64 files.
type identity struct {
	path string
	log  *slog.Logger // of what was mended; slog.Default when nil

	// turn is held while a connection is opened or closed: the last to close
	// removes the log and the shared memory, the first to open makes them.
	turn sync.Mutex

	// suspect is set while the last look found something missing.
	suspect atomic.Bool

	// cut is set for good when the database has become shorter: what is missing
	// then does not come back when SQLite writes behind the end.
	cut atomic.Bool

	mu    sync.Mutex
	conns int                    // that are open
	size  int64                  // the greatest size of the database that was seen
	files [fileKinds]fs.FileInfo // as they were found; nil: not known
}

// open calls openConn, which opens a connection, unless the files at the path are not those
// that the other connections of the database have open. It closes a connection that
// turns out to be one to other files.
func (id *identity) open(openConn func() (io.Closer, error)) error {
	id.turn.Lock()
	defer id.turn.Unlock()
	if err := id.check(); err != nil {
		return err
	}
	before, err := os.Stat(id.path)
	if err != nil {
		return files.Gone(id.path, err)
	}
	c, err := openConn()
	if err != nil {
		return err
	}
	if err := id.opened(before); err != nil {
		return errors.Join(err, c.Close())
	}
	return nil
}

// opened makes sure that the connection that was just opened, since before was
// seen, is one to the known files, or learns the files when it is the first.
func (id *identity) opened(before fs.FileInfo) error {
	var now [fileKinds]fs.FileInfo
	for kind, suffix := range fileSuffixes {
		info, err := os.Stat(id.path + suffix)
		switch {
		case err == nil:
			now[kind] = info
		case kind == mainFile || !errors.Is(err, fs.ErrNotExist): // the others are made with the first transaction
			return files.Gone(id.path+suffix, err)
		}
	}
	if !os.SameFile(before, now[mainFile]) {
		return files.Replaced(id.path)
	}
	id.mu.Lock()
	first := id.conns == 0
	if first {
		id.files, id.size = now, now[mainFile].Size()
	}
	id.mu.Unlock()
	if !first {
		if err := id.check(); err != nil {
			return err
		}
	}
	id.mu.Lock()
	id.conns++
	id.mu.Unlock()
	return nil
}

// close calls closeConn, which closes a connection that open has opened.
func (id *identity) close(closeConn func() error) error {
	id.turn.Lock()
	defer id.turn.Unlock()
	_ = id.check() // the last to close writes the log into the database, which hides that it was cut
	id.mu.Lock()
	id.conns--
	if id.conns == 0 { // SQLite removes them
		id.files[logFile], id.files[memoryFile] = nil, nil
	}
	id.mu.Unlock()
	return closeConn()
}

// check checks whether the files at the path are still those that are open.
func (id *identity) check() error {
	_, err := id.look()
	return err
}

// look is check that also says which file is missing.
func (id *identity) look() (kind int, err error) {
	if !files.NamesCanVanish {
		return 0, nil
	}
	id.mu.Lock()
	seen, size := id.files, id.size // the size before the look: it grows meanwhile
	id.mu.Unlock()
	for kind, known := range seen {
		if known == nil {
			id.learn(kind)
			continue
		}
		info, err := files.Same(id.path+fileSuffixes[kind], known)
		if err == nil && kind == mainFile {
			err = id.measure(info.Size(), size)
		}
		if err != nil && id.stillKnown(kind, known) {
			id.suspect.Store(true)
			return kind, err
		}
	}
	id.suspect.Store(false)
	return 0, nil
}

// measure returns an error when the database is shorter than it was, or has ever
// been found so. Nothing that is done while it is open makes it shorter: pages that
// become free are used again, and VACUUM runs where no identity looks on (compact).
func (id *identity) measure(now, before int64) error {
	switch {
	case now < before || id.cut.Load():
		id.cut.Store(true)
		return files.Cut(id.path)
	case now > before:
		id.mu.Lock()
		id.size = max(id.size, now)
		id.mu.Unlock()
	}
	return nil
}

// learn remembers a file that was not there when the connections were opened.
func (id *identity) learn(kind int) {
	info, err := os.Stat(id.path + fileSuffixes[kind])
	id.mu.Lock()
	defer id.mu.Unlock()
	if err == nil && id.conns > 0 && id.files[kind] == nil {
		id.files[kind] = info
	}
}

// stillKnown reports whether a file was not closed, and so removed, by the last
// connection while it was looked at.
func (id *identity) stillKnown(kind int, known fs.FileInfo) bool {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.files[kind] == known
}
