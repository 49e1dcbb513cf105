package executor

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// The connections of a host are those of all its pools, and its handshakes are counted.
func TestHosts(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{a.sign(t, nil)}})
	table := new(host.Table)
	x := newTestExecutor(t, Config{RootCAs: a.pool, Hosts: table})
	if all := x.Hosts(); len(all) != 0 {
		t.Errorf("%+v at first", all)
	}
	call := newCall(s.under("127.0.0.1"))
	mustSucceed(t, x, call)
	skips := newCall(s.under("127.0.0.1"))
	skips.SkipVerify = true
	mustSucceed(t, x, skips)

	key := target.Of(s.under("127.0.0.1"))
	all := x.Hosts()
	if want := (HostState{Key: key, Open: 2, Idle: 2}); len(all) != 1 || all[0] != want {
		t.Errorf("%+v, want %+v", all, want)
	}
	cond := table.Hold(key)
	defer table.Release(cond)
	if got := cond.Handshakes.Counts(); got != (host.HandshakeCounts{Full: 2}) {
		t.Errorf("%+v", got)
	}
}

// The connection of a call that waits for its answer is open and not idle.
func TestHostsInUse(t *testing.T) {
	t.Parallel()
	came, answers := make(chan struct{}), make(chan struct{})
	k := serveRaw(t, func(_ int, c net.Conn) {
		if readRaw(c) != "" {
			close(came)
			<-answers
			_, _ = io.WriteString(c, rawResponse(200, "ok"))
		}
	})
	x := newTestExecutor(t, Config{})
	ended := make(chan domain.Outcome)
	go func() { ended <- do(x, newCall(k.url())) }()
	<-came
	all := x.Hosts()
	if want := (HostState{Key: target.Of(k.url()), Open: 1}); len(all) != 1 || all[0] != want {
		t.Errorf("%+v, want %+v", all, want)
	}
	close(answers)
	<-ended
}

func TestFailedHandshakesAreCounted(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t).sign(t, nil)}})
	table := new(host.Table)
	x := newTestExecutor(t, Config{RootCAs: newAuthority(t).pool, Hosts: table})
	if out := do(x, newCall(s.under("127.0.0.1"))); out.Error == "" {
		t.Fatal("the authority is not known")
	}
	cond := table.Hold(target.Of(s.under("127.0.0.1")))
	defer table.Release(cond)
	if got := cond.Handshakes.Counts(); got != (host.HandshakeCounts{Failed: 1}) {
		t.Errorf("%+v", got)
	}
	if dials, failed := cond.Dials.Unanswered(); dials != 1 || failed != 1 {
		t.Errorf("%d dials, %d failed", dials, failed)
	}
}

// Connections of HTTP/2 are distinguished, with the calls that they have.
func TestHostsOfHTTP2(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	came, answers := make(chan struct{}), make(chan struct{})
	s := serveBoth(t, ca, func(http.ResponseWriter, *http.Request) {
		came <- struct{}{}
		<-answers
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	want := func(want HostState) {
		t.Helper()
		want.Key = target.Of(s.url("/"))
		if all := x.Hosts(); len(all) != 1 || all[0] != want {
			t.Errorf("%+v, want %+v", all, want)
		}
	}
	ended := make(chan domain.Outcome)
	for range 3 {
		go func() { ended <- do(x, newCall(s.url("/"))) }()
		<-came
	}
	want(HostState{Open: 1, HTTP2: 1, Streams: 3})
	close(answers)
	for range 3 {
		if out := <-ended; out.Verdict != success {
			t.Errorf("%+v", out)
		}
	}
	want(HostState{Open: 1, Idle: 1, HTTP2: 1})
}

// The last failure of a host has the words of the execution, without its secrets, and the
// instant; a success does not clear it.
func TestLastFailureOfAHost(t *testing.T) {
	t.Parallel()
	fails := true
	k := serveRaw(t, func(_ int, c net.Conn) {
		for readRaw(c) != "" {
			status, body := 200, "ok"
			if fails {
				status, body = 500, "the token sesame-0123456789 is wrong"
			}
			_, _ = io.WriteString(c, rawResponse(status, body))
		}
	})
	table, wall := new(host.Table), new(clock.Manual)
	wall.Step(24 * time.Hour)
	x := newTestExecutor(t, Config{Hosts: table, Clock: wall, Signing: Signing{Secrets: []string{"sesame-0123456789"}}})
	cond := table.Hold(target.Of(k.url()))
	defer table.Release(cond)
	if last := cond.Failures.Last(); last != nil {
		t.Errorf("%+v before the first call", last)
	}
	began := clock.NowMs(wall)
	out := do(x, newCall(k.url()))
	last := cond.Failures.Last()
	if out.Error == "" || last == nil || last.Text != out.Error || strings.Contains(last.Text, "sesame") ||
		last.At < began || last.At > clock.NowMs(wall) {
		t.Errorf("%+v, and the outcome is %+v", last, out)
	}
	fails = false
	mustSucceed(t, x, newCall(k.url()))
	if cond.Failures.Last() != last {
		t.Error("a success has changed it")
	}
}
