package api

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/oidc"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/testcall"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// Body limits of the contract, in bytes.
const (
	DefaultMaxBody   = 1 << 20
	DefaultMaxImport = 64 << 20
)

// Config is what the API is made of.
type Config struct {
	Editor  Editor
	View    *view.View
	Store   store.Store
	Clock   clock.Clock
	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Pace    *clock.Pace // of imports and exports; may be nil
	Bulk    Bulk        // operations on many jobs

	Keys *access.Keyring // who may come in; without a key whoever reaches the loopback address
	Open bool            // without a key everybody else may too, as an editor
	SignIns
	Program
	Limits

	Retention time.Duration // of the history: older days are not audited; zero: all are

	Targets

	ClientCertificates Certificates

	Proxies front.Proxies // whose word about their clients counts
	Repeats *Repeats      // nil: they are written with the first request and each minute, but not at the stop

	// CursorKeys are for the cursors of confined callers, 32 bytes each: the first one seals, any one
	// opens. Servers that have each other's first one continue each other's lists. None: a random one.
	CursorKeys [][]byte

	Cluster Cluster
}

// SignIns is how people sign in with a browser.
type SignIns struct {
	Sessions *access.Sessions // who has signed in; nil: sessions end with the process

	RelyingParty *oidc.RelyingParty // by which people sign in at a provider, too; nil: with keys alone
	Name         string             // of the provider, for people
	PublicURL    string             // of this server, without a slash at the end; required with RelyingParty
}

// Program is what answers.
type Program struct {
	Version   string       // of Belfry
	StartedAt time.Time    // of the process
	Settings  []Setting    // in the order in which they are documented
	Page      http.Handler // the dashboard; nil: the root answers JSON to browsers, too

	Stopping <-chan struct{} // is closed when the program stops, so that streams end; nil: it never is
}

// Cluster is what the server is among others on one database.
type Cluster struct {
	Members  Members
	Peers    Peers        // the others; nil: there are none
	Asked    http.Handler // answers their questions: a peerview.Answerer; required with Peers
	Internal bool         // probes and monitoring are answered, and no clients
}

// Limits are what a request may take.
type Limits struct {
	MaxBody   int64         // bytes of one document; zero: DefaultMaxBody
	MaxImport int64         // bytes of an import; zero: DefaultMaxImport
	LineWait  time.Duration // how long a request waits for memory; zero: 10 s
}

// Targets is what the server knows of the targets of jobs.
type Targets struct {
	// CheckTarget returns why the URL of a job would not be called, as far as
	// the URL itself tells. nil: every URL may be called.
	CheckTarget func(url string) error
	Tests       *testcall.Caller // makes test calls
	Alerting    Alerting
}

// Certificates are the client certificates that a job may name.
type Certificates struct {
	Names []string
	// MayPresent reports whether jobs of a namespace may name one of them; nil: all may.
	MayPresent func(certificate, namespace string) bool
}

