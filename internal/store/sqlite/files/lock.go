package files

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Claim keeps every other process from a database: by the lock file beside it and,
// where the system has such locks, by one on the database itself. One goroutine uses
// it at a time.
type Claim struct {
	database string // its path
	log      *slog.Logger
	lock     *flock.Flock // of the lock file; Check replaces it, on the writer's goroutine
	inode    io.Closer    // see lockInode; nil: there is none
}

// ClaimDatabase takes the lock file of the database at the path.
func ClaimDatabase(path string, log *slog.Logger) (*Claim, error) {
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	return &Claim{database: path, log: log, lock: lock}, nil
}

// LockInode takes the lock on the database itself.
func (l *Claim) LockInode() (err error) {
	l.inode, err = lockInode(l.database)
	return err
}

// Check takes the lock again if its file was removed. Otherwise a second process could
// create another file and lock that. If another process has locked the new file first,
// Check returns an error.
func (l *Claim) Check() error {
	if !NamesCanVanish {
		return nil
	}
	held, err := l.lock.Stat()
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	if _, err := Same(l.lock.Path(), held); err == nil {
		return nil
	}
	lock, err := lockFile(l.database)
	if err != nil {
		return &store.GoneError{Path: l.lock.Path(), Problem: "was removed or replaced",
			Advice: "it cannot be locked again (" + err.Error() +
				"); see that no other Belfry works on this database, stop this one and start it"}
	}
	_ = l.lock.Unlock() // of the file without a name
	l.lock = lock
	l.log.Error("the lock file of the database was removed and was created again: find out what removes files here",
		"file", lock.Path())
	return nil
}

// Release gives the locks back. SQLite has closed all of its files before: see
// lockInode.
func (l *Claim) Release() error {
	var errs []error
	if l.inode != nil {
		errs = append(errs, l.inode.Close())
	}
	if err := l.lock.Unlock(); err != nil {
		errs = append(errs, fmt.Errorf("unlock %s: %w", l.lock.Path(), err))
	}
	return errors.Join(errs...)
}

// lockFile takes the exclusive lock beside the database and writes this
// process's number into it. The operating system lets go of the lock when the
// process ends, however it ends; the file stays.
func lockFile(database string) (*flock.Flock, error) {
	path := database + ".lock"
	lock, err := tryLock(path)
	if err != nil {
		return nil, domain.Unavailable(err, "cannot lock %s", database)
	}
	if lock == nil {
		return nil, domain.Unavailable(nil, "%s is in use by %s: only one process may open it (lock file %s)",
			database, lockOwner(path), path)
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		_ = lock.Unlock()
		return nil, domain.Unavailable(err, "cannot write %s", path)
	}
	return lock, nil
}

// tryLock returns the lock, or nil when another process has it.
func tryLock(path string) (*flock.Flock, error) {
	const tries = 10
	for range tries {
		lock := flock.New(path, flock.SetPermissions(0o600))
		held, err := lock.TryLock()
		if err != nil || !held {
			return nil, err
		}
		info, err := lock.Stat()
		if err != nil {
			return nil, errors.Join(err, lock.Unlock())
		}
		// Somebody may have removed the file before it was locked.
		if _, err := Same(path, info); err == nil || !NamesCanVanish {
			return lock, nil
		}
		if err := lock.Unlock(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s is removed again and again", path)
}

func lockOwner(path string) string {
	content, err := os.ReadFile(path)
	pid, convErr := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || convErr != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}
