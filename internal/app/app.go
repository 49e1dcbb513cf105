package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/api"
	"github.com/belfry-scheduler/belfry/internal/audit"
	"github.com/belfry-scheduler/belfry/internal/bulk"
	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/deadman"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/executor"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/page"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// apiGrace is how long requests to the API may take to end at a stop.
const apiGrace = 5 * time.Second

// App is a Belfry server.
type App struct {
	cfg          *config.Config
	log          *slog.Logger
	logs         *telemetry.Log // behind log
	stopping     chan struct{}  // closed when a stop begins
	store        *database
	keys         keys
	executor     *executor.Executor
	engine       *engine.Engine
	changes      changers
	server       *http.Server
	ports        ports
	keeper       *keeper
	auditor      *audit.Auditor
	alerting     alerting
	deadman      *deadman.Switch // nil: nobody is called
	certificates *certificateWatch
	hosts        *hostWatch
	files        *fileWatch
	pace         clock.Pace
	member       member
}

// changers change jobs: one at a time, or many in an operation; or they try them.
type changers struct {
	editor *edit.Editor
	bulk   *bulk.Runner
	tests  testCalls
}

// ports are where the server listens.
type ports struct {
	tcp    net.Listener // nil: there is no TCP port
	socket net.Listener // nil: there is no unix socket
}

// Open takes the port, opens the store and puts the parts together. Nothing is fired and
// no request is answered before Run. Each error is one line, written for the person who
// starts the server.
func Open(ctx context.Context, cfg *config.Config, log *telemetry.Log, metrics *telemetry.Metrics,
	version string) (*App, error) {
	a := &App{cfg: cfg, log: log.Logger, logs: log, stopping: make(chan struct{})}
	if err := a.open(ctx, metrics, version); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context, metrics *telemetry.Metrics, version string) (err error) {
	clk := a.member.clockOf(a.cfg.OnServer())
	started := clk.Now()
	a.files = &fileWatch{want: newQuota(a.cfg.MaxInFlight, a.cfg.MaxConnections), clock: clk, log: a.log}
	if a.files.fits, err = fitFiles(a.files.want); err != nil {
		return err
	}
	if err = a.listen(ctx); err != nil {
		return err
	}
	if a.store, err = openDatabase(ctx, a.cfg, a.log, &a.pace); err != nil {
		return err
	}
	if a.keys, err = openKeys(ctx, a.cfg, a.store, clk, a.log); err != nil {
		return err
	}
	tellFit(a.files.want, a.files.fits, a.log)
	calls := a.files.fits.calls
	perHost := host.FitSlots(a.cfg.MaxInFlightPerHost, a.cfg.MaxInFlight, calls)
	policy, err := a.egress()
	if err != nil {
		return err
	}
	hosts := new(host.Table)
	names, err := a.openExecutor(executor.Config{
		UserAgent: "belfry/" + version, MaxConnsPerHost: perHost, MaxConns: a.files.fits.conns, Clock: clk,
		Guard: counted{policy, metrics.RefusedTargets}, Hosts: hosts, Handshakes: watchHandshakes(metrics.TLS),
		Metrics: executor.Metrics{Names: metrics.Names, Prepared: metrics.Prepared, NoRoom: a.files.noRoom},
		NoHTTP2: !a.cfg.HTTP2,
	})
	if err != nil {
		return err
	}
	countCalls(metrics, a.executor)
	metrics.SamplesFunc(telemetry.MetricCertificateExpiry,
		"When the certificates of targets that expire first do, as Unix time.", "host", a.certificates.samples)
	a.engine, err = engine.New(engine.Config{
		Store: a.store, Executor: a.executor, Clock: clk, Metrics: metrics, Log: a.log, Hosts: hosts,
		Prepare: a.prepare(), MaxInFlight: calls, MaxInFlightPerHost: perHost, SleepFine: clock.SleepFine,
		Pace: &a.pace, ResetWatermark: a.cfg.ResetWatermark, Shared: a.cfg.OnServer(), Alive: a.member.alive,
	})
	if err != nil {
		return err
	}
	if err = a.openNode(version); err != nil {
		return err
	}
	a.files.lastFull = a.engine.LastFull
	a.hosts = &hostWatch{table: hosts, engine: a.engine, executor: a.executor, clock: clk}
	a.hosts.meter(metrics)
	a.changes.editor, err = edit.New(edit.Config{
		Owner: a.engine, Store: a.store, Clock: clk, Metrics: metrics, Log: a.log, Pace: &a.pace,
		Ahead: a.ahead(), Pauses: a.member.pauses(),
	})
	if err != nil {
		return err
	}
	if err = openTasks(a, clk, metrics, policy, version); err != nil {
		return err
	}
	closing := make(chan struct{})
	handler, err := a.openAPI(clk, metrics, version, started, policy, names, closing)
	if err != nil {
		return err
	}
	return a.openServer(handler, clk, metrics, closing)
}

