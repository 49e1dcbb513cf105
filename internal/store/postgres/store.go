package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// Config says where the data is.
type Config struct {
	URL  string       // a connection string of PostgreSQL, with a password or without
	Log  *slog.Logger // slog.Default when nil
	Pace *clock.Pace  // of imports and exports; may be nil

	// EncryptionKeys seal the secrets of jobs: the first one; the others open what was sealed
	// before. Each is 32 bytes in base64. All processes on a database need the same.
	EncryptionKeys []string

	Verbose bool // log every statement at debug level, without its arguments
	purpose purpose
}

// purpose is what a database is opened for.
type purpose int

const (
	serving  purpose = iota
	rotating         // for RotateEncryption
	copying          // for OpenTransfer, also where no server may start
)

// Store is a [store.Store] in a PostgreSQL database. See the package's comment.
type Store struct {
	log                      *slog.Logger
	read, edit, record, beat *pgxpool.Pool
	box                      *seal.Box
	ring                     *ring

	jobs       *jobs
	history    *history
	ledger     *ledger
	shards     *shards
	alerts     *alerts
	notices    *notices
	settings   *alertSettings
	keys       *keys
	changes    *changes
	records    *idempotency
	operations *operations
	edits      *edits
	nodes      *nodes
}

var _ store.Store = (*Store)(nil)

// Open opens a database, and makes its tables if there are none. Each error is one line with the
// reason, written for the person who starts the server; no password is in it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	base, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	s := &Store{log: cfg.Log}
	if s.log == nil {
		s.log = slog.Default()
	}
	if cfg.Verbose {
		base.ConnConfig.Tracer = &verbose{s.log}
	}
	err = s.connect(ctx, base)
	if err == nil {
		err = s.prepare(ctx, &cfg)
	}
	if err != nil {
		return nil, errors.Join(cannotOpen(base, err), s.Close())
	}
	s.assemble(cfg.Pace)
	if err := s.ledger.runs.load(ctx); err != nil {
		return nil, errors.Join(cannotOpen(base, err), s.Close())
	}
	return s, nil
}

// Judge returns why a store cannot be opened, as far as the config says it, or nil. The database is not asked.
func Judge(cfg *Config) error {
	_, wrong := parseURL(cfg.URL)
	_, missing := parseKeys(cfg.EncryptionKeys)
	return errors.Join(wrong, missing)
}

// parseURL reads a connection string. Its errors do not have the string: a password may be in it.
func parseURL(url string) (*pgxpool.Config, error) {
	base, err := pgxpool.ParseConfig(url)
	if err != nil {
		var wrong *pgconn.ParseConfigError
		reason := "it is not one"
		if errors.As(err, &wrong) && errors.Unwrap(wrong) != nil {
			reason = errors.Unwrap(wrong).Error()
		}
		if strings.Contains(reason, url) {
			reason = "it is not one"
		}
		return nil, domain.Invalid("DATABASE_URL", "must be a connection string as "+
			"postgres://user@host:5432/database?sslmode=verify-full: "+reason, nil)
	}
	c := base.ConnConfig
	plain := !local(c.Host) && c.TLSConfig == nil
	for _, f := range c.Fallbacks {
		plain = plain || !local(f.Host) && f.TLSConfig == nil
	}
	if plain {
		return nil, domain.Invalid("DATABASE_URL", "must have sslmode=verify-full, or another one that always "+
			"encrypts: host "+c.Host+" is not this machine", nil)
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "belfry"
	}
	return base, nil
}

