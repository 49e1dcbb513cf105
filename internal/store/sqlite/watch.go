package sqlite

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// watch is the set of history files whose identity is looked at, and what the
// last look at all files found.
type watch struct {
	log *slog.Logger

	mu   sync.Mutex
	open map[*identity]struct{}
	gone atomic.Pointer[error]
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
