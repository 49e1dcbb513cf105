package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/bulk"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/testcall"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// fixture is what the handlers work on: an engine that is up, and the editor of its
// jobs, over a store in memory that can be made to fail. Its wall clock shows
// 2026-01-01T00:00:00Z and moves by a millisecond with each request, so that nothing
// becomes due while a test runs.
type fixture struct {
	clock   *stillClock
	store   *faulty.Store // over what follows
	disk    store.Store
	engine  *engine.Engine
	edit    *edit.Editor
	bulk    *bulk.Runner // of the last API; nothing runs it by itself
	metrics *telemetry.Metrics
	health  *domain.Health // instead of the engine's; nil: the engine's
	hosts   []view.Host
}

// authorsOf returns who knows whose rights still hold.
func authorsOf(c *Config) bulk.Authors {
	if c.SignIns.Sessions != nil {
		return c.SignIns.Sessions
	}
	return &access.Sessions{SessionConfig: access.SessionConfig{Keys: c.Keys}}
}

// newFixture returns a fixture that lives as long as the test. The change is of the
// engine's config.
func newFixture(t testing.TB, change ...func(*engine.Config)) *fixture {
	t.Helper()
	f := idleFixture(t, change...)
	if err := f.engine.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.stop(t) })
	return f
}

// idleFixture returns a fixture whose engine takes changes of jobs and fires nothing: it
// has not been started, and nothing of it goes on beside the caller.
func idleFixture(t testing.TB, change ...func(*engine.Config)) *fixture {
	t.Helper()
	f := &fixture{clock: new(stillClock), metrics: telemetry.NewMetrics()}
	f.clock.ms.Store(base)
	db, err := memory.NewDisk(f.clock).Open()
	if err != nil {
		t.Fatal(err)
	}
	f.disk, f.store = db, faulty.New(db, 1)
	c := engine.Config{
		Store: f.store, Executor: succeeding{}, Clock: f.clock, Metrics: f.metrics, Log: discard,
	}
	for _, fn := range change {
		fn(&c)
	}
	if f.engine, err = engine.New(c); err != nil {
		t.Fatal(err)
	}
	if f.edit, err = edit.New(edit.Config{
		Owner: f.engine, Store: c.Store, Clock: f.clock, Metrics: f.metrics, Log: discard,
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) stop(t testing.TB) {
	t.Helper()
	f.store.Clear()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	f.edit.Stop(ctx)
	if err := f.engine.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := f.disk.Close(); err != nil {
		t.Error(err)
	}
}

// stillClock is a wall clock that moves only when it is told to.
type stillClock struct {
	clock.System

	ms atomic.Int64
}

// Now implements clock.Clock.
func (c *stillClock) Now() time.Time { return time.UnixMilli(c.ms.Load()) }

func (c *stillClock) step(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// succeeding is an executor whose calls are answered at once.
type succeeding struct{}

// Do implements engine.Executor.
func (succeeding) Do(_ *domain.Call, out *domain.Outcome) {
	*out = domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: http.StatusOK}
}

// Live, and what follows, implement view.Live.
func (f *fixture) Live(id domain.ExecutionID) (domain.Execution, bool) { return f.engine.Live(id) }

func (f *fixture) LiveByJob(id domain.JobID, limit int) []domain.Execution {
	return f.engine.LiveByJob(id, limit)
}

func (f *fixture) LiveList(q store.ExecutionQuery) store.ExecutionPage { return f.engine.LiveList(q) }

func (f *fixture) NextFire(id domain.JobID) (int64, bool) { return f.engine.NextFire(id) }

func (f *fixture) NextFires(ctx context.Context, after domain.FireKey, limit int) ([]domain.FireKey, error) {
	return f.engine.NextFires(ctx, after, limit)
}

func (f *fixture) FiredAgo(id domain.JobID, ago time.Duration) bool {
	return f.engine.FiredAgo(id, ago)
}

func (f *fixture) Health() domain.Health {
	if f.health != nil {
		h := *f.health
		h.Checks = append([]domain.Check(nil), h.Checks...)
		return h
	}
	return f.engine.Health()
}

func (f *fixture) now() int64 { return clock.NowMs(f.clock) }

// Hosts implements view.Hosts.
func (f *fixture) Hosts() []view.Host { return slices.Clone(f.hosts) }

// Cluster implements Members.
func (f *fixture) Cluster(context.Context) view.Cluster {
	lag, latency, ahead, p50, p99 := int64(380), 0.6, -1.5, int64(1), int64(9)
	return view.Cluster{
		Nodes: []view.Node{
			{Name: "east-1", Address: "http://10.0.0.7:3000", Role: "all", Version: "1.2.3", State: view.NodeActive,
				Self: true, SeenMs: 420, Shards: 40, LagMs: &lag, Protocol: 1,
				Load: &view.Load{FiresPerSecond: 1250.4, DriftP50Ms: &p50, DriftP99Ms: &p99, InFlight: 12}},
			{Name: "west-1", Address: "http://10.0.1.7:3000", Role: "api", Version: "1.2.3", State: view.NodeDraining,
				SeenMs: 900, Protocol: 1, Differs: []string{"retention"}},
		},
		Shards: view.ShardCounts{Total: 64, Owned: 40, Free: 1, Moving: 23},
		Database: view.Database{Kind: "postgresql", LatencyMs: &latency, ClockAheadMs: &ahead, Protocol: 1,
			Replication: "asynchronous"},
	}
}

// SetDraining implements Members: of nodes that exist, all but the first one drain.
func (f *fixture) SetDraining(ctx context.Context, name string, drains bool) (view.Node, error) {
	nodes := f.Cluster(ctx).Nodes
	i := slices.IndexFunc(nodes, func(n view.Node) bool { return n.Name == name })
	switch {
	case i < 0:
		return view.Node{}, &domain.Error{Code: domain.CodeNotFound, Message: "no server has the name " + name}
	case i == 0 && drains:
		return view.Node{}, domain.Conflict("no other server would fire the jobs")
	}
	n := nodes[i]
	n.State = map[bool]string{true: view.NodeDraining, false: view.NodeActive}[drains]
	return n, nil
}

// testsBy returns what makes test calls by an executor.
func testsBy(t testing.TB, clk clock.Clock, by testcall.Executor) *testcall.Caller {
	t.Helper()
	c, err := testcall.New(testcall.Config{Executor: by, Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answering is an executor whose calls with a trace are answered, over TLS.
type answering struct{}

// Do implements testcall.Executor.
func (answering) Do(c *domain.Call, out *domain.Outcome) {
	*out = domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: http.StatusOK}
	header := []domain.TracedHeader{{Name: "Content-Type", Value: "application/json"}}
	sent := []domain.TracedHeader{header[0], {Name: "Belfry-Execution-Id", Value: c.ExecutionID.String()},
		{Name: "Belfry-Test", Value: "true"}}
	for name, value := range c.Headers {
		sent = append(sent, domain.TracedHeader{Name: name, Value: value})
	}
	*c.Trace = domain.Trace{
		Protocol: "HTTP/2",
		Request:  domain.TracedMessage{Headers: sent, Body: c.Body, Bytes: int64(len(c.Body))},
		Response: domain.TracedMessage{Headers: header, Body: []byte(`{"ok":true}`), Bytes: 11},
		Times: domain.CallTimes{Waited: 200 * time.Microsecond, Lookup: 3100 * time.Microsecond,
			Connect: 11400 * time.Microsecond, Handshake: 25900 * time.Microsecond,
			FirstByte: 40700 * time.Microsecond},
	}
}

// pass lets time pass: in a bubble of testing/synctest, and on the wall clock.
func (f *fixture) pass(d time.Duration) {
	f.clock.step(d)
	time.Sleep(d)
}

// fail makes every read and change of jobs, history and alerts end with the error.
func (f *fixture) fail(err error) {
	for _, role := range []string{"Jobs", "History", "Alerts"} {
		f.store.Add(faulty.Rule{Method: role, Fault: faulty.FailBefore, Err: err})
	}
}

// record puts facts on record as the engine does: alerts and counters follow.
func (f *fixture) record(t testing.TB, facts ...domain.Execution) {
	t.Helper()
	if err := f.disk.Ledger().Record(context.Background(), store.Batch{Facts: facts}); err != nil {
		t.Fatal(err)
	}
}

// lose puts lost fires on record as an audit does.
func (f *fixture) lose(t testing.TB, foundAt int64, losses ...domain.Loss) {
	t.Helper()
	if _, err := f.disk.Alerts().AddLost(context.Background(), losses, foundAt); err != nil {
		t.Fatal(err)
	}
}

// jobs returns the jobs that are stored.
func (f *fixture) jobs(t testing.TB) []domain.Job {
	t.Helper()
	found, err := f.disk.Jobs().List(context.Background(), store.JobQuery{Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	return found.Jobs
}

// count returns how many jobs are stored.
func (f *fixture) count(t testing.TB) int {
	t.Helper()
	total, _, err := f.disk.Jobs().Count(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return int(total)
}

// job returns a job as it is stored.
func (f *fixture) job(t testing.TB, id string) domain.Job {
	t.Helper()
	found, err := f.disk.Jobs().Get(context.Background(), jobID(t, id))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// clear deletes all jobs.
func (f *fixture) clear(t testing.TB) {
	t.Helper()
	for _, j := range f.jobs(t) {
		if _, err := f.edit.Delete(context.Background(), j.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func jobID(t testing.TB, text string) domain.JobID {
	t.Helper()
	id, err := domain.ParseJobID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// ring returns the keys of a fixture, and those that are given beside them.
func ring(t testing.TB, f *fixture, fixed ...string) *access.Keyring {
	t.Helper()
	k, err := access.Open(t.Context(), access.Config{
		Store: f.store.Keys(), Clock: f.clock, Log: discard, Fixed: fixed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// viewOf returns a view of a store, and of what has not ended.
func viewOf(t testing.TB, s store.Store, live view.Live, checks ...func() domain.Check) *view.View {
	t.Helper()
	hosts, _ := live.(view.Hosts)
	v, err := view.New(view.Config{Store: s, Live: live, Checks: checks, Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// newAPI returns the API over a fixture.
func newAPI(t testing.TB, f *fixture, change ...func(*Config)) http.Handler {
	t.Helper()
	c := Config{
		Editor: f.edit, Store: f.store, Clock: f.clock, Metrics: f.metrics,
		Keys: ring(t, f), Open: true, Log: slog.New(slog.DiscardHandler),
		Program: Program{Version: "1.2.3", StartedAt: f.clock.Now().Add(-90 * time.Second), Settings: []Setting{
			{Key: "retention", Value: "2160h", Source: "environment", From: "environment BELFRY_RETENTION",
				Default: "30d", Usage: "how long history is retained", Variable: "BELFRY_RETENTION", Flag: "retention"},
			{Key: "api_keys", Value: "******** (1)", Source: "dotenv", From: "/srv/.env BELFRY_API_KEYS",
				Usage: "API keys", Variable: "BELFRY_API_KEYS", Secret: true},
		}},
		ClientCertificates: Certificates{Names: []string{"acme", "bank"}},
		Targets: Targets{Alerting: Alerting{
			Fixed: []domain.Channel{fixedChannel}, Sender: new(postbox),
		}},
		Limits:  Limits{LineWait: 50 * time.Millisecond},
		Cluster: Cluster{Members: f},
	}
	stopped := make(chan struct{}) // streams end at once, unless a test is about them
	close(stopped)
	c.Stopping = stopped
	for _, fn := range change {
		fn(&c)
	}
	if c.Tests == nil {
		c.Tests = testsBy(t, f.clock, answering{})
	}
	if c.View == nil {
		c.View = viewOf(t, c.Store, f)
	}
	if c.Bulk == nil {
		var err error
		f.bulk, err = bulk.New(bulk.Config{Store: c.Store, Editor: f.edit, Executions: c.View, Authors: authorsOf(&c),
			Clock: f.clock, Log: discard})
		if err != nil {
			t.Fatal(err)
		}
		c.Bulk = f.bulk
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.clock.step(time.Millisecond)
		h.ServeHTTP(w, r)
	})
}
