package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/peer"
	"github.com/belfry-scheduler/belfry/internal/peerview"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// cluster is two nodes, a and b, on one disk, on virtual time. Each owns two of four shards.
type cluster struct {
	t     *testing.T
	disk  *memory.Disk
	clock *stillClock
	a, b  *node
	calls atomic.Int64
	hold  chan struct{} // calls wait until it is closed; nil: they do not

	between network // nil: nothing
}

// network is what happens to a message: whether there is a connection, when it is delivered and whether
// the answer comes back.
type network func(connect func(), deliver func() *http.Response) (*http.Response, error)

// node is a fixture with an API, as one of a cluster.
type node struct {
	*fixture
	http.Handler
	c    *cluster
	self peer.Node
	keys *peer.Keys
	link *peer.Link
	gate http.Handler

	drains bool
}

func ofTwo(t *testing.T, test func(t *testing.T, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, clock: new(stillClock)}
		c.clock.ms.Store(base)
		c.disk = memory.NewShardedDisk(c.clock, 4)
		c.a, c.b = c.join("a"), c.join("b")
		c.own(c.a, 0, 1)
		c.own(c.b, 2, 3)
		test(t, c)
		synctest.Wait()
	})
}

// join starts a node.
func (c *cluster) join(name string) *node {
	c.t.Helper()
	n := &node{c: c, fixture: &fixture{clock: c.clock, metrics: telemetry.NewMetrics(), disk: c.disk.Join()}}
	n.store = faulty.New(n.disk, 1)
	var err error
	n.engine, err = engine.New(engine.Config{Store: n.store, Executor: counting{c}, Clock: n.clock,
		Metrics: n.metrics, Log: discard, Shared: true})
	c.ok(err)
	n.edit, err = edit.New(edit.Config{Owner: n.engine, Store: n.store, Clock: n.clock, Metrics: n.metrics,
		Log: discard, Ahead: engine.Horizon})
	c.ok(err)
	c.ok(n.engine.Start(context.Background()))
	c.t.Cleanup(func() { n.stop(c.t) })
	n.self = peer.Node{Name: name, Token: engine.ShareOf(n.engine).Node(), URL: "http://" + name + ".test"}
	n.keys, err = peer.NewKeys([]byte(strings.Repeat("k", 32)))
	c.ok(err)
	n.link, err = peer.NewLink(peer.LinkConfig{Self: name, Keys: n.keys, Clock: n.clock, Transport: n})
	c.ok(err)
	n.Handler = newAPI(c.t, n.fixture, func(cfg *Config) {
		cfg.Cluster.Members = n
		cfg.Cluster.Peers, cfg.Cluster.Asked = n, &peerview.Answerer{Live: n.engine, Hosts: n.fixture}
		cfg.View, err = view.New(view.Config{Store: n.store, Live: n.fixture, Hosts: n.fixture,
			Others: &peerview.Asker{Peers: n}, Now: n.now})
		c.ok(err)
	})
	return n
}

// counting is an executor that counts its calls.
type counting struct{ c *cluster }

// Do implements engine.Executor.
func (x counting) Do(_ *domain.Call, out *domain.Outcome) {
	x.c.calls.Add(1)
	if x.c.hold != nil {
		<-x.c.hold
	}
	*out = domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: http.StatusOK}
}

func (c *cluster) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// own gives free shards to a node.
func (c *cluster) own(n *node, numbers ...int) {
	c.t.Helper()
	rows, err := n.disk.Shards().Peek(context.Background())
	c.ok(err)
	var claims []store.Claim
	for _, number := range numbers {
		claims = append(claims, store.Claim{Number: number, Seen: rows[number].Seen()})
	}
	owned, err := engine.ShareOf(n.engine).Own(context.Background(), claims)
	c.ok(err)
	if len(owned) != len(numbers) {
		c.t.Fatalf("%s owns %v of %v", n.self.Name, owned, numbers)
	}
}

// pass lets time go by, with beats.
func (c *cluster) pass(d time.Duration) {
	for ; d > 0; d -= 100 * time.Millisecond {
		c.clock.step(100 * time.Millisecond)
		clock.Wait(context.Background(), 100*time.Millisecond)
	}
	synctest.Wait()
}

// other returns the other node.
func (n *node) other() *node {
	if n == n.c.a {
		return n.c.b
	}
	return n.c.a
}

