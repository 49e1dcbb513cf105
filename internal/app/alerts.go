package app

import (
	"crypto/x509"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/alert/send"
	"github.com/belfry-scheduler/belfry/internal/api"
	"github.com/belfry-scheduler/belfry/internal/audit"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/page"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// alerting tells people of alerts.
type alerting struct {
	teller  *alert.Teller
	outside api.Alerting // what the API needs of it
}

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
	return openAlerts(a, clk, guard, metrics.Alerts, version)
}

// openAlerts makes what tells people of alerts. Each call passes the guard of the targets of jobs.
func openAlerts(a *App, clk clock.Clock, guard send.Guard, metrics *telemetry.Alerts, version string) error {
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
	settings := &alertSettings{stored: a.store.AlertSettings(), clock: clk, log: a.log}
	if settings.fixed, settings.former, err = fixedChannels(a.cfg); err != nil {
		return err
	}
	a.alerting.outside = api.Alerting{Fixed: settings.fixed, Sender: sender, Link: link}
	a.alerting.teller, err = alert.New(alert.Config{
		Store: a.store, Clock: clk, Log: a.log, Sender: sender, Link: link, Settings: settings.now,
		Faults: func() []alert.Fault { return currentFaults(a, clk) }, Metrics: metrics,
	})
	return err
}
