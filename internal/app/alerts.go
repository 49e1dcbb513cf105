package app

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/alert/send"
	"github.com/belfry-scheduler/belfry/internal/audit"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/page"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// openTasks makes what works in the background: on one server of a cluster, but for what asks the provider of sign-ins.
func openTasks(a *App, clk clock.Clock, metrics *telemetry.Metrics, policy *egress.Policy, version string) (err error) {
	a.keeper = newKeeper(a.store, clk, a.log, a.cfg.Retention, a.member.first)
	a.auditor, err = audit.New(audit.Config{
		Store: a.store, Clock: clk, Metrics: metrics, Log: a.log, Retention: a.cfg.Retention,
	})
	if err != nil {
		return err
	}
	roots := func() *x509.CertPool { return a.certificates.roots.Current().Pool }
	if err = a.keys.openSignIns(a.cfg, a.store, roots, clk, a.log); err != nil {
		return err
	}
	guard := counted{policy, metrics.RefusedTargets}
	openDeadman(a, guard, version)
	return openAlerts(a, clk, guard, version)
}

// openAlerts makes what tells people of alerts. Each call passes the guard of the targets of jobs.
func openAlerts(a *App, clk clock.Clock, guard send.Guard, version string) error {
	sender, err := send.New(send.Config{
		Guard: guard, Clock: clk, UserAgent: "belfry/" + version,
		Roots: func() *x509.CertPool { return a.certificates.roots.Current().Pool },
	})
	if err != nil {
		return err
	}
	link := ""
	if a.cfg.PublicURL != "" {
		link = a.cfg.PublicURL + page.Prefix + "/alerts"
	}
	channels, err := fixedChannels(a.cfg)
	if err != nil {
		return err
	}
	fixed := alert.Settings{Channels: channels, Rules: []domain.AlertRule{domain.DefaultRule()}}
	a.teller, err = alert.New(alert.Config{
		Store: a.store, Clock: clk, Log: a.log, Sender: sender, Link: link,
		Settings: func(context.Context) (alert.Settings, error) { return fixed, nil },
	})
	return err
}

// fixedChannels are those of the settings: env, env-2 and so on. All are a default.
func fixedChannels(cfg *config.Config) (channels []domain.Channel, err error) {
	for i, u := range cfg.AlertURLs {
		id := "env"
		if i > 0 {
			id = fmt.Sprintf("env-%d", i+1)
		}
		c, err := settingChannel(id, u.Reveal(), cfg.SigningSecrets)
		if err != nil {
			return nil, err
		}
		channels = append(channels, c)
	}
	return channels, nil
}