// openAPI makes the routes over what is stored and what has not ended.
func (a *App) openAPI(clk clock.Clock, metrics *telemetry.Metrics, version string, started time.Time,
	policy *egress.Policy, certificates []string, closing <-chan struct{}) (http.Handler, error) {
	a.member.meter(metrics)
	others, err := openPeers(a, clk)
	if err != nil {
		return nil, err
	}
	shown, err := view.New(view.Config{
		Store: a.store, Live: a.engine, Hosts: a.hosts, Others: others.asker(),
		Now: func() int64 { return clock.NowMs(clk) },
		Checks: []func() domain.Check{a.checkLog, a.checkHistory, a.certificates.check, a.checkNames, a.files.check,
			a.checkKeys, a.keys.check, a.checkCluster},
	})
	if err != nil {
		return nil, err
	}
	a.changes.bulk, err = bulk.New(bulk.Config{
		Store: a.store, Editor: a.changes.editor, Executions: shown, Authors: a.keys.sessions, Clock: clk, Log: a.log,
		Pace: &a.pace, LookEvery: a.member.lookEvery(), Pauses: a.member.pauses(),
	})
	if err != nil {
		return nil, err
	}
	dashboard, err := page.Embedded()
	if err != nil {
		return nil, err
	}
	a.keeper.repeats = api.NewRepeats(a.store.Changes(), clk, a.log)
	return api.New(api.Config{
		Editor: a.changes.editor, Bulk: a.changes.bulk, View: shown, Store: a.store, Clock: clk, Metrics: metrics,
		Log: a.log, Pace: &a.pace,
		Keys: a.keys.ring, SignIns: a.keys.signIns(a.cfg), Open: a.cfg.InsecureNoAuth,
		Program: api.Program{Version: version, StartedAt: started, Page: dashboard,
			Settings: settingsOf(a.cfg), Stopping: closing},
		Limits:    api.Limits{MaxBody: a.cfg.MaxBody, MaxImport: a.cfg.MaxImport},
		Retention: a.cfg.Retention, Targets: api.Targets{
			CheckTarget: policy.CheckURL, Tests: a.changes.tests.caller, Alerting: a.alerting.outside,
		},
		ClientCertificates: api.Certificates{Names: certificates, MayPresent: a.allows},
		Proxies:            a.cfg.TrustedProxies, Repeats: a.keeper.repeats,
		CursorKeys: a.store.derive("cursors of lists"),
		Cluster:    others.cluster(a, version, a.URL, metrics.Recent),
	})
}

// openServer makes the HTTP server, with TLS where there is a certificate.
func (a *App) openServer(handler http.Handler, clk clock.Clock, metrics *telemetry.Metrics,
	closing chan struct{}) (err error) {
	a.server, err = front.NewServer(front.ServerConfig{
		Addr: a.cfg.Address(), Handler: handler, Metrics: metrics, MaxConnections: a.files.fits.clients,
		Full: a.files.full,
	})
	if err != nil {
		return err
	}
	a.server.RegisterOnShutdown(func() { close(closing) }) // so that streams of events end
	a.server.ErrorLog = slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)
	for _, l := range []*net.Listener{&a.ports.tcp, &a.ports.socket} {
		if *l == nil {
			continue
		}
		*l, err = front.NewListener(front.ListenerConfig{
			Listener: *l, Clock: clk, Metrics: metrics, PerSecond: a.cfg.MaxConnectionRate,
			Failed: a.files.failed, Log: a.log, Proxies: a.cfg.TrustedProxies,
		})
		if err != nil {
			return err
		}
	}
	cert, err := openCertificate(a.cfg, clk, a.log)
	if cert == nil || err != nil {
		return err
	}
	a.server.TLSConfig = cert.Config()
	a.certificates.watchOwn("the TLS certificate of this server", cert.Leaf)
	return nil
}

