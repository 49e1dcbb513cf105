package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

// mendWait bounds the wait for reading connections: one is lent for a page of
// rows, some milliseconds.
const mendWait = time.Second

// mend restores the log or the shared memory of a database if one of them was removed
// while the database itself is still at its path. Otherwise the next start would not
// find what was committed since the last checkpoint.
//
// The caller must be the only user of w, the writing connection, which may be nil. mend
// waits until no reading connection is in use. A crash is safe at any point:
//
//  1. The log is copied from its open descriptor back to its path, and synced. The
//     copy has every commit: from now on, a start finds them.
//  2. A checkpoint writes the commits into the database. A start that finds this
//     half done finds the copy, too, and writes the same pages again.
//  3. All connections are closed, which removes the copy. The next connection creates
//     a new log and new shared memory at their paths.
//
// If step 1 fails, the others are not tried. The files stay missing until the process
// ends in good order, which includes a checkpoint. If mend has closed w, it sets it to
// nil.
func mend(id *identity, r *readers, w **conn) error {
	kind, gone := id.look()
	if gone == nil || kind == mainFile {
		return gone
	}
	err := r.alone(mendWait, func() error {
		copied, err := id.copyLog()
		if err == nil && *w != nil {
			err = (*w).checkpointAll()
		}
		if err != nil {
			if copied { // the connections still write to the one without a name
				err = errors.Join(err, os.Remove(id.path+fileSuffixes[logFile]))
			}
			return err
		}
		r.closeIdle()
		if *w != nil {
			_ = (*w).Close() // everything is in the database
			*w = nil
		}
		return nil
	})
	if err == nil {
		err = id.check()
	}
	if err != nil {
		return fmt.Errorf("%w (it cannot be put back: %w)", gone, err)
	}
	cmp.Or(id.log, slog.Default()).Error("a file of the database was removed while it was open; what it held "+
		"is put back: "+
		"find out who removes files here", "file", id.path+fileSuffixes[kind])
	return nil
}

// copyLog puts a copy of the log where it was, unless it is still there.
func (id *identity) copyLog() (copied bool, err error) {
	id.mu.Lock()
	known, path := id.files[logFile], id.path+fileSuffixes[logFile]
	id.mu.Unlock()
	if known == nil {
		return false, nil
	}
	if _, err := files.Same(path, known); err == nil {
		return false, nil
	}
	from, err := files.OpenUnlinked(known)
	if err != nil {
		return false, err
	}
	defer func() { _ = from.Close() }() // read only
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, known.Mode().Perm())
	if err != nil {
		return false, err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err == nil {
		err = files.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return false, errors.Join(err, os.Remove(path))
	}
	return true, nil
}

// checkpointAll writes the whole log into the database and empties it.
func (c *conn) checkpointAll() error {
	c.SetBusyTimeout(truncateTimeout)
	defer c.SetBusyTimeout(busyTimeout)
	busy := true
	err := c.query("PRAGMA wal_checkpoint(TRUNCATE)", func(s *sqlite.Stmt) error {
		busy = s.ColumnBool(0)
		return nil
	})
	if err == nil && busy {
		return errInUse
	}
	return err
}