func (c *Config) validate() error {
	if c.Editor == nil || c.View == nil || c.Store == nil || c.Clock == nil || c.Log == nil || c.Metrics == nil ||
		c.Keys == nil || c.Bulk == nil || c.Tests == nil || c.Cluster.Members == nil {
		return errors.New("api: Editor, View, Store, Clock, Metrics, Log, Keys, Bulk, Tests and Members are required")
	}
	if c.MaxBody < 0 || c.MaxImport < 0 {
		return errors.New("api: MaxBody and MaxImport must not be negative")
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.MaxImport == 0 {
		c.MaxImport = DefaultMaxImport
	}
	if c.Repeats == nil {
		c.Repeats = NewRepeats(c.Store.Changes(), c.Clock, c.Log)
	}
	return c.openSessions()
}

// openSessions makes sessions that end with the process, unless there are others.
func (c *Config) openSessions() (err error) {
	if c.Sessions != nil {
		return nil
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	c.Sessions, err = access.OpenSessions(context.Background(), access.SessionConfig{
		Keys: c.Keys, Secrets: [][]byte{secret}, TTL: 12 * time.Hour, Idle: time.Hour,
	})
	return err
}

// New returns the API as one handler. The error is about the Config.
func New(c Config) (http.Handler, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	sc, err := newScope(c.Store.Jobs(), c.CursorKeys)
	if err != nil {
		return nil, err
	}
	rm := newRoom(c.MaxBody, c.LineWait)
	rt := newRouter(newGuard(&c), rm, c.Metrics, c.Log, c.Version)
	rt.repeats, rt.internal = c.Repeats, c.Cluster.Internal
	if err := rt.join(&c); err != nil {
		return nil, err
	}
	for _, routes := range routesOf(&c, sc, rm) {
		routes.register(rt)
	}
	newEventRoutes(&c, rt.guard).register(rt)
	rt.registerUI(c.Page)
	rt.mux.HandleFunc("/", rt.noRoute)
	if err := rt.registerDocs(); err != nil { // last: the document holds all the others
		return nil, err
	}
	return front.NewHandler(front.Config{Next: rt, Fault: panicProblem, Unclear: unclearProblem, Clock: c.Clock,
		Metrics: c.Metrics, Log: c.Log, Proxies: c.Proxies})
}

// join makes the router one of a cluster.
func (rt *router) join(c *Config) (err error) {
	if c.Cluster.Peers == nil {
		return nil
	}
	rt.forward = &forwarder{peers: c.Cluster.Peers, jobs: c.Store.Jobs(), changes: c.Store.Changes(),
		trail:   c.Repeats.trail,
		metrics: c.Metrics, log: c.Log}
	rt.asked = c.Cluster.Asked
	rt.gate, err = c.Cluster.Peers.Gate(rt.answerPeer)
	return err
}

// routesOf makes the handlers of each resource, each with what it needs.
func routesOf(c *Config, sc *scope, rm *room) []interface{ register(rt *router) } {
	rules := &jobRules{checkTarget: c.CheckTarget, certificates: c.ClientCertificates.Names,
		mayPresent: c.ClientCertificates.MayPresent, clock: c.Clock}
	tr := c.Repeats.trail // one order for all entries
	moves := &secretMoves{changes: c.Store.Changes(), clock: c.Clock}
	jobs := &jobRoutes{
		editor: c.Editor, view: c.View, clock: c.Clock, rules: rules, scope: sc, trail: tr, maxBody: c.MaxBody,
		moves: moves,
	}
	versions := &versionRoutes{jobRoutes: jobs, jobs: c.Store.Jobs(), changes: c.Store.Changes()}
	executions := &executionRoutes{view: c.View, scope: sc}
	lists := &listRoutes{view: c.View, scope: sc}
	channels := &channelRoutes{
		Alerting: c.Alerting, settings: c.Store.AlertSettings(), notices: c.Store.Notices(), clock: c.Clock,
		trail: tr, repeats: c.Repeats, maxBody: c.MaxBody,
	}
	edits := &settingEdits{stored: c.Store.AlertSettings(), clock: c.Clock, trail: tr, maxBody: c.MaxBody}
	return []interface{ register(rt *router) }{
		jobs, &jobListRoutes{c.View, sc}, keyedRoutes{jobs}, keyedEditRoutes{keyedRoutes{jobs}},
		versions, changePreviewRoutes{versions}, testRoutes{changePreviewRoutes{versions}, c.Tests, rm.testCalls},
		&bulkRoutes{
			bulk: c.Bulk, operations: c.Store.Operations(), view: c.View, once: c.Editor.Once(), trail: tr, scope: sc,
			maxBody: c.MaxBody,
		},
		&importRoute{
			editor: c.Editor, rules: rules.ofKept(), moves: moves, trail: tr, pace: c.Pace, log: c.Log,
			maxBody: c.MaxBody, maxImport: c.MaxImport, places: rm.imports, repeats: c.Repeats,
		},
		&exportRoute{
			jobs: c.Store.Jobs(), changes: c.Store.Changes(), trail: tr, pace: c.Pace, log: c.Log, places: rm.exports,
			repeats: c.Repeats,
		},
		&historyRoute{
			history: c.Store.History(), scope: sc, pace: c.Pace, log: c.Log,
			underWay: make(chan struct{}, maxHistoryExports), repeats: c.Repeats,
		},
		executions, keyedExecutionRoutes{keyedRoutes{jobs}, executions},
		lists, runningRoutes{lists, c.Clock},
		&scheduleRoutes{clock: c.Clock, maxBody: c.MaxBody},
		&forecastRoutes{
			jobs: c.Store.Jobs(), clock: c.Clock, pace: c.Pace, underWay: make(chan struct{}, maxForecasts),
		},
		&metricRoutes{view: c.View, clock: c.Clock, metered: c.Metrics},
		&seriesRoutes{c.View, sc, c.Clock}, &failingRoutes{c.View, c.Clock},
		&hostRoutes{view: c.View}, &settingRoutes{c.Settings},
		&clusterRoutes{c.Cluster.Members, c.Store.Changes(), tr, c.Log},
		&alertRoutes{list: c.Store.Alerts(), scope: sc}, &groupRoutes{c.Store.Notices(), c.Clock, tr},
		channels, &channelTrialRoutes{channelRoutes: channels},
		ruleRoutes{edits, c.Alerting.Fixed}, silenceRoutes{edits, c.View, sc, c.Editor.Once()},
		windowRoutes{edits, c.View, sc},
		&auditRoute{
			store: c.Store, clock: c.Clock, retention: c.Retention, underWay: make(chan struct{}, maxAudits),
		},
		&meRoutes{}, &sessionRoutes{repeats: c.Repeats}, &oidcRoutes{repeats: c.Repeats, log: c.Log},
		&keyRoutes{keys: c.Keys, once: c.Editor.Once(), trail: tr, maxBody: c.MaxBody},
		&changeRoutes{changes: c.Store.Changes(), repeats: c.Repeats},
		&healthRoutes{view: c.View, clock: c.Clock, version: c.Version, startedAt: c.StartedAt},
	}
}
