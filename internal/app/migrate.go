package app

import (
	"context"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/config"
)

// Migration says what [Migrate] has done.
type Migration struct {
	Database string // its name, without a password
	MadeKey  string // file of the encryption key, if this call has made it
}

// Migrate makes the tables of a database, or changes them to those of this version, as a start does. Servers may run on
// a PostgreSQL database meanwhile, but none on a database of files.
func Migrate(ctx context.Context, cfg *config.Config, log *slog.Logger) (Migration, error) {
	db, err := openDatabase(ctx, cfg, log, nil)
	if err != nil {
		return Migration{}, err
	}
	return Migration{db.name, db.madeKey}, db.Close()
}
