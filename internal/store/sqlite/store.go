package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// defaultReadConns is how many connections read one file at a time.
const defaultReadConns = 4

// historyFolder is the name of the folder of history files.
const historyFolder = "history"

// Config says where the data is.
type Config struct {
	Path      string       // of the jobs database, maybe by links; history/ and the lock file are beside the real file
	Clock     clock.Clock  // the store clock; clock.System when nil
	Log       *slog.Logger // slog.Default when nil
	Verbose   bool         // log every statement at debug level
	ReadConns int          // connections that read one file at a time; 4 when zero
	Pace      *clock.Pace  // of imports and exports; may be nil

	// EncryptionKeys seal the secrets of jobs: the first one; the others open
	// what was sealed before. Each is 32 bytes in base64. Those of the file
	// encryption.key beside the database open too; without any key there, one
	// is made.
	EncryptionKeys []string

	sealedByCaller bool // nothing is sealed in the background
}

func (c *Config) setDefaults() error {
	if c.Path == "" {
		return domain.Invalid("DB_PATH", "is required: the path of the database", nil)
	}
	if c.ReadConns < 0 {
		return domain.Invalid("ReadConns", "must not be negative", c.ReadConns)
	}
	if c.ReadConns == 0 {
		c.ReadConns = defaultReadConns
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}

// historyFolder is beside the database.
func (c *Config) historyFolder() string { return filepath.Join(filepath.Dir(c.Path), historyFolder) }

// statementLog returns where statements are logged, nil when they are not.
func (c *Config) statementLog() *slog.Logger {
	if c.Verbose {
		return c.Log
	}
	return nil
}

// Store is a [store.Store] in SQLite files. See the package's comment.
type Store struct {
	cfg     Config
	lock    *flock.Flock
	inode   io.Closer // see lockInode; nil: there is none
	files   *watch    // what is looked at
	readers *readers  // of the jobs database
	writer  *jobsWriter
	days    *days
	box     *seal.Box // of the secrets in jobs

	isNew      bool           // no database was there
	hadHistory bool           // but a history
	madeKey    string         // see MadeKey
	keyFiled   bool           // the key file was there at the start
	keyGone    bool           // see checkKey; on the writer's goroutine
	background sync.WaitGroup // what works on the files by itself
	working    context.Context
	stopWork   context.CancelFunc
	unsealed   int // versions whose secrets could not be read when all were sealed anew

	closing  sync.Once
	closeErr error

	// record is held by whoever writes history files: one batch at a time.
	// erase is held by whoever deletes them, expire by a call of Expire. Who
	// takes several takes them in the order expire, record, erase.
	record, erase, expire gate

	watched day   // commits to days up to it count as late; under record
	late    int64 // how many there were; under record

	// What the files say, kept in memory. Written under record and state,
	// read under either.
	state     sync.RWMutex
	alerts    openAlerts
	lifetime  totals                      // of every execution ever counted
	minutes   map[day]int64               // latest minute that the counters of a day have
	openRuns  map[domain.FireKey]struct{} // keys that may have an open run
	retiring  map[day]bool                // days whose file Expire has not deleted yet
	irregular map[day]*irregulars         // see irregular.go
	stale     bool                        // the outcome of a commit is unknown: load it again before use
}

var _ store.Store = (*Store)(nil)

// Open opens the database at cfg.Path, and makes it if there is none. The
// errors are fit to be shown to whoever starts the server: one line that names
// the path and the reason.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if sqlite.VersionNumber < minVersion {
		return nil, domain.Unavailable(nil, "SQLite %s is too old: 3.51.3 or later is needed", sqlite.Version)
	}
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	path, err := place(cfg.Path)
	if err != nil {
		return nil, err
	}
	cfg.Path = path
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, cannotOpen(path, err)
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, lock: lock, record: make(gate, 1), erase: make(gate, 1), expire: make(gate, 1),
		retiring: make(map[day]bool),
	}
	s.working, s.stopWork = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(cannotOpen(path, err), s.Close())
	}
	return s, nil
}

// cannotOpen words an error of Open.
func cannotOpen(path string, err error) error {
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	if errors.Is(err, fs.ErrPermission) {
		return domain.Unavailable(err, "cannot open %s: the folder or a file in it is not writable", path)
	}
	return domain.Unavailable(err, "cannot open %s", path)
}

