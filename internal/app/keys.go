package app

import (
	"context"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/oidc"
)

// keys say who may come in.
type keys struct {
	ring      *access.Keyring
	sessions  *access.Sessions
	admission *access.Admission  // of people without a key; nil: nobody comes in so
	party     *oidc.RelyingParty // asks the provider of the admission
}

// openKeys reads who may come in, and refuses to listen for other machines
// while that is everybody.
func openKeys(ctx context.Context, cfg *config.Config, db *database, clk clock.Clock, log *slog.Logger) (keys, error) {
	admission, err := openAdmission(cfg)
	if err != nil {
		return keys{}, err
	}
	ring, err := access.Open(ctx, access.Config{
		Store: db.Keys(), Clock: clk, Log: log, Fixed: reveal(cfg.APIKeys), Rate: cfg.RateLimit,
		Shared: cfg.OnServer(), People: admission != nil,
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
		log.Warn("insecure_no_auth has no effect: the database has API keys, or people sign in by OpenID Connect")
	}
	sessions, err := access.OpenSessions(ctx, access.SessionConfig{
		Keys: ring, Secrets: db.derive("sessions of browsers"), TTL: cfg.Sessions.TTL, Idle: cfg.Sessions.Idle,
		Admission: admission, Elsewhere: cfg.Cluster.Role == config.RoleScheduler,
	})
	return keys{ring: ring, sessions: sessions, admission: admission}, err
}
