package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/executor"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/target"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// newHostWatch returns one over an executor, and an engine that fires nothing.
func newHostWatch(t *testing.T) *hostWatch {
	t.Helper()
	w := &hostWatch{table: new(host.Table), clock: clock.System{}}
	var err error
	if w.executor, err = executor.New(executor.Config{Hosts: w.table}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.executor.Close)
	db, err := memory.NewDisk(w.clock).Open()
	if err != nil {
		t.Fatal(err)
	}
	if w.engine, err = engine.New(engine.Config{
		Store: db, Executor: w.executor, Clock: w.clock, Metrics: telemetry.NewMetrics(), Hosts: w.table,
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

// What executor, condition and handshakes know is joined by host; the metrics are made of
// the same list.
func TestHostsAreJoined(t *testing.T) {
	t.Parallel()
	w := newHostWatch(t)
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	call := &domain.Call{Method: "POST", URL: s.URL, Timeout: time.Minute, SkipVerify: true}
	var out domain.Outcome
	if w.executor.Do(call, &out); out.Error != "" {
		t.Fatal(out.Error)
	}
	all := w.Hosts()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	h := all[0]
	if h.Name != s.URL || h.State != "answering" || h.LastError != nil || h.Limit != 0 || h.Worth != 0 ||
		h.Connections != (view.Connections{Open: 1, Idle: 1}) ||
		*h.Handshakes != (view.Handshakes{Full: 1, Window: 5}) ||
		h.Certificate.Reason != notVerified || h.Certificate.Verified || h.Certificate.Version != "TLS 1.3" {
		t.Errorf("%+v, %+v, %+v", h, h.Handshakes, h.Certificate)
	}
	all[0].Name = "changed"
	if w.Hosts()[0].Name != s.URL {
		t.Error("a caller has changed the list of others")
	}
	m := telemetry.NewMetrics()
	w.meter(m)
	res := httptest.NewRecorder()
	m.Handler().ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`belfry_hosts{state="answering"} 1`, `belfry_hosts{state="connecting"} 0`, `belfry_hosts{state="hanging"} 0`,
		`belfry_hosts{state="silent"} 0`, `belfry_hosts{state="refusing"} 0`, `belfry_hosts{state="idle"} 0`,
		`belfry_target_connections{state="idle"} 1`, `belfry_target_connections{state="in_use"} 0`,
		`belfry_target_connections{state="opening"} 0`, `belfry_calls_waiting_for_connection 0`,
	} {
		if !strings.Contains(res.Body.String(), "\n"+line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
	if strings.Contains(res.Body.String(), "belfry_busy_host") {
		t.Error("a host with nothing to do has series of its own")
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	c := new(host.Table).Hold(target.Of("https://h.test/"))
	limit := host.NewLimit(c, 100)
	limit.Ended(2_346*time.Microsecond, 60_000)
	for range 17 {
		c.Dials.Begin()
		c.Dials.Failed()
	}
	c.Connecting(3)
	c.Handshakes.Count(host.HandshakeFailed)
	c.Failures.Note("earlier", 1)
	c.Failures.Note("no route to h.test:443", 2)
	var h view.Host
	describe(&h, c, 60_000)
	if h.State != "refusing" || h.Worth != 64 || h.Unanswered != 17 || h.Refused != 17 || h.Recent != 1 ||
		h.UsualMs != 2.35 || h.QuickestMs != 2.35 || h.Connections.Waiting != 3 ||
		h.LastError == nil || *h.LastError != (view.HostError{Text: "no route to h.test:443", At: 2}) ||
		*h.Handshakes != (view.Handshakes{Failed: 1, Window: 4}) {
		t.Errorf("%+v, %+v", h, h.Handshakes)
	}
}

func TestCertificateOf(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli
	fact := certs.Fact{Subject: "s", Issuer: "i", Names: []string{"n"}, MoreNames: 1, NotBefore: at(1), NotAfter: at(4),
		Expires: at(3), SeenAt: at(2), Version: "TLS 1.3"}
	for _, tc := range []struct {
		fault     string
		unchecked bool
		verified  bool
		reason    string
	}{{"", false, true, ""}, {"expired", false, false, "expired"}, {"", true, false, notVerified}} {
		fact.Fault, fact.Unchecked = tc.fault, tc.unchecked
		want := view.Certificate{Subject: "s", Issuer: "i", Names: []string{"n"}, MoreNames: 1,
			NotBefore: 1, NotAfter: 4,
			Expires: 3, SeenAt: 2, Verified: tc.verified, Reason: tc.reason, Version: "TLS 1.3"}
		if got := *certificateOf(&fact); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// However many hosts are busy, ten have series.
func TestBusiestAreBounded(t *testing.T) {
	t.Parallel()
	var all []view.Host
	for i := range 50 {
		all = append(all, view.Host{Name: fmt.Sprint(i), Queued: 50 - i})
	}
	queued := func(h *view.Host) float64 { return float64(h.Queued) }
	if got := busiest(all, queued); len(got) != 10 || got[0] != (telemetry.Sample{Label: "0", Value: 50}) {
		t.Errorf("%v", got)
	}
	if got := busiest([]view.Host{{Name: "a", Calls: 1}, {Name: "b", Recent: 9}}, queued); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// What was read is answered again for a quarter of a second.
func TestHostsAreReadAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &hostWatch{clock: clock.System{}, all: []view.Host{{Name: "old"}}}
		w.read = w.clock.Mark()
		time.Sleep(hostsKeptFor - 1)
		if all := w.Hosts(); len(all) != 1 {
			t.Errorf("%v", all)
		}
	})
	w := newHostWatch(t)
	w.all = []view.Host{{Name: "old"}}
	if all := w.Hosts(); len(all) != 0 {
		t.Errorf("%v: it was never read", all)
	}
}