// openExecutor makes the executor. It returns the names of the client
// certificates.
func (a *App) openExecutor(cfg executor.Config) (certificates []string, err error) {
	signers, err := webhook.NewNamespaces(a.cfg.SigningSecrets, a.cfg.SigningUndivided)
	if err != nil {
		return nil, err
	}
	if signers != nil {
		cfg.Signing.Of = signers.Signer
	}
	for _, secret := range a.cfg.SigningSecrets {
		cfg.Signing.Secrets = append(cfg.Signing.Secrets, secret.Texts()...)
	}
	cfg.Allows = a.allows
	if cfg.Roots, err = certs.OpenRoots(a.cfg.EgressCAFile, cfg.Clock, a.log); err != nil {
		return nil, err
	}
	if cfg.ClientCerts, certificates, err = clientCertificates(a.cfg.ClientCertificates); err != nil {
		return nil, err
	}
	a.member.presented = cfg.ClientCerts
	if a.executor, err = executor.New(cfg); err != nil {
		return nil, err
	}
	if a.changes.tests, err = openTestCalls(cfg); err != nil {
		return nil, err
	}
	a.certificates = &certificateWatch{
		facts: a.executor.Certificates(), roots: cfg.Roots, clock: cfg.Clock, log: a.log,
	}
	for _, name := range certificates {
		leaf := cfg.ClientCerts[name].Leaf
		a.certificates.watchOwn("the client certificate "+name, func() *x509.Certificate { return leaf })
	}
	return certificates, nil
}

// allows reports whether jobs of a namespace may present a client certificate.
func (a *App) allows(certificate, namespace string) bool {
	return slices.ContainsFunc(a.cfg.ClientCertificates, func(c config.ClientCertificate) bool {
		return c.Name == certificate && c.Allows(namespace)
	})
}

// countCalls adds the metrics of calls by protocol.
func countCalls(metrics *telemetry.Metrics, x *executor.Executor) {
	metrics.CountersFunc(telemetry.MetricCalls, "Requests to targets.", "protocol", func() []telemetry.Sample {
		c := x.Counts()
		return []telemetry.Sample{
			{Label: "HTTP/1.1", Value: float64(c.HTTP1)}, {Label: "HTTP/2", Value: float64(c.HTTP2)},
		}
	})
	metrics.CountersFunc(telemetry.MetricCallsSentAgain, "Requests that were sent again within an attempt, since "+
		"the target had certainly not processed them.", "protocol", func() []telemetry.Sample {
		return []telemetry.Sample{{Label: "HTTP/2", Value: float64(x.Counts().SentAgain)}}
	})
}

// prepare returns what is told of calls that are due soon; nil: nothing is.
func (a *App) prepare() func(*domain.Upcoming) {
	if !a.cfg.Prepare {
		return nil
	}
	return a.executor.Prepare
}

// serve answers requests until the server is closed, or until one of its listeners fails.
func (a *App) serve() error { return front.Serve(a.server, a.ports.tcp, a.ports.socket) }

// URL returns where the API is.
func (a *App) URL() string {
	if a.ports.tcp == nil {
		return a.socketURL()
	}
	if a.server.TLSConfig != nil {
		return "https://" + a.Addr()
	}
	return "http://" + a.Addr()
}

// socketURL returns where the API is on the unix socket; empty: there is none.
func (a *App) socketURL() string {
	if a.ports.socket == nil {
		return ""
	}
	return (&url.URL{Scheme: "unix", Path: a.ports.socket.Addr().String()}).String()
}

// listen takes the socket and the port.
func (a *App) listen(ctx context.Context) (err error) {
	if a.cfg.UnixSocket != "" {
		if a.ports.socket, err = listenSocket(ctx, a.cfg.UnixSocket); err != nil {
			return err
		}
	}
	if a.cfg.ListensOnTCP() {
		a.ports.tcp, err = listen(ctx, a.cfg.Address())
	}
	return err
}

// listen takes the port, or says in one line why it cannot.
func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("address %s is already in use: stop the other program or choose another PORT", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("address %s may not be used by this user: choose a PORT above 1023", address)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	front.ShortenQueue(l, front.Backlog)
	return l, nil
}

// Addr returns the address that the server listens on, if it has a TCP port.
func (a *App) Addr() string { return a.ports.tcp.Addr().String() }

