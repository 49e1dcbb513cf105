package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

const (
	dayMs = 24 * 60 * 60_000

	// maxOpenDays bounds the open history files: a month of history and its
	// neighbours stay open, at 3 descriptors for each connection.
	maxOpenDays = 64
)

// day is a UTC day: days since 1970-01-01.
type day int64

// carried means the jobs database where a day is expected: the alerts
// whose own file is gone are kept there.
const carried day = -1

// lastDay is the last that has a name of the usual length, 9999-12-31.
const lastDay day = 2_932_896

func dayOf(ms int64) day     { return day(floorDiv(ms, dayMs)) }
func (d day) start() int64   { return int64(d) * dayMs }
func (d day) end() int64     { return (int64(d) + 1) * dayMs }
func (d day) String() string { return time.UnixMilli(d.start()).UTC().Format(time.DateOnly) }

// parseDay reads the name of a history file.
func parseDay(file string) (day, bool) {
	name, ok := strings.CutSuffix(file, ".db")
	t, err := time.Parse(time.DateOnly, name)
	return dayOf(t.UnixMilli()), ok && err == nil
}

// dayFile is an open history file.
type dayFile struct {
	day     day
	id      *identity
	readers *readers
	log     *slog.Logger // nil: statements are not logged
	w       *conn        // opened for the first write; used under the recordLock

	// Guarded by days.mu.
	refs    int
	used    int64         // turn of the latest use
	drained chan struct{} // when set: closed when refs is zero
}

// write returns the file's one writing connection.
func (f *dayFile) write(ctx context.Context) (*conn, error) {
	if f.w != nil && f.w.broken {
		_ = f.w.Close()
		f.w = nil
		f.readers.renew()
	}
	if f.id.suspect.Load() {
		if err := mend(f.id, f.readers, &f.w); err != nil {
			return nil, err
		}
	}
	if f.w != nil {
		return f.w, nil
	}
	c, err := openWatched(f.id, writer, f.log)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, c, "history"); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	f.w = c
	return c, nil
}

func (f *dayFile) close() error {
	err := f.readers.close()
	if f.w != nil {
		err = errors.Join(err, f.w.Close())
		f.w = nil
	}
	return err
}

// days is the set of history files. Files are opened when they are asked for
// and closed, the least recently used first, when there are too many.
type days struct {
	folder    string
	readConns int
	log       *slog.Logger // nil: statements are not logged
	watched   *watch       // to which the open files belong
	found     fs.FileInfo  // the folder

	limit int // of open files

	mu      sync.Mutex
	known   []day // that have a file, ascending
	open    map[day]*dayFile
	turn    int64
	closed  bool
	damaged map[day]error // days that are set aside, and why
}

// listDays finds the files of a folder, and makes the folder if there is none.
func listDays(folder string, readConns int, log *slog.Logger, watched *watch) (*days, error) {
	if err := files.MakeFolder(folder); err != nil {
		return nil, err
	}
	found, err := os.Stat(folder)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	ds := &days{
		folder: folder, readConns: readConns, log: log, watched: watched, found: found, limit: maxOpenDays,
		open: make(map[day]*dayFile),
	}
	for _, entry := range entries {
		if d, ok := parseDay(entry.Name()); ok {
			ds.known = append(ds.known, d)
		}
	}
	slices.Sort(ds.known)
	return ds, nil
}

// checkFolder checks whether the folder is the one that was listed.
func (ds *days) checkFolder() error {
	if !files.NamesCanVanish {
		return nil
	}
	_, err := files.Same(ds.folder, ds.found)
	return err
}

func (ds *days) newFile(d day) *dayFile {
	id := &identity{path: ds.path(d), log: ds.watched.log}
	return &dayFile{day: d, id: id, readers: newReaders(id, ds.readConns, ds.log), log: ds.log}
}

// shut closes a file that is not in the set any more.
func (ds *days) shut(f *dayFile) error {
	ds.watched.remove(f.id)
	return f.close()
}

func (ds *days) path(d day) string { return filepath.Join(ds.folder, d.String()+".db") }

// all returns the days that have a file, ascending. It is a copy.
func (ds *days) all() []day {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return slices.Clone(ds.known)
}

// downFrom returns the days that have a file at or before d, newest first.
func (ds *days) downFrom(d day) []day {
	all := ds.all()
	i, found := slices.BinarySearch(all, d)
	if found {
		i++
	}
	all = all[:i]
	slices.Reverse(all)
	return all
}

