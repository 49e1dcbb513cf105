package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
)

// database is the open store, and what only one kind of database says.
type database struct {
	store.Store
	name    string        // of the file, or the URL without its password
	madeKey string        // file of the encryption key, when this start has made it
	tellNew func()        // that the database is new
	warning func() string // which history cannot be read

	derive      func(purpose string) [][]byte    // a key from each encryption key
	replication func(ctx context.Context) string // see view.Database
}

// openDatabase opens the database of the settings: a file, or one of a PostgreSQL server.
func openDatabase(ctx context.Context, cfg *config.Config, log *slog.Logger, pace *clock.Pace) (*database, error) {
	if !cfg.OnServer() {
		db, err := sqlite.Open(ctx, storeConfig(cfg, log, pace))
		if err != nil {
			return nil, err
		}
		return &database{db, cfg.DBPath, db.MadeKey(), db.TellNew, db.Warning, db.Derive,
			func(context.Context) string { return "" }}, nil
	}
	server, err := serverConfig(cfg, log, pace)
	if err != nil {
		return nil, err
	}
	db, err := postgres.Open(ctx, server)
	if err != nil {
		return nil, err
	}
	if err := cluster.Admit(ctx, db.Nodes()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	name := cmp.Or(cfg.DatabaseName(), cfg.DatabaseURLFile)
	return &database{db, name, "", func() {}, func() string { return "" }, db.Derive, db.Replication}, nil
}

func serverConfig(cfg *config.Config, log *slog.Logger, pace *clock.Pace) (postgres.Config, error) {
	url, err := databaseURL(cfg)
	return postgres.Config{
		URL: url, Log: log, Pace: pace, EncryptionKeys: reveal(cfg.EncryptionKeys), Verbose: cfg.DBVerbose,
	}, err
}

// databaseURL returns the URL of the settings, or the one in the file that they name.
func databaseURL(cfg *config.Config) (string, error) {
	if cfg.DatabaseURLFile == "" {
		return cfg.DatabaseURL.Reveal(), nil
	}
	text, err := os.ReadFile(cfg.DatabaseURLFile)
	if err != nil {
		return "", fmt.Errorf("cannot read the URL of the database: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func reveal(secrets []config.Secret) []string {
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Reveal()
	}
	return texts
}

func storeConfig(cfg *config.Config, log *slog.Logger, pace *clock.Pace) sqlite.Config {
	return sqlite.Config{
		Pace: pace, Path: cfg.DBPath, Clock: clock.System{}, Log: log, Verbose: cfg.DBVerbose,
		EncryptionKeys: reveal(cfg.EncryptionKeys),
	}
}

// ahead is how far H of a shard is moved ahead where other processes may have the database, too;
// zero: none may.
func (a *App) ahead() time.Duration {
	if a.cfg.OnServer() {
		return engine.Horizon
	}
	return 0
}
