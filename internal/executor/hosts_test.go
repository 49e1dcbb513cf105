package executor

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

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