func (s *Store) open(ctx context.Context) (err error) {
	s.noteNew()
	if s.inode, err = lockInode(s.cfg.Path); err != nil {
		return err
	}
	if err := createFile(s.cfg.Path); err != nil {
		return err
	}
	if err := syncLogs(filepath.Dir(s.cfg.Path)); err != nil {
		return err
	}
	log := s.cfg.statementLog()
	if err := migrateFile(ctx, s.cfg.Path, "jobs", log); err != nil {
		return err
	}
	s.files = &watch{log: s.cfg.Log}
	id := &identity{path: s.cfg.Path, log: s.cfg.Log}
	s.readers = newReaders(id, s.cfg.ReadConns, log)
	s.writer = newJobsWriter(s.readers, log, s.files.refuse)
	go s.writer.loop()
	if err := s.openBox(ctx); err != nil {
		return err
	}

	ds, err := listDays(s.cfg.historyFolder(), s.cfg.ReadConns, log, s.files)
	if err != nil {
		return err
	}
	s.days = ds
	if err := s.finishRetiring(ctx); err != nil {
		return err
	}
	if err := s.openDays(ctx); err != nil {
		return err
	}
	if !s.cfg.sealedByCaller {
		s.background.Go(func() { s.sealInBackground(s.working) })
	}
	return nil
}

// noteNew notes whether the store begins with nothing.
func (s *Store) noteNew() {
	if _, err := os.Stat(s.cfg.Path); errors.Is(err, fs.ErrNotExist) {
		s.isNew, s.hadHistory = true, inUse(s.cfg.historyFolder())
	}
}

// TellNew says that there was no database, so that whoever has lost the files of
// one sees it at the start.
func (s *Store) TellNew() {
	switch {
	case s.hadHistory:
		s.cfg.Log.Warn("no database was there, but a history: the jobs that it tells of are gone; a new, empty "+
			"database is made",
			"file", s.cfg.Path, "history", s.cfg.historyFolder())
	case s.isNew:
		s.cfg.Log.Info("no database was there: a new, empty one is made", "file", s.cfg.Path)
	}
}

// load reads what is kept in memory from the files.
func (s *Store) load(ctx context.Context) error {
	alerts, err := s.loadAlerts(ctx)
	if err != nil {
		return err
	}
	lifetime, minutes, err := s.loadTotals(ctx)
	if err != nil {
		return err
	}
	runs, err := s.loadOpenRuns(ctx)
	if err != nil {
		return err
	}
	irregular, err := s.loadIrregular(ctx)
	if err != nil {
		return err
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.irregular = irregular
	s.alerts, s.lifetime, s.minutes, s.openRuns = alerts, lifetime, minutes, runs
	s.stale = false
	return nil
}

// fresh loads the state again when the outcome of a commit is unknown. The caller holds
// record.
func (s *Store) fresh(ctx context.Context) error {
	if !s.stale {
		return nil
	}
	if err := s.finishRetiring(ctx); err != nil {
		return err
	}
	return s.load(ctx)
}

// freshForRead is fresh for a caller that does not hold record.
func (s *Store) freshForRead(ctx context.Context) error {
	s.state.RLock()
	stale := s.stale
	s.state.RUnlock()
	if !stale {
		return nil
	}
	if err := s.record.enter(ctx); err != nil {
		return err
	}
	defer s.record.leave()
	return s.fresh(ctx)
}

// gate is a mutex whose wait ends with a context: a disk that hangs under one
// caller must not hold the others beyond their deadlines.
type gate chan struct{}

func (g gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }

// Jobs implements store.Store.
func (s *Store) Jobs() store.Jobs { return jobs{s} }

// History implements store.Store.
func (s *Store) History() store.History { return history{s} }

// Ledger implements store.Store.
func (s *Store) Ledger() store.Ledger { return ledger{s} }

// Shards implements store.Store.
func (s *Store) Shards() store.Shards { return shards{s} }

// Alerts implements store.Store.
func (s *Store) Alerts() store.Alerts { return alerts{s} }

// Keys implements store.Store.
func (s *Store) Keys() store.Keys { return keys{s} }

// Changes implements store.Store.
func (s *Store) Changes() store.Changes { return changes{s} }

// Close waits for the writes that have begun, puts the logs into the files and
// lets go of the lock. A second call does nothing.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	s.stopWork()
	s.background.Wait()
	s.record <- struct{}{}
	defer s.record.leave()
	s.erase <- struct{}{}
	defer s.erase.leave()
	var errs []error
	if s.days != nil {
		errs = append(errs, s.days.close())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.inode != nil {
		errs = append(errs, s.inode.Close())
	}
	if err := s.lock.Unlock(); err != nil {
		errs = append(errs, fmt.Errorf("unlock %s: %w", s.lock.Path(), err))
	}
	return errors.Join(errs...)
}
