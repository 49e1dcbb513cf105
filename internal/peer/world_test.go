package peer

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// world is two nodes: a link at one, and a gate at the other, behind something that may
// interfere.
type world struct {
	t     *testing.T
	keys  *Keys
	gate  *Gate
	link  *Link
	node  Node
	clock *clock.Manual // of the gate
	calls atomic.Int32  // requests that the gate has passed on
	got   atomic.Pointer[received]

	between atomic.Pointer[func(next http.Handler) http.Handler] // nil: nothing
	answer  http.HandlerFunc                                     // nil: 200 and some text
}

// received is what reached the API of the other node.
type received struct {
	method, uri, body string
	header            http.Header
	caller            Caller
}

var secret = []byte(strings.Repeat("s", minSecret))

func newWorld(t *testing.T, change ...func(*GateConfig, *LinkConfig)) *world {
	t.Helper()
	w := &world{t: t, clock: new(clock.Manual)}
	var err error
	if w.keys, err = NewKeys(secret); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var next http.Handler = w.gate
		if between := w.between.Load(); between != nil {
			next = (*between)(next)
		}
		next.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.node = Node{Name: "b", Token: 77, URL: server.URL}
	gate := GateConfig{Self: w.node, Keys: w.keys, Clock: w.clock, Log: slog.New(slog.DiscardHandler), Next: w.next}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	link := LinkConfig{Self: "a", Keys: w.keys, Clock: clock.System{}, Transport: transport, Timeout: 20 * time.Second}
	for _, f := range change {
		f(&gate, &link)
	}
	if w.gate, err = NewGate(gate); err != nil {
		t.Fatal(err)
	}
	if w.link, err = NewLink(link); err != nil {
		t.Fatal(err)
	}
	return w
}

// meddle puts something between the nodes.
func (w *world) meddle(with func(next http.Handler) http.Handler) { w.between.Store(&with) }

func (w *world) next(rw http.ResponseWriter, r *http.Request, c Caller) {
	w.calls.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Error(err)
	}
	w.got.Store(&received{method: r.Method, uri: r.RequestURI, body: string(body), header: r.Header, caller: c})
	if w.answer != nil {
		w.answer(rw, r)
		return
	}
	rw.Header().Set("Etag", `"7"`)
	_, _ = io.WriteString(rw, "an answer")
}

var alice = Caller{By: domain.Author{Key: "k1", Name: "alice", Address: "192.0.2.1"}, Role: domain.RoleEditor,
	Namespace: "shop", Identity: Identity{At: 5, Nonce: 6, Due: 7}}

// request is what a client has sent to node a.
func request(method, target, body string) (*http.Request, []byte) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("If-Match", `"6"`)
	r.Header.Set("Authorization", "Bearer secret")
	r.Header.Set("Cookie", "secret")
	r.Header.Set("X-Forwarded-For", "192.0.2.66")
	r.Header.Set(headerHead, "of a client")
	r.Header.Set("Connection", "If-Match")
	return r, []byte(body)
}

// send sends a change of a job.
func (w *world) send(ctx context.Context) (*http.Response, Outcome, error) {
	r, body := request("PUT", "/jobs/1?time=rfc3339", `{"name":"x"}`)
	return w.link.Send(ctx, w.node, r, body, alice)
}

// wants checks an outcome and how many requests have reached the API.
func (w *world) wants(ctx context.Context, what string, outcome Outcome, calls int32) {
	w.t.Helper()
	before := w.calls.Load()
	res, got, err := w.send(ctx)
	if got != outcome || (err == nil) != (outcome == Answered) || (res != nil) != (err == nil) {
		w.t.Errorf("%s: outcome %d, want %d: %v", what, got, outcome, err)
	}
	if n := w.calls.Load() - before; n != calls {
		w.t.Errorf("%s: %d requests reached the API, want %d", what, n, calls)
	}
}
