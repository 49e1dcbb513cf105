package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/api"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/oidc"
)

// maxSecretFile bounds the file with the secret of the client.
const maxSecretFile = 4 << 10

// openAdmission returns by whose word people come in, and what they may do; nil: there is no provider.
func openAdmission(cfg *config.Config) (*access.Admission, error) {
	if cfg.OIDC.Issuer == "" {
		return nil, nil
	}
	grants, err := access.ParseGrants(cfg.OIDC.Grants)
	if err != nil {
		return nil, fmt.Errorf("oidc_grants (BELFRY_OIDC_GRANTS): %w", err)
	}
	secret := cfg.OIDC.ClientSecret.Reveal()
	if cfg.OIDC.ClientSecretFile != "" {
		if secret, err = readSecret(cfg.OIDC.ClientSecretFile); err != nil {
			return nil, err
		}
	}
	return &access.Admission{Issuer: cfg.OIDC.Issuer, ClientID: cfg.OIDC.ClientID, ClientSecret: secret,
		Grants: grants}, nil
}

// readSecret reads the secret of the client. No error has any of it.
func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("oidc_client_secret_file: cannot read %s: %w", file, reason(err))
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || len(secret) > maxSecretFile {
		return "", fmt.Errorf("oidc_client_secret_file: %s must have the secret of the client, of at most %d bytes",
			file,
			maxSecretFile)
	}
	return secret, nil
}

// openSignIns makes what asks the provider. It is not asked before Run, and need not answer for the server to start.
func (k *keys) openSignIns(cfg *config.Config, db *database, roots func() *x509.CertPool, clk clock.Clock,
	log *slog.Logger) (err error) {
	who := k.admission
	if who == nil {
		return nil
	}
	k.party, err = oidc.New(oidc.Config{
		Issuer: who.Issuer, ClientID: who.ClientID, ClientSecret: who.ClientSecret,
		RedirectURL: cfg.PublicURL + api.OIDCCallback, Scopes: cfg.OIDC.Scopes, Claims: who.Claims(),
		Secrets: db.derive("sign-ins by OpenID Connect"), Roots: roots, Clock: clk, Log: log,
	})
	return err
}

// signIns are how people sign in, for the API.
func (k *keys) signIns(cfg *config.Config) api.SignIns {
	return api.SignIns{Sessions: k.sessions, RelyingParty: k.party, Name: cfg.ProviderName(), PublicURL: cfg.PublicURL}
}

// followProvider asks the provider what it says of itself, until the context ends. A server without clients does not.
func (k *keys) followProvider(ctx context.Context, role config.Role) {
	if k.party != nil && role != config.RoleScheduler {
		k.party.Run(ctx)
	}
}

// check warns of a provider that does not answer. It does not fail: jobs run without it, and keys open.
func (k *keys) check() domain.Check {
	c := domain.Check{Name: "sign-in", OK: true}
	if k.party != nil {
		c.Warning = k.party.Warning()
	}
	return c
}

// peopleTexts returns who comes in, and what they may do: a session that one server has begun holds at another one only
// if they agree, and a sign-in that one has begun ends at another one only if that is where browsers are sent back to.
// The secret is what it is, wherever it is from; the fingerprint is keyed.
func peopleTexts(c *config.Config, who *access.Admission) (texts []string) {
	if who == nil {
		return nil
	}
	for _, list := range [][]string{
		{who.Issuer, who.ClientID, who.ClientSecret, c.PublicURL}, c.OIDC.Scopes, c.OIDC.Grants,
	} {
		texts = append(append(texts, strconv.Itoa(len(list))), list...)
	}
	return texts
}
