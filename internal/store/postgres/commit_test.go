//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

func job(n byte) domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "0 * * * * *", "http://127.0.0.1:4444/ok", domain.AtLeastOnce
	return domain.Version{
		JobID: domain.JobID{0: 1, 6: 0x70, 8: 0x80, 15: n}, Number: 1, EffectiveFrom: 1_000,
		EffectiveTo: domain.Forever, CreatedAt: 1_000, Active: true, Spec: spec,
	}
}

func fact(n byte, at int64, status domain.Status) domain.Execution {
	return domain.Execution{
		FireKey: domain.FireKey{JobID: job(n).JobID, ScheduledAt: at}, Version: 1, Status: status,
		StartedAt: at + 3, CompletedAt: at + 23, HTTPStatus: 200,
	}
}

// proxy is between a store and its server. It can swallow one answer and cut the connection.
type proxy struct {
	listener net.Listener
	target   string // a socket
	armed    atomic.Bool
}

func newProxy(t *testing.T, s *postgrestest.Server) *proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: s.Folder() + "/.s.PGSQL.5432"}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := new(net.Dialer).DialContext(context.Background(), "unix", p.target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() { _, _ = io.Copy(server, client) }()
	answer := make([]byte, 64<<10)
	for {
		n, err := server.Read(answer)
		// The answer to a commit ends with its tag and "ready for queries, in no transaction".
		if committed := n >= 6 && string(answer[n-6:n]) == "Z\x00\x00\x00\x05I"; committed &&
			p.armed.CompareAndSwap(true, false) {
			return
		}
		if err != nil {
			return
		}
		if _, err := client.Write(answer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) url(database string) string {
	name := database[strings.LastIndex(database, "@/")+2 : strings.Index(database, "?")]
	return fmt.Sprintf("postgres://belfry@%s/%s?sslmode=disable", p.listener.Addr(), name)
}

// TestLostAnswers: what was committed though its answer was lost is not done again when the call is
// repeated.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	url := database(t)
	p := newProxy(t, server)
	s, direct := open(t, p.url(url)), open(t, url)
	ctx := t.Context()
	next := job(1)
	next.Number, next.EffectiveFrom, next.Active = 2, 5_000, false
	facts := []domain.Execution{fact(1, 60_000, domain.StatusSuccess), fact(2, 60_000, domain.StatusFailed)}
	rows, err := direct.Shards().Peek(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		call func() error
	}{
		{"Create", func() error { return s.Jobs().Create(ctx, []domain.Version{job(1), job(2)}) }},
		{"Update", func() error { return s.Jobs().Update(ctx, next) }},
		{"Delete", func() error { return s.Jobs().Delete(ctx, job(2).JobID, 1, 7_000) }},
		{"Record", func() error { return s.Ledger().Record(ctx, store.Batch{Facts: facts}) }},
		{"Claim", func() error { _, err := s.Shards().Claim(ctx, 7, store.ClaimsOf(rows[:1])); return err }},
	} {
		if err := s.Ledger().Record(ctx, store.Batch{}); err != nil { // the connection is there
			t.Fatal(err)
		}
		p.armed.Store(true)
		lost := 0
		for ; lost < 10 && c.call() != nil; lost++ { // a connection may be asked first whether it answers
			continue
		}
		if p.armed.Load() {
			t.Errorf("%s: no answer was lost", c.name)
		}
		if err := c.call(); err != nil {
			t.Errorf("%s again: %v", c.name, err)
		}
	}
	if total, active, err := direct.Jobs().Count(ctx); total != 1 || active != 0 || err != nil {
		t.Errorf("%d jobs, %d active, %v", total, active, err)
	}
	totals, err := direct.History().Totals(ctx, 0)
	if err != nil || totals.ByStatus[domain.StatusSuccess] != 1 || totals.ByStatus[domain.StatusFailed] != 1 {
		t.Errorf("counted %+v, %v", totals, err)
	}
	alerts, err := direct.Alerts().List(ctx, store.AlertPage{Limit: 5})
	if err != nil || len(alerts) != 1 || alerts[0].Count != 1 {
		t.Errorf("alerts %+v, %v", alerts, err)
	}
}

// synchronous starts a server whose commits wait for a standby that is not there.
func synchronous(t *testing.T) (url string, release func()) {
	t.Helper()
	server, err := postgrestest.Start(postgrestest.Options{})
	postgrestest.Need(t, err)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	url = server.URL("postgres")
	open(t, url)
	set := func(standby string) {
		execute(t, url, "ALTER SYSTEM SET synchronous_standby_names = '"+standby+"'")
		execute(t, url, "SELECT pg_reload_conf()")
	}
	set("nobody")
	for !waits(t, url) {
		continue
	}
	return url, func() { set("") }
}

// waits makes a commit and reports whether it has waited for a standby: sessions read the setting before the process
// does that lets commits wait. It ends the wait.
func waits(t *testing.T, url string) bool {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		c, err := pgx.Connect(t.Context(), url)
		if err == nil {
			_, err = c.Exec(t.Context(), "CREATE TABLE awaited (); DROP TABLE awaited")
			err = errors.Join(err, c.Close(context.Background()))
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return false
		default:
		}
		if count(t, url, waiting) > 0 {
			execute(t, url, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			return true
		}
	}
}

func count(t *testing.T, url, query string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if err := c.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query <> ''"

// TestEndOfAContextCancelsNoCommit: a commit that waits for its standby goes on waiting when its caller gives up.
// Nobody reads it before the standby has it.
func TestEndOfAContextCancelsNoCommit(t *testing.T) {
	t.Parallel()
	url, release := synchronous(t)
	s := open(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := s.Jobs().Create(ctx, []domain.Version{job(1)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v, want that of the context", err)
	}
	for range 20 {
		if n := count(t, url, waiting); n != 1 {
			t.Fatalf("%d commits wait, want the one that was given up", n)
		}
		if total, _, err := s.Jobs().Count(t.Context()); total != 0 || err != nil {
			t.Fatalf("%d jobs are read before the standby has one, %v", total, err)
		}
	}
	release()
	for count(t, url, waiting) > 0 {
		continue
	}
	if err := s.Jobs().Create(t.Context(), []domain.Version{job(1)}); err != nil {
		t.Errorf("again: %v", err)
	}
	if total, _, err := s.Jobs().Count(t.Context()); total != 1 || err != nil {
		t.Errorf("%d jobs, %v", total, err)
	}
}

// TestCancelledWaitIsNoCommit: somebody else cancels the wait, and PostgreSQL answers that it has committed.
func TestCancelledWaitIsNoCommit(t *testing.T) {
	t.Parallel()
	url, release := synchronous(t)
	defer release()
	s := open(t, url)
	answers := make(chan error, 1)
	go func() { answers <- s.Jobs().Create(t.Context(), []domain.Version{job(1)}) }()
	for count(t, url, waiting) == 0 {
		continue
	}
	execute(t, url, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
	if err := <-answers; domain.ErrorCode(err) != domain.CodeUnavailable ||
		!strings.Contains(err.Error()+fmt.Sprint(errors.Unwrap(err)), "a standby may not have the commit") {
		t.Errorf("error %v", err)
	}
}
