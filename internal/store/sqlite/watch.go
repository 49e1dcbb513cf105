package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// watch is the set of history files whose identity is looked at, and what the
// last look at all files found.
type watch struct {
	log *slog.Logger

	mu      sync.Mutex
	open    map[*identity]struct{}
	gone    atomic.Pointer[error]
	mending atomic.Bool
}

func (w *watch) add(id *identity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = make(map[*identity]struct{})
	}
	w.open[id] = struct{}{}
}

func (w *watch) remove(id *identity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, id)
}

// check looks at every open history file, and returns what it found first.
func (w *watch) check() (gone error) {
	w.mu.Lock()
	ids := slices.Collect(maps.Keys(w.open))
	w.mu.Unlock()
	for _, id := range ids {
		if err := id.check(); err != nil && gone == nil && w.has(id) {
			gone = err
		}
	}
	return gone
}

// has reports whether a file is still in the set: one that was closed may have
// been deleted since.
func (w *watch) has(id *identity) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.open[id]
	return ok
}

// refuse returns why nothing is to be written: what the last look has found.
func (w *watch) refuse() error {
	if gone := w.gone.Load(); gone != nil {
		return *gone
	}
	return nil
}

// checkFiles looks at every file of the store: the database, its lock, the
// folder of the history and each open file in it. Until it finds all of them,
// nothing but beats is written. It runs on the writer's goroutine: a file
// system that hangs holds up the writer, and beats end by their deadline.
func (s *Store) checkFiles() error {
	err := s.readers.id.check()
	if err == nil {
		err = s.checkLock()
	}
	if err == nil && s.days != nil {
		err = s.days.checkFolder()
	}
	if err == nil {
		if err = s.files.check(); err != nil {
			s.mendDays()
		}
	}
	if err == nil {
		s.files.gone.Store(nil)
		s.checkKey()
		return nil
	}
	s.files.gone.Store(&err)
	return err
}

// checkLock takes the lock again when its file was removed: a second process
// would make another file, and lock that. Whoever is first has the data.
func (s *Store) checkLock() error {
	if !namesCanVanish {
		return nil
	}
	held, err := s.lock.Stat()
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	if _, err := sameFile(s.lock.Path(), held); err == nil {
		return nil
	}
	lock, err := lockFile(s.cfg.Path)
	if err != nil {
		return &store.GoneError{Path: s.lock.Path(), Problem: "was removed or replaced",
			Advice: "it cannot be locked again (" + err.Error() +
				"); see that no other Belfry works on this database, stop this one and start it"}
	}
	_ = s.lock.Unlock() // of the file without a name
	s.lock = lock
	s.cfg.Log.Error("the lock file of the database was removed; it is made again: find out who removes files here",
		"file", lock.Path())
	return nil
}

// checkKey tells once that the key file is gone. This process does not need it
// any more, the next one does, unless the key was moved into the environment.
func (s *Store) checkKey() {
	if s.keyGone || !s.keyFiled {
		return
	}
	if _, err := os.Stat(s.cfg.keyFile()); errors.Is(err, fs.ErrNotExist) {
		s.keyGone = true
		s.cfg.Log.Error("the encryption key is gone: put its copy back, or set BELFRY_ENCRYPTION_KEY, before "+
			"the next start; "+
			"without it the secrets of jobs are lost", "file", s.cfg.keyFile())
	}
}

// mendTimeout bounds one try to mend history files; the next beat starts another.
const mendTimeout = 10 * time.Second

// mendDays puts back the logs of history files in the background: that waits for
// whoever records.
func (s *Store) mendDays() {
	if !s.files.mending.CompareAndSwap(false, true) {
		return
	}
	s.background.Go(func() {
		defer s.files.mending.Store(false)
		ctx, cancel := context.WithTimeout(s.working, mendTimeout)
		defer cancel()
		if err := s.record.enter(ctx); err != nil {
			return
		}
		defer s.record.leave()
		for _, f := range s.days.borrowAll() {
			if f.id.suspect.Load() {
				_ = mend(f.id, f.readers, &f.w) // the next beat says what is still missing
			}
			s.days.release(f)
		}
	})
}

// borrowAll returns every open file. The caller releases each.
func (ds *days) borrowAll() []*dayFile {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	files := slices.Collect(maps.Values(ds.open))
	for _, f := range files {
		f.refs++
	}
	return files
}
