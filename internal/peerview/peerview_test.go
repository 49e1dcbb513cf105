package peerview

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/peer"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// live has executions that have not ended.
type live []domain.Execution

func (l live) Live(id domain.ExecutionID) (domain.Execution, bool) {
	for _, x := range l {
		if x.ID() == id {
			return x, true
		}
	}
	return domain.Execution{}, false
}

func (l live) LiveList(q store.ExecutionQuery) store.ExecutionPage {
	page := q.Collect()
	for _, x := range l {
		if q.Selects(&x) {
			page.Add(x)
		}
	}
	return page.End()
}

func (l live) NextFires(ctx context.Context, after domain.FireKey, limit int) (fires []domain.FireKey, err error) {
	for _, x := range l {
		if x.Sooner(after) > 0 && len(fires) < limit {
			fires = append(fires, x.FireKey)
		}
	}
	return fires, ctx.Err()
}

type hosts []view.Host

func (h hosts) Hosts() []view.Host { return h }

// nodes are other nodes, by name. One that is nil does not answer.
type nodes struct {
	handlers    map[string]http.Handler
	unreachable int
	asked       atomic.Int64
}

func (n *nodes) Others() (all []peer.Node, unreachable int) {
	for name := range n.handlers {
		all = append(all, peer.Node{Name: name, URL: "http://" + name})
	}
	return all, n.unreachable
}

func (n *nodes) Send(_ context.Context, to peer.Node, r *http.Request, body []byte, _ peer.Caller) (*http.Response,
	peer.Outcome, error) {
	n.asked.Add(1)
	h := n.handlers[to.Name]
	if h == nil {
		return nil, peer.Unknown, errors.New("silent")
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	return w.Result(), peer.Answered, nil
}

func run(at, nonce int64, status domain.Status) domain.Execution {
	return domain.Execution{FireKey: domain.FireKey{JobID: domain.JobID{1}, ScheduledAt: at, Nonce: nonce}, Version: 2,
		Status: status, Attempts: []domain.Attempt{{Number: 1, Error: "busy"}}}
}

// What nodes know comes back whole; those that are silent, or answer nonsense, are counted.
func TestQuestions(t *testing.T) {
	t.Parallel()
	first := live{run(9_000, 0, domain.StatusRunning), run(5_000, 7, domain.StatusPending)}
	second := live{run(7_000, 0, domain.StatusRunning)}
	nonsense := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "?") })
	n := &nodes{unreachable: 1, handlers: map[string]http.Handler{
		"a": &Answerer{first, hosts{{Name: "x", Calls: 3, Certificate: &view.Certificate{Names: []string{"x"}}}},
			func() NodeLoad { return NodeLoad{7, view.Load{FiresPerSecond: 2.5, DriftP99Ms: new(int64(9))}} }},
		"b":      &Answerer{second, hosts{{Name: "y"}}, func() NodeLoad { return NodeLoad{Node: 8} }},
		"silent": nil, "old": http.NotFoundHandler(), "broken": nonsense,
	}}
	a := &Asker{n}
	pages, missing := a.LiveList(t.Context(), store.ExecutionQuery{Limit: 10, From: 6_000,
		Statuses: []domain.Status{domain.StatusRunning}})
	var at []int64
	for _, p := range pages {
		for _, x := range p.Executions {
			at = append(at, x.ScheduledAt)
			if x.Attempts[0].Error != "busy" || x.JobID != (domain.JobID{1}) || x.Version != 2 {
				t.Errorf("%+v", x)
			}
		}
	}
	slices.Sort(at)
	if !slices.Equal(at, []int64{7_000, 9_000}) || missing != 4 || len(pages) != 2 {
		t.Errorf("%v of %d pages, %d missing", at, len(pages), missing)
	}
	if x, found, missing := a.Live(t.Context(), first[1].ID()); !found || x.Nonce != 7 || missing != 0 {
		t.Errorf("%+v, %v, %d missing", x, found, missing)
	}
	if _, found, missing := a.Live(t.Context(), domain.ExecutionID{9}); found || missing != 4 {
		t.Errorf("an execution that is nowhere: %v, %d missing", found, missing)
	}
	fires, missing := a.NextFires(t.Context(), domain.FireKey{ScheduledAt: 6_000}, 5)
	if len(fires) != 2 || len(fires[0])+len(fires[1]) != 2 || missing != 4 {
		t.Errorf("next fires %v, %d missing", fires, missing)
	}
	all, missing := a.Hosts(t.Context())
	if len(all) != 2 || missing != 4 || len(all[0])+len(all[1]) != 2 {
		t.Errorf("%+v, %d missing", all, missing)
	}
	loads := a.Loads(t.Context())
	if len(loads) != 2 || loads[7].FiresPerSecond != 2.5 || *loads[7].DriftP99Ms != 9 || loads[8] != (view.Load{}) {
		t.Errorf("%+v", loads)
	}
	if got := n.asked.Load(); got != 6*5 {
		t.Errorf("%d questions to 5 nodes", got)
	}
}

// A build that knows no hosts is not asked for a list by them: it would answer with all.
func TestListsByHostAreAskedOfWhoKnowsThem(t *testing.T) {
	t.Parallel()
	answers := &Answerer{Live: live{run(9_000, 0, domain.StatusRunning)}}
	old := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != pathList {
			http.NotFound(w, r)
			return
		}
		answers.ServeHTTP(w, r)
	})
	a := &Asker{&nodes{handlers: map[string]http.Handler{"old": old, "new": answers}}}
	for host, want := range map[string][2]int{"": {2, 0}, "x": {1, 1}} {
		pages, missing := a.LiveList(t.Context(), store.ExecutionQuery{Limit: 10, Host: domain.HostFilter{Name: host}})
		if len(pages) != want[0] || missing != want[1] {
			t.Errorf("host %q: %d pages, %d missing", host, len(pages), missing)
		}
	}
}

// A question that cannot be read is refused, and a path that is none.
func TestWrongQuestions(t *testing.T) {
	t.Parallel()
	a := &Answerer{Live: live{}, Hosts: hosts{}}
	for path, want := range map[string]int{pathList: 400, pathExecution: 400, pathNextFires: 400, Prefix + "x": 404} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, bytes.NewReader([]byte("{"))))
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// A search for next fires that nobody waits for any more is not answered as if it were complete.
func TestAnAbandonedSearchHasNoAnswer(t *testing.T) {
	t.Parallel()
	a := &Answerer{Live: live{run(9_000, 0, domain.StatusRunning)}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, pathNextFires, strings.NewReader(`{"limit": 5}`))
	if a.ServeHTTP(w, r.WithContext(ctx)); w.Code != http.StatusServiceUnavailable || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
