package app

import (
	"context"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
)

// keys say who may come in.
type keys struct {
	ring     *access.Keyring
	sessions *access.Sessions
}

// openKeys reads who may come in, and refuses to listen for other machines
// while that is everybody.
func openKeys(ctx context.Context, cfg *config.Config, db *database, clk clock.Clock, log *slog.Logger) (keys, error) {
	ring, err := access.Open(ctx, access.Config{
		Store: db.Keys(), Clock: clk, Log: log, Fixed: reveal(cfg.APIKeys), Rate: cfg.RateLimit,
		Shared: cfg.OnServer(),
	})
	switch {
	case err != nil:
		return keys{}, err
	case ring.Empty():
		if err = cfg.Exposed(); err != nil {
			return keys{}, err
		}
	case cfg.ShortKeysWarning() != "":
		log.Warn(cfg.ShortKeysWarning())
	case cfg.InsecureNoAuth:
		log.Warn("insecure_no_auth has no effect: the database has API keys")
	}
	sessions, err := access.OpenSessions(ctx, access.SessionConfig{
		Keys: ring, Secrets: db.derive("sessions of browsers"), TTL: cfg.Sessions.TTL, Idle: cfg.Sessions.Idle,
	})
	return keys{ring, sessions}, err
}
