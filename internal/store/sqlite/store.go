package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// defaultReadConns is how many connections read one file at a time.
const defaultReadConns = 4

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

	purpose purpose
}

// purpose is what a database is opened for.
type purpose int

const (
	serving  purpose = iota
	rotating         // the caller seals, nothing in the background does
	copying          // the same, and also a database on which no server may start
)

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
func (c *Config) historyFolder() string {
	return filepath.Join(filepath.Dir(c.Path), files.HistoryFolder)
}

// statementLog returns where statements are logged, nil when they are not.
func (c *Config) statementLog() *slog.Logger {
	if c.Verbose {
		return c.Log
	}
	return nil
}

// Store is a [store.Store] in SQLite files. See the package's comment.
type Store struct {
	cfg        Config
	claim      *files.Claim
	db         *jobsDB
	days       *days
	lock       *recordLock
	eraser     *eraser
	keyFile    *keyFile
	sealer     *sealer
	maker      *blockMaker
	background *background // what ends by itself

	jobs    *jobs
	history *history
	ledger  *ledger
	shards  *shards
	alerting
	access

	isNew      bool // no database was there
	hadHistory bool // but a history

	closing  sync.Once
	closeErr error // of the first Close
}

var _ store.Store = (*Store)(nil)

// Open opens the database at cfg.Path, and creates it if there is none. Each error is one
// line with the path and the reason, written for the person who starts the server.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if sqlite.VersionNumber < minVersion {
		return nil, domain.Unavailable(nil, "SQLite %s is too old: 3.51.3 or later is needed", sqlite.Version)
	}
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	path, err := files.Locate(cfg.Path)
	if err != nil {
		return nil, err
	}
	cfg.Path = path
	if err := files.MakeFolder(filepath.Dir(path)); err != nil {
		return nil, files.CannotOpen(path, err)
	}
	held, err := files.ClaimDatabase(path, cfg.Log)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, claim: held, background: newBackground(ctx)}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(files.CannotOpen(path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	s.noteNew()
	if err := s.claim.LockInode(); err != nil {
		return err
	}
	if err := files.Create(s.cfg.Path); err != nil {
		return err
	}
	if err := files.SyncLogs(filepath.Dir(s.cfg.Path)); err != nil {
		return err
	}
	log := s.cfg.statementLog()
	watched := &watch{log: s.cfg.Log}
	id := &identity{path: s.cfg.Path, log: s.cfg.Log}
	if s.db, err = openJobsDB(ctx, id, s.cfg.ReadConns, log, watched.refuse); err != nil {
		return err
	}
	if s.cfg.purpose != copying {
		if moved, err := s.db.move(ctx); err != nil || moved.State != transfer.Ready {
			return errors.Join(err, moved.Refusal(s.cfg.Path))
		}
	}
	box, keyFile, err := s.cfg.openBox(ctx, s.db)
	if err != nil {
		return err
	}
	s.keyFile = keyFile
	if s.days, err = listDays(s.cfg.historyFolder(), s.cfg.ReadConns, log, watched); err != nil {
		return err
	}
	s.join(box, watched)
	if err := s.shards.start(ctx); err != nil {
		return err
	}
	if err := s.eraser.eraseMarked(ctx); err != nil {
		return err
	}
	opener := &historyOpener{s.db, s.days, s.lock, s.cfg.Clock, s.cfg.Log}
	if err := opener.open(ctx); err != nil {
		return err
	}
	if s.cfg.purpose == serving {
		s.background.start(s.sealer.run)
		s.maker.working.start(s.maker.run)
	}
	return nil
}

// join makes the parts of the store that work on its open files.
func (s *Store) join(box *seal.Box, watched *watch) {
	s.eraser = newEraser(s.db, s.days)
	s.lock = newRecordLock(s.eraser.eraseMarked)
	s.alerts = &alerts{db: s.db, days: s.days, lock: s.lock}
	s.notices, s.settings = &notices{s.db, s.alerts}, &alertSettings{s.db, box}
	runs := &openRuns{db: s.db, days: s.days}
	counters := &counters{db: s.db, days: s.days}
	irregular := &irregularJobs{days: s.days}
	lease := &heldLease{db: s.db}
	s.lock.copies = []fileCopy{s.alerts, counters, runs, irregular}
	s.ledger = &ledger{
		db: s.db, days: s.days, lock: s.lock, eraser: s.eraser, alerts: s.alerts, counters: counters,
		irregular: irregular, runs: runs, lease: lease,
	}
	s.jobs = &jobs{db: s.db, box: box, pace: s.cfg.Pace, alerts: s.alerts, lease: lease}
	s.maker = &blockMaker{
		db: s.db, blocks: s.db.writer.blocks, log: s.cfg.Log, working: newBackground(s.background.working),
	}
	s.history = &history{
		db: s.db, jobs: s.jobs, days: s.days, lock: s.lock, counters: counters, irregular: irregular,
		pace: s.cfg.Pace, expiry: &expiry{
			db: s.db, days: s.days, lock: s.lock, eraser: s.eraser, alerts: s.alerts, counters: counters,
			irregular: irregular, maker: s.maker, turn: newGate(),
		},
	}
	s.shards = &shards{db: s.db, clock: s.cfg.Clock, lease: lease, lock: s.lock, guard: &guard{
		db: s.db, claim: s.claim, days: s.days, history: watched, key: s.keyFile, lock: s.lock,
		background: s.background,
	}}
	s.access = access{&keys{s.db}, &changes{s.db, box}, &idempotency{s.db, box}, &operations{s.db}}
	s.sealer = &sealer{db: s.db, box: box, log: s.cfg.Log}
}

// noteNew notes whether the store begins with nothing.
func (s *Store) noteNew() {
	if _, err := os.Stat(s.cfg.Path); errors.Is(err, fs.ErrNotExist) {
		s.isNew, s.hadHistory = true, files.InUse(s.cfg.historyFolder())
	}
}

// TellNew logs that there was no database, so that an operator who has lost its files
// sees this at the start.
func (s *Store) TellNew() {
	switch {
	case s.hadHistory:
		s.cfg.Log.Warn("there was no database, but a history, whose jobs are missing: created a new, empty database",
			"file", s.cfg.Path, "history", s.cfg.historyFolder())
	case s.isNew:
		s.cfg.Log.Info("there was no database: created a new, empty one", "file", s.cfg.Path)
	}
}

// Derive returns keys of 32 bytes for another purpose, one derived from each encryption key, that of
// the first one first.
func (s *Store) Derive(purpose string) [][]byte { return s.sealer.box.Derive(purpose) }

// MadeKey returns the file of the encryption key if this start has created it, or "". The
// operator should keep a copy.
func (s *Store) MadeKey() string {
	if !s.keyFile.made {
		return ""
	}
	return s.keyFile.path
}

// Jobs implements store.Store.
func (s *Store) Jobs() store.Jobs { return s.jobs }

// History implements store.Store.
func (s *Store) History() store.History { return s.history }

// Ledger implements store.Store.
func (s *Store) Ledger() store.Ledger { return s.ledger }

// Shards implements store.Store.
func (s *Store) Shards() store.Shards { return s.shards }

// Series implements store.Store.
func (s *Store) Series() store.Series { return &series{s.db, s.days, s.eraser} }

// Edits implements store.Store.
func (s *Store) Edits() store.Edits { return edits{s.jobs, s.ledger, s.cfg.Clock} }

// Nodes implements store.Store.
func (s *Store) Nodes() store.Nodes { return nodes{s.db, s.cfg.Clock} }

// Close waits for the writes that have begun, puts the logs into the files and
// lets go of the lock. A second call does nothing.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	s.background.stop()
	if s.maker != nil {
		s.maker.working.stop()
	}
	if s.lock != nil { // nothing is recorded or deleted any more
		s.lock.enterAtLast()
		defer s.lock.leave()
		s.eraser.turn.enterAtLast()
		defer s.eraser.turn.leave()
	}
	var errs []error
	if s.days != nil {
		errs = append(errs, s.days.close())
	}
	if s.db != nil {
		errs = append(errs, s.db.close())
	}
	return errors.Join(append(errs, s.claim.Release())...)
}

// Warning says which days of the history are set aside; empty: none.
func (s *Store) Warning() string {
	var names []string
	for _, d := range s.days.asides() {
		names = append(names, d.String())
	}
	const most = 5
	if len(names) == 0 {
		return ""
	}
	text := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more days", len(names)-most)
	}
	return "damaged history is set aside, neither shown nor counted: " + text
}