// acquire opens the file of a day and keeps it open until release. It returns
// nil when there is no such file and create is false.
func (ds *days) acquire(ctx context.Context, d day, create bool) (*dayFile, error) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.closed {
		return nil, errClosed
	}
	f := ds.open[d]
	if f == nil {
		i, found := slices.BinarySearch(ds.known, d)
		if err := ds.asideError(d); err != nil {
			return nil, err
		}
		if !found && !create {
			return nil, nil
		}
		f = ds.newFile(d)
		if !found {
			if err := ds.checkFolder(); err != nil {
				return nil, err
			}
			if err := f.create(ctx); err != nil {
				return nil, err
			}
			ds.known = slices.Insert(ds.known, i, d)
		}
		ds.open[d] = f
		ds.watched.add(f.id)
	}
	ds.turn++
	f.used = ds.turn
	f.refs++
	return f, ds.evict()
}

// create makes the file of a day with its schema.
func (f *dayFile) create(ctx context.Context) error {
	if f.day < 0 || f.day > lastDay {
		return domain.Invalid("scheduledAt", "must be from 1970 to 9999", f.day.start())
	}
	if err := files.Create(f.id.path); err != nil {
		return err
	}
	_, err := f.write(ctx)
	return err
}

// evict closes files while too many are open. One that is in use stays.
func (ds *days) evict() error {
	var errs []error
	for len(ds.open) > ds.limit {
		var oldest *dayFile
		for _, f := range ds.open {
			if f.refs == 0 && (oldest == nil || f.used < oldest.used) {
				oldest = f
			}
		}
		if oldest == nil {
			break
		}
		delete(ds.open, oldest.day)
		errs = append(errs, ds.shut(oldest))
	}
	return errors.Join(errs...)
}

func (ds *days) release(f *dayFile) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	f.refs--
	if f.refs == 0 && f.drained != nil {
		close(f.drained)
	}
}

// read lends a reading connection to the file of a day. Without a file fn is
// not called.
func (ds *days) read(ctx context.Context, d day, fn func(*conn) error) error {
	f, err := ds.acquire(ctx, d, false)
	if f == nil {
		return err
	}
	defer ds.release(f)
	if err != nil {
		return err
	}
	return ofDay(d, f.readers.with(ctx, fn))
}

// drop drops a day, waits until nobody reads its file, and closes it. The
// file can then be deleted.
func (ds *days) drop(d day) error {
	ds.mu.Lock()
	if i, found := slices.BinarySearch(ds.known, d); found {
		ds.known = slices.Delete(ds.known, i, i+1)
	}
	f := ds.open[d]
	delete(ds.open, d)
	ds.mu.Unlock()
	if f == nil {
		return nil
	}
	return ds.drain(f)
}

// drain waits until nobody uses a file that is not in the set any more, and
// closes it. A read lends its file for one page of rows at most.
func (ds *days) drain(f *dayFile) error {
	ds.mu.Lock()
	used := f.refs > 0
	if used {
		f.drained = make(chan struct{})
	}
	ds.mu.Unlock()
	if used {
		<-f.drained
	}
	return ds.shut(f)
}

// close waits until no file is in use, and closes all of them.
func (ds *days) close() error {
	ds.mu.Lock()
	ds.closed = true
	opened := slices.Collect(maps.Values(ds.open))
	clear(ds.open)
	ds.mu.Unlock()
	var errs []error
	for _, f := range opened {
		errs = append(errs, ds.drain(f))
	}
	return errors.Join(errs...)
}

// next returns the first day at or after d that has a file.
func (ds *days) next(d day) (day, bool) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	i, _ := slices.BinarySearch(ds.known, d)
	if i == len(ds.known) {
		return 0, false
	}
	return ds.known[i], true
}

// borrowAll returns every open file. The caller releases each.
func (ds *days) borrowAll() []*dayFile {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	opened := slices.Collect(maps.Values(ds.open))
	for _, f := range opened {
		f.refs++
	}
	return opened
}

// setAside takes a damaged day out of the set.
func (ds *days) setAside(damaged *damagedDay) error {
	err := ds.drop(damaged.day)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.damaged == nil {
		ds.damaged = make(map[day]error)
	}
	ds.damaged[damaged.day] = damaged.err
	return err
}

// asideError returns an error when the day is set aside. The caller holds the lock.
func (ds *days) asideError(d day) error {
	if ds.damaged[d] != nil {
		return domain.Unavailable(ds.damaged[d], "the history of %s is damaged and set aside", d)
	}
	return nil
}

// whole returns an error when a day of [from, to] is set aside.
func (ds *days) whole(from, to int64) error {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for d := range ds.damaged {
		if d.end() > from && d.start() <= to {
			return ds.asideError(d)
		}
	}
	return nil
}

// asides returns the days that are set aside, ascending.
func (ds *days) asides() []day {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return slices.Sorted(maps.Keys(ds.damaged))
}

// migrate brings the file of a day to the schema of this program.
func (ds *days) migrate(ctx context.Context, d day) error {
	path := ds.path(d)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", path, errNotDatabase)
	}
	return migrateFile(ctx, path, "history", ds.log)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
