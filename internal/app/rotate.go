package app

import (
	"context"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
)

// Rotation says what [RotateEncryption] has done.
type Rotation = store.Rotation

// RotateEncryption seals the secrets of a database with a new key. No server may have a data
// folder open; those on a PostgreSQL database have to seal with the new key already. Killed at
// any point it leaves everything readable.
func RotateEncryption(ctx context.Context, cfg *config.Config, log *slog.Logger, keepOld bool) (Rotation, error) {
	if !cfg.OnServer() {
		return sqlite.RotateEncryption(ctx, storeConfig(cfg, log, nil), keepOld)
	}
	server, err := serverConfig(cfg, log, nil)
	if err != nil {
		return Rotation{}, err
	}
	return postgres.RotateEncryption(ctx, server)
}