// Owner implements Peers.
func (n *node) Owner(job domain.JobID) (peer.Node, bool) {
	rows, err := n.disk.Shards().Peek(context.Background())
	if err != nil {
		return peer.Node{}, false
	}
	sh, o := &rows[job.Shard(len(rows))], n.other()
	return o.self, sh.Node == o.self.Token && !sh.Clean
}

// Node implements Peers.
func (n *node) Node(name string) (peer.Node, bool, error) {
	for _, o := range []*node{n, n.other()} {
		if o.self.Name == name {
			return o.self, o != n, nil
		}
	}
	return peer.Node{}, false, &domain.Error{Code: domain.CodeNotFound, Message: "no server has the name " + name}
}

// Cluster, and what follows, implement Members.
func (n *node) Cluster(context.Context) view.Cluster { return view.Cluster{} }

func (n *node) SetDraining(_ context.Context, name string, drains bool) (view.Node, error) {
	if name != n.self.Name {
		return view.Node{}, errors.New("it is about another node: " + name)
	}
	n.drains = drains
	return view.Node{Name: name, State: map[bool]string{true: view.NodeDraining, false: view.NodeActive}[drains]}, nil
}

// Others implements peerview.Peers.
func (n *node) Others() (nodes []peer.Node, unreachable int) { return []peer.Node{n.other().self}, 0 }

// Send implements Peers.
func (n *node) Send(ctx context.Context, to peer.Node, r *http.Request, body []byte, caller peer.Caller) (
	*http.Response, peer.Outcome, error) {
	return n.link.Send(ctx, to, r, body, caller)
}

// Gate implements Peers.
func (n *node) Gate(next func(http.ResponseWriter, *http.Request, peer.Caller)) (h http.Handler, err error) {
	n.gate, err = peer.NewGate(peer.GateConfig{Self: n.self, Keys: n.keys, Clock: n.clock, Log: discard, Next: next})
	return n.gate, err
}

// RoundTrip implements http.RoundTripper: the network between the nodes.
func (n *node) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	connect := func() { httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{}) }
	deliver := func() *http.Response {
		in := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
		in.Header = r.Header.Clone()
		w := httptest.NewRecorder()
		n.other().ServeHTTP(w, in)
		return w.Result()
	}
	if n.c.between != nil {
		return n.c.between(connect, deliver)
	}
	connect()
	return deliver(), nil
}

var errNet = errors.New("the network is down")

// networks are what may go wrong between the nodes.
var networks = map[string]network{
	"refuses": func(func(), func() *http.Response) (*http.Response, error) { return nil, errNet },
	"loses the request": func(connect func(), _ func() *http.Response) (*http.Response, error) {
		connect()
		return nil, errNet
	},
	"loses the answer": func(connect func(), deliver func() *http.Response) (*http.Response, error) {
		connect()
		deliver()
		return nil, errNet
	},
	"is slow": func(connect func(), deliver func() *http.Response) (*http.Response, error) {
		connect()
		go deliver() // while this node makes the change itself
		return nil, errNet
	},
	"is very slow": func(connect func(), deliver func() *http.Response) (*http.Response, error) {
		connect()
		go func() {
			clock.Wait(context.Background(), 500*time.Millisecond)
			deliver()
		}()
		return nil, errNet
	},
}

// jobOf makes a job of a node, and returns its id.
func (c *cluster) jobOf(n *node, fields string) string {
	c.t.Helper()
	for range 100 {
		var made struct {
			JobID string `json:"jobId"`
		}
		call(c.t, n, "POST", "/jobs", `{"schedule":"0 0 0 1 1 * 2090","api":"http://a.test/","type":"ATLEAST_ONCE"`+
			fields+`}`).into(c.t, 201, &made)
		if _, elsewhere := n.Owner(jobID(c.t, made.JobID)); !elsewhere {
			c.pass(1500 * time.Millisecond)
			return made.JobID
		}
		call(c.t, n, "DELETE", "/jobs/"+made.JobID, "").into(c.t, 200, new(any))
	}
	c.t.Fatal("no job of this node")
	return ""
}

// forwardedBy returns how many requests a node has sent on, by outcome.
func (c *cluster) forwardedBy(n *node, outcome string) int {
	w := httptest.NewRecorder()
	n.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var v float64
	_, rest, found := strings.Cut(w.Body.String(), fmt.Sprintf("%s{outcome=%q} ", telemetry.MetricForwarded, outcome))
	if found {
		_, _ = fmt.Sscan(rest, &v)
	}
	return int(v)
}
