package sqlite

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestMeasure(t *testing.T) {
	for _, tc := range []struct {
		cut         bool
		before, now int64
		gone        bool
		size        int64 // afterwards
	}{
		{false, 0, 0, false, 0}, {false, 0, 4096, false, 4096}, {false, 8192, 8192, false, 8192},
		{false, 8192, 12288, false, 12288},
		{false, 8192, 8191, true, 8192}, {false, 4096, 0, true, 4096},
		{true, 8192, 8192, true, 8192}, {true, 8192, 12288, true, 8192},
	} {
		id := &identity{path: "jobs.db", size: tc.before}
		id.cut.Store(tc.cut)
		if err := id.measure(tc.now, tc.before); (err != nil) != tc.gone || id.size != tc.size ||
			id.cut.Load() != tc.gone {
			t.Errorf("%+v: %v, size %d, cut %v", tc, err, id.size, id.cut.Load())
		}
	}
	grown := &identity{size: 12288} // by another look meanwhile
	if err := grown.measure(8192, 4096); err != nil || grown.size != 12288 {
		t.Errorf("an older look: %v, size %d", err, grown.size)
	}
}

// The error about a file that became shorter is permanent, also after something is
// written behind its end.
func TestOverwrittenInPlace(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(h *holder) string{
		"the database":   func(h *holder) string { return h.cfg.Path },
		"a history file": func(h *holder) string { return h.day },
	} {
		for how, overwrite := range map[string]func(path string, size int64) error{
			"emptied": func(path string, _ int64) error { return os.Truncate(path, 0) },
			"cut off": func(path string, size int64) error { return os.Truncate(path, size/2) },
			"a shorter one": func(path string, size int64) error { // as cp does: the inode stays
				return os.WriteFile(path, make([]byte, size-1), 0o600)
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				h := newHolder(t)
				path := of(h)
				before, err := os.Stat(path)
				must(t, err, overwrite(path, before.Size()))
				h.wantNothingTaken(path)
				must(t, os.Truncate(path, 2*before.Size()))
				h.wantNothingTaken(path)
			})
		}
	}
}

// The close of the last connection, which writes the log into the database, does not
// hide it either.
func TestCutIsNotHiddenByAClose(t *testing.T) {
	h := newHolder(t)
	path := h.cfg.Path
	closeStore(t, h.Store)
	id := &identity{path: path}
	c, err := openWatched(id, writer, nil)
	must(t, err)
	before, err := os.Stat(path)
	must(t, err, os.WriteFile(path, make([]byte, 1), 0o600))
	_ = c.Close() // fails or not, as SQLite sees it
	must(t, os.Truncate(path, before.Size()))
	_, err = openWatched(id, writer, nil)
	wantGone(t, err, path)
}

// What Belfry itself does never looks like that: commits and checkpoints that grow
// the file, deletions that free pages.
func TestGrowthIsNoCut(t *testing.T) {
	t.Parallel()
	h := newHolder(t)
	const jobs = 200
	for round := range 3 {
		first := 100 + jobs*round
		var versions []domain.Version
		for i := range jobs {
			v := version(first + i)
			v.Spec.Name = strings.Repeat("x", 200)
			versions = append(versions, v)
		}
		create(t, h.Store, versions...)
		must(t, h.beat())
		var all sync.WaitGroup // side by side: many share a commit
		for i := range jobs {
			all.Go(func() {
				if err := h.Jobs().Delete(t.Context(), jobID(first+i), 1, noon+second); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		must(t, h.db.writer.do(t.Context(), 1, func(c *conn) (tally, error) {
			c.broken = true // it is closed, and another one opened
			return tally{}, nil
		}), h.beat())
	}
	h.wantAllWell()
}
