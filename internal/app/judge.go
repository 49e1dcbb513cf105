package app

import (
	"errors"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Judge returns why no server can start with settings that package config accepts, every reason at once, or nil. It
// reads the files that they name, and nothing else: whether a port is free, a folder can be written, a database answers
// and has keys is found by the start alone. It is asked before [Open] as by a check of the settings, so that both come
// to the same judgement, with the same words.
func Judge(cfg *config.Config) error {
	return errors.Join(judgeDatabase(cfg), judgePeople(cfg), judgeCalls(cfg), judgeChannels(cfg), judgeCertificate(cfg))
}

func judgeDatabase(cfg *config.Config) error {
	if !cfg.OnServer() {
		return nil
	}
	server, err := serverConfig(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	return postgres.Judge(&server)
}

func judgePeople(cfg *config.Config) error {
	_, err := openAdmission(cfg)
	return err
}

// judgeCalls is about what calls to targets are made with.
func judgeCalls(cfg *config.Config) error {
	_, badSecret := webhook.NewNamespaces(cfg.SigningSecrets, cfg.SigningUndivided)
	_, badRoots := certs.OpenRoots(cfg.EgressCAFile, clock.System{}, slog.New(slog.DiscardHandler))
	_, _, badCertificate := clientCertificates(cfg.ClientCertificates)
	return errors.Join(badSecret, badRoots, badCertificate)
}

func judgeChannels(cfg *config.Config) (err error) {
	for _, u := range cfg.AlertURLs {
		_, bad := settingChannel(alert.FixedPrefix, u.Reveal(), cfg.SigningSecrets)
		err = errors.Join(err, bad)
	}
	return err
}

func judgeCertificate(cfg *config.Config) error {
	_, err := openCertificate(cfg, clock.System{}, slog.New(slog.DiscardHandler))
	return err
}

// openCertificate returns the certificate of the server; nil: it has none.
func openCertificate(cfg *config.Config, clk clock.Clock, log *slog.Logger) (*front.Certificate, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	return front.OpenCertificate(cfg.TLSCert, cfg.TLSKey, clk, log)
}
