package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
)

// Rotation says what [RotateEncryption] has done.
type Rotation = sqlite.Rotation

// RotateEncryption seals the secrets of the data folder, which no server may
// have open, with a new key. Killed at any point it leaves everything readable.
func RotateEncryption(ctx context.Context, cfg *config.Config, log *slog.Logger, keepOld bool) (Rotation, error) {
	if cfg.OnServer() {
		return Rotation{}, errors.New("secrets in a PostgreSQL database are sealed with a new key when their jobs " +
			"are changed: put the new key first in BELFRY_ENCRYPTION_KEY, and the old one after it")
	}
	return sqlite.RotateEncryption(ctx, storeConfig(cfg, log, nil), keepOld)
}
