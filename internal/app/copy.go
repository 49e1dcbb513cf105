package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// CopyReport says what [Copy] has done.
type CopyReport = transfer.Report

// CopyProgress says how far [Copy] has come.
type CopyProgress = transfer.Progress

// CopySettings stands for the PostgreSQL database of the settings.
const CopySettings = "-"

// Copy copies everything from one database to another one and marks the first as moved. Each is
// a path of SQLite, a URL of PostgreSQL or [CopySettings]. No server may run on either. Ended at any point, it goes
// on when it is called again. tell is called by several goroutines.
func Copy(ctx context.Context, cfg *config.Config, log *slog.Logger, from, to string,
	tell func(CopyProgress)) (report CopyReport, err error) {
	if from == to {
		return report, domain.Conflict("the source and the target are the same database")
	}
	source, err := openTransfer(ctx, cfg, log, from, false)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := openTransfer(ctx, cfg, log, to, true)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return transfer.Run(ctx, transfer.Config{From: source, To: target, Clock: clock.System{}, Tell: tell})
}

// UndoCopy takes a database back into use whose jobs were moved to another one, and returns the
// name of that.
func UndoCopy(ctx context.Context, cfg *config.Config, log *slog.Logger, where string) (peer string, err error) {
	db, err := openTransfer(ctx, cfg, log, where, false)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	m, err := transfer.Undo(ctx, db)
	return m.Peer, err
}

// openTransfer opens a database for a copy. made says that it is created if there is none.
func openTransfer(ctx context.Context, cfg *config.Config, log *slog.Logger, where string,
	made bool) (*transfer.Database, error) {
	if where == CopySettings {
		url, err := databaseURL(cfg)
		if err != nil || url == "" {
			return nil, cmp.Or(err, errors.New("- is the database of DATABASE_URL or DATABASE_URL_FILE, "+
				"and neither is set"))
		}
		where = url
	}
	if strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://") {
		return postgres.OpenTransfer(ctx, postgres.Config{
			URL: where, Log: log, EncryptionKeys: reveal(cfg.EncryptionKeys), Verbose: cfg.DBVerbose,
		})
	}
	files := storeConfig(cfg, log, nil)
	files.Path = where
	return sqlite.OpenTransfer(ctx, files, made)
}
