package app

import (
	"crypto/x509"

	"github.com/belfry-scheduler/belfry/internal/alert/send"
	"github.com/belfry-scheduler/belfry/internal/deadman"
)

// openDeadman makes what calls a URL while jobs are fired; without one there is none. Each call passes the guard of
// the targets of jobs.
func openDeadman(a *App, guard send.Guard, version string) {
	if len(a.cfg.Deadman.URLs) == 0 {
		return
	}
	a.deadman = deadman.New(deadman.Config{
		URL: a.cfg.Deadman.URLs[0].Reveal(), Interval: a.cfg.Deadman.Interval, Fault: a.notFired, Log: a.log,
		UserAgent: "belfry/" + version,
		Client:    send.NewClient(guard, func() *x509.CertPool { return a.certificates.roots.Current().Pool }),
	})
}

// notFired returns why this server, or the cluster that it is the first one of, does not fire all jobs; empty: it does.
func (a *App) notFired() string {
	for _, c := range a.engine.Health().Checks {
		if !c.OK {
			return c.Name + ": " + c.Detail
		}
	}
	return a.member.notFired()
}
