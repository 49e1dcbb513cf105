package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

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
		if _, err := sameFile(path, info); err == nil || !namesCanVanish {
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