// Run fires jobs and answers requests until the context ends, then stops in
// good order within the grace time. It returns nil after a stop that left
// nothing to be done but what is on record.
func (a *App) Run(ctx context.Context) error {
	useMoreProcs()
	heap := keepHeap(clock.System{})
	defer heap.stop()
	begin := sync.OnceFunc(func() { close(a.stopping) })
	defer begin()
	err := a.awaitAlone(ctx)
	if err == nil {
		err = a.engine.Start(ctx)
	}
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			a.log.Info("stopped before the record was read")
			return nil
		}
		return err
	}
	a.member.join(ctx)
	heap.loaded()
	keep, stopKeeping := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { a.keeper.run(keep) })
	background.Go(func() { heap.giveBack(keep) })
	background.Go(func() { a.member.whileFirst(keep, a.auditor.Run) })
	background.Go(func() { a.member.whileFirst(keep, a.changes.bulk.Run) })
	background.Go(func() { a.member.whileFirst(keep, a.alerting.teller.Run) })
	background.Go(func() { a.member.amongOthers(keep, a.alerting.teller.Announce) })
	background.Go(func() { edit.NewResumer(a.changes.editor).Run(keep) })
	if a.deadman != nil {
		background.Go(func() { a.member.whileFirst(keep, a.deadman.Run) })
	}
	background.Go(func() { a.keys.ring.Run(keep) })
	background.Go(func() { a.keys.sessions.Run(keep) })
	background.Go(func() { a.keys.followProvider(keep, a.cfg.Cluster.Role) })
	background.Go(func() { a.certificates.run(keep) })
	background.Go(func() { a.files.run(keep) })
	served := make(chan error, 1)
	go func() { served <- a.serve() }()
	a.store.tellNew()
	if a.store.madeKey != "" {
		a.log.Info("created an encryption key: store a copy of it apart from copies of the database", "file",
			a.store.madeKey)
	}
	where := []any{"address", a.URL(), "data", a.store.name}
	if a.ports.tcp != nil && a.ports.socket != nil {
		where = append(where, "socket", a.socketURL())
	}
	a.log.Info("belfry is running", append(where, a.member.where()...)...)

	select {
	case <-ctx.Done():
		a.log.Info("stopping", "grace", a.cfg.ShutdownGrace)
	case err = <-a.engine.Failed():
		a.log.Error("stopping", telemetry.KeyError, err)
	case err = <-served:
		err = fmt.Errorf("the API stopped: %w", err)
	}
	begin()
	stopKeeping()
	background.Wait()
	return errors.Join(err, a.stop())
}

// Stopping is closed when Run begins to stop.
func (a *App) Stopping() <-chan struct{} { return a.stopping }

// checkHistory warns of history that cannot be read.
func (a *App) checkHistory() domain.Check {
	return domain.Check{Name: "history", OK: true, Warning: a.store.warning()}
}

// checkNames warns of names that cannot be looked up.
func (a *App) checkNames() domain.Check {
	return domain.Check{Name: "dns", OK: true, Warning: a.executor.NamesWarning()}
}

// checkKeys warns of keys of the settings that could be guessed.
func (a *App) checkKeys() domain.Check {
	return domain.Check{Name: "keys", OK: true, Warning: a.cfg.ShortKeysWarning()}
}

// checkLog warns of outputs of the log that do not take lines. It does not fail:
// jobs run without a log.
func (a *App) checkLog() domain.Check {
	return domain.Check{Name: "log", OK: true, Warning: a.logs.Warning()}
}

// stop is the first half of the stop order; Close is the second.
func (a *App) stop() error {
	// The shards are given away within the grace: calls in flight go on meanwhile.
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.ShutdownGrace)
	defer cancel()
	if err := a.member.drain(min(drainGrace, a.cfg.ShutdownGrace/2)); err != nil {
		a.log.Warn("the shards of this server could not be given to others", telemetry.KeyError, err)
	}
	a.changes.tests.endWaiting()
	a.executor.EndWaiting() // a call that waits for its turn must not begin its timeout then
	quick, cancelQuick := context.WithTimeout(ctx, apiGrace)
	defer cancelQuick()
	if err := a.server.Shutdown(quick); err != nil {
		_ = a.server.Close()
	}
	a.keeper.flush(quick)
	a.changes.editor.Stop(quick)
	err := errors.Join(a.engine.Stop(ctx), a.member.leave())
	if err == nil {
		a.log.Info("stopped")
	}
	return err
}

// Close releases what Open took. Call it after Run has returned.
func (a *App) Close() error {
	var errs []error
	if a.ports.tcp != nil {
		_ = a.ports.tcp.Close() // closed already after Run
	}
	if a.ports.socket != nil {
		_ = a.ports.socket.Close() // the same
	}
	if a.executor != nil {
		a.executor.Close()
	}
	a.changes.tests.close()
	a.member.peers.close()
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}