// local reports whether a host is a socket or a loopback address.
func local(host string) bool {
	if strings.HasPrefix(host, "/") || host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// cannotOpen names the database without its password.
func cannotOpen(base *pgxpool.Config, err error) error {
	c := base.ConnConfig
	where := fmt.Sprintf("%s of %s", c.Database, net.JoinHostPort(c.Host, fmt.Sprint(c.Port)))
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok { // it lists every address that it tried
		err = errors.Unwrap(connect)
	}
	return fmt.Errorf("cannot open database %s: %w", where, err)
}

func (s *Store) connect(ctx context.Context, base *pgxpool.Config) (err error) {
	for _, p := range []struct {
		pool   **pgxpool.Pool
		conns  int32
		writes bool
	}{
		{&s.read, readConns, false}, {&s.edit, editConns, true}, {&s.record, recordConns, true},
		{&s.beat, beatConns, true},
	} {
		if *p.pool, err = openPool(ctx, base, p.conns, p.writes); err != nil {
			return err
		}
	}
	return nil
}

// prepare checks what the database must be like, makes its tables and opens its secrets.
func (s *Store) prepare(ctx context.Context, cfg *Config) error {
	settings := make(map[string]string)
	err := each(ctx, s.edit, func(r pgx.Rows) error {
		var name, value string
		err := r.Scan(&name, &value)
		settings[name] = value
		return err
	}, `SELECT name, setting FROM pg_settings
 WHERE name IN ('server_version_num', 'server_encoding', 'synchronous_commit', 'transaction_read_only')`)
	switch {
	case err != nil:
		return err
	case len(settings["server_version_num"]) < 6 || settings["server_version_num"] < minVersion:
		return domain.Unavailable(nil, "PostgreSQL %s is too old: release 14 or later is needed",
			settings["server_version_num"])
	case settings["server_encoding"] != "UTF8":
		return domain.Unavailable(nil, "its encoding is %s, and must be UTF8", settings["server_encoding"])
	case settings["synchronous_commit"] == "off":
		return domain.Unavailable(nil, "synchronous_commit is off: what is acknowledged would be lost by a crash of "+
			"the server")
	case settings["transaction_read_only"] == "on":
		return domain.Unavailable(nil, "it is read-only: it may be a standby")
	}
	if err := migrate(ctx, s.edit, s.log); err != nil {
		return err
	}
	moved, err := readMove(ctx, s.edit)
	if err != nil || moved.State != transfer.Ready && cfg.purpose != copying {
		return errors.Join(err, moved.Refusal("the database"))
	}
	box, err := parseKeys(cfg.EncryptionKeys)
	if err == nil && cfg.purpose == rotating {
		err = allSealWith(ctx, s.edit, box.KeyID())
	}
	if err == nil {
		s.box, err = box, openBox(ctx, s.edit, box)
	}
	return err
}

// minVersion is the first release whose CREATE, LIKE and unnest are as they are used here.
const minVersion = "140000"

func (s *Store) assemble(pace *clock.Pace) {
	d := &days{read: s.read, edit: s.edit, used: make(map[day]bool)}
	s.jobs = &jobs{read: s.read, edit: s.edit, box: s.box, pace: pace, groups: &groups{most: groupCalls}}
	s.jobs.groups.commit = s.jobs.createAtOnce
	sums := newAdditions(s.edit, s.log, 1+rand.Int32N(1<<31-2))
	s.history = &history{jobs: s.jobs, days: d, pace: pace, additions: sums}
	runs := &openRuns{read: s.read, keys: make(map[domain.FireKey]struct{})}
	s.ring = newRing(s.log)
	s.ledger = &ledger{read: s.read, record: s.record, days: d, runs: runs, ring: s.ring,
		additions: sums}
	s.ring.write = s.ledger.recordAgain
	s.shards = &shards{read: s.read, edit: s.edit, beat: s.beat, ring: s.ring}
	s.alerts = &alerts{read: s.read, edit: s.edit}
	s.notices = &notices{s.read, s.edit}
	s.settings = &alertSettings{s.read, s.edit, s.box}
	s.keys = &keys{s.read, s.edit}
	s.changes = &changes{s.read, s.edit, s.box}
	s.records = &idempotency{s.read, s.edit, s.box}
	s.operations = &operations{s.read, s.edit}
	s.edits = &edits{jobs: s.jobs, ledger: s.ledger, groups: &groups{most: groupCalls}}
	s.edits.groups.commit = s.edits.createAtOnce

	s.nodes = &nodes{edit: s.edit, keys: keyIDs(s.box)}
}

// Jobs implements store.Store.
func (s *Store) Jobs() store.Jobs { return s.jobs }

// History implements store.Store.
func (s *Store) History() store.History { return s.history }

// Ledger implements store.Store.
func (s *Store) Ledger() store.Ledger { return s.ledger }

// Shards implements store.Store.
func (s *Store) Shards() store.Shards { return s.shards }

// Alerts implements store.Store.
func (s *Store) Alerts() store.Alerts { return s.alerts }

// Notices implements store.Store.
func (s *Store) Notices() store.Notices { return s.notices }

// AlertSettings implements store.Store.
func (s *Store) AlertSettings() store.AlertSettings { return s.settings }

// Keys implements store.Store.
func (s *Store) Keys() store.Keys { return s.keys }

// Changes implements store.Store.
func (s *Store) Changes() store.Changes { return s.changes }

// Idempotency implements store.Store.
func (s *Store) Idempotency() store.Idempotency { return s.records }

// Operations implements store.Store.
func (s *Store) Operations() store.Operations { return s.operations }

// Series implements store.Store.
func (s *Store) Series() store.Series { return &series{s.read} }

// Edits implements store.Store.
func (s *Store) Edits() store.Edits { return s.edits }

// Nodes implements store.Store.
func (s *Store) Nodes() store.Nodes { return s.nodes }

// Replication says whether commits wait for a standby: synchronous or asynchronous, or nothing where the
// server does not say.
func (s *Store) Replication(ctx context.Context) (mode string) {
	_ = each(ctx, s.read, func(r pgx.Rows) error { return r.Scan(&mode) }, `
SELECT CASE WHEN current_setting('synchronous_standby_names') <> '' AND
                 current_setting('synchronous_commit') NOT IN ('off', 'local')
            THEN 'synchronous' ELSE 'asynchronous' END`)
	return mode
}

// Close implements store.Store. A second Close does nothing.
func (s *Store) Close() error {
	if s.ring != nil {
		s.ring.close()
	}
	if s.ledger != nil {
		s.ledger.additions.close()
	}
	for _, p := range []*pgxpool.Pool{s.read, s.edit, s.record, s.beat} {
		if p != nil {
			p.Close()
		}
	}
	return nil
}

// Derive returns keys of 32 bytes for another purpose, one derived from each encryption key, that of
// the first one first. Nodes that have an encryption key in common have one of them in common.
func (s *Store) Derive(purpose string) [][]byte { return s.box.Derive(purpose) }
