//go:build unix

package postgres_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

// losing is a server of its own that can lose its last commits, as a failover to an asynchronous standby does.
type losing struct {
	*postgrestest.Server
	url string
}

func newLosing(t *testing.T) *losing {
	t.Helper()
	server, err := postgrestest.Start(postgrestest.Options{})
	postgrestest.Need(t, err)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &losing{server, server.URL("postgres")}
}

func (l *losing) do(t *testing.T, steps ...func() error) {
	t.Helper()
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// keep copies everything that is committed, and promote goes on with the copy.
func (l *losing) keep(t *testing.T) (promote func()) {
	t.Helper()
	data, copied := filepath.Join(l.Folder(), "data"), filepath.Join(l.Folder(), "copy")
	stop := func() error { return l.End(syscall.SIGINT) }
	l.do(t, stop, exec.CommandContext(t.Context(), "cp", "-a", data, copied).Run, l.Launch)
	return func() {
		l.do(t, func() error { return l.End(syscall.SIGQUIT) }, func() error { return os.RemoveAll(data) },
			func() error { return os.Rename(copied, data) }, l.Launch)
	}
}

// repeated calls fn until it succeeds: connections that were cut fail once each.
func repeated(t *testing.T, fn func() error) {
	t.Helper()
	var err error
	for range 50 {
		if err = fn(); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal(err)
}

// anHour is how far the clock of a node is ahead here, in milliseconds: H follows the clock of the database alone,
// however long a test takes.
const anHour = 60 * 60_000

// owned claims the shards of jobs and returns their beats up to the instant.
func owned(t *testing.T, s store.Store, at int64, jobs ...byte) (beats []store.Beat, fences []store.Fence) {
	t.Helper()
	rows, err := s.Shards().Peek(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(map[int]bool)
	var claims []store.Claim
	for _, n := range jobs {
		if number := job(n).JobID.Shard(len(rows)); !numbers[number] {
			numbers[number] = true
			claims = append(claims, store.Claim{Number: number, Seen: rows[number].Seen()})
		}
	}
	claimed, err := s.Shards().Claim(t.Context(), 7, claims)
	if err != nil || len(claimed) != len(claims) {
		t.Fatalf("claimed %v, error %v", claimed, err)
	}
	for i := range claimed {
		sh := &claimed[i]
		beats = append(beats, store.Beat{Number: sh.Number, Lease: sh.Lease, Clock: sh.Clock + anHour, Watermark: at,
			Last: sh.Progress()})
		fences = append(fences, store.Fence{Number: sh.Number, Lease: sh.Lease})
	}
	return beats, fences
}

// TestAFailoverLosesCommits: what was acknowledged and is lost is stored again before W passes it.
func TestAFailoverLosesCommits(t *testing.T) {
	t.Parallel()
	server := newLosing(t)
	s := open(t, server.url)
	ctx := t.Context()
	base := time.Now().UnixMilli()
	plain := func(at int64) domain.Execution { return fact(1, at, domain.StatusSuccess) }
	poison := domain.OpenRun{FireKey: domain.FireKey{JobID: job(2).JobID, ScheduledAt: base + 7}, Version: 1,
		NextAt: base + 9_000, CreatedAt: base + 7, Crashes: 3, Runner: 7}
	before := store.Batch{Facts: []domain.Execution{plain(base + 1)}, Open: []domain.OpenRun{poison}, Runner: 7}
	if err := s.Ledger().Record(ctx, before); err != nil {
		t.Fatal(err)
	}
	beats, fences := owned(t, s, base+1, 1, 2, 3)
	if _, err := s.Shards().Beat(ctx, beats, 3_000); err != nil {
		t.Fatal(err)
	}
	promote := server.keep(t)
	failed := fact(2, base+2, domain.StatusFailed)
	failed.Error = "500: broken"
	skipped := fact(3, base+3, domain.StatusSkipped)
	skipped.StartedAt, skipped.HTTPStatus, skipped.Error = 0, 0, "the previous execution still runs"
	poisoned := fact(2, base+7, domain.StatusFailed)
	run := domain.OpenRun{FireKey: domain.FireKey{JobID: job(3).JobID, ScheduledAt: base + 4}, Version: 1,
		Attempts: []domain.Attempt{{Number: 1, StartedAt: base + 4, CompletedAt: base + 5, HTTPStatus: 503}},
		NextAt:   base + 9_000, CreatedAt: base + 5, Runner: 7}
	ended := run
	ended.ScheduledAt = base + 6
	batches := []store.Batch{
		{Facts: []domain.Execution{plain(base + 2), failed}, Runner: 7},
		{Open: []domain.OpenRun{run, ended}, Runner: 7},
		{Facts: []domain.Execution{fact(3, base+6, domain.StatusSuccess)}, Runner: 7},
		{Decisions: []store.Decision{{Execution: skipped}, {Execution: poisoned}}, Fences: fences, Runner: 7},
	}
	for _, b := range batches {
		repeated(t, func() error { return s.Ledger().Record(ctx, b) })
	}
	var totals store.Totals
	repeated(t, func() (err error) {
		totals, err = s.History().Totals(ctx, 0)
		return err
	})
	if totals.ByStatus[domain.StatusSuccess] != 3 {
		t.Fatalf("totals %v", totals)
	}
	promote()

	direct := open(t, server.url)
	lost := func() int {
		n := 0
		err := direct.Ledger().Facts(ctx, store.ShardSet{}, base+1, base+100,
			func(store.FactRange) error { n++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return 5 - n
	}
	if n := lost(); n != 5 {
		t.Fatalf("%d of 5 facts are lost: this is no failover", n)
	}
	for i := range beats {
		beats[i].Watermark = base + 50
	}
	for end := time.Now().Add(time.Minute); ; {
		var held []store.Shard
		repeated(t, func() (err error) {
			held, err = s.Shards().Beat(ctx, beats, 3_000)
			return err
		})
		if len(held) != len(beats) {
			t.Fatalf("of %d shards %d were held", len(beats), len(held))
		}
		moved := 0
		for i := range held {
			if held[i].Horizon < held[i].Clock {
				t.Error("H waits for what is stored again")
			}
			if held[i].Watermark >= base+2 {
				moved++
			}
		}
		if moved > 0 && moved < len(held) {
			t.Errorf("W of %d of %d shards has moved", moved, len(held))
		}
		if moved > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("W does not move again")
		}
	}
	if n := lost(); n != 0 {
		t.Errorf("W has passed %d facts that are not there", n)
	}
	wantOpen(t, direct, run)
	after, err := direct.History().Totals(ctx, 0)
	for status, n := range totals.ByStatus {
		if err != nil || after.ByStatus[status] != n {
			t.Errorf("%s: %d, before the failover %d, error %v", status, after.ByStatus[status], n, err)
		}
	}
	alerts, err := direct.Alerts().List(ctx, store.AlertPage{Limit: 10})
	if err != nil || len(alerts) != 1 || alerts[0].JobID != job(2).JobID {
		t.Errorf("alerts %+v, error %v", alerts, err)
	}
}

func wantOpen(t *testing.T, s store.Store, want domain.OpenRun) {
	t.Helper()
	var open []domain.OpenRun
	err := s.Ledger().OpenRuns(t.Context(), store.ShardSet{}, func(r domain.OpenRun) error {
		open = append(open, r)
		return nil
	})
	if err != nil || len(open) != 1 || open[0].FireKey != want.FireKey || open[0].Runner != want.Runner ||
		len(open[0].Attempts) != len(want.Attempts) {
		t.Errorf("open runs %+v, error %v; want %+v", open, err, want)
	}
}

// TestAFailoverBeforeARelease: a shard is not given back in good order while its facts may be lost.
func TestAFailoverBeforeARelease(t *testing.T) {
	t.Parallel()
	server := newLosing(t)
	s := open(t, server.url)
	ctx := t.Context()
	base := time.Now().UnixMilli()
	beats, _ := owned(t, s, base, 1)
	promote := server.keep(t)
	repeated(t, func() error {
		return s.Ledger().Record(ctx, store.Batch{Facts: []domain.Execution{fact(1, base+2, domain.StatusSuccess)}})
	})
	promote()
	repeated(t, func() error { return s.Shards().Release(ctx, beats, 3_000) })
	direct := open(t, server.url)
	if _, err := direct.History().Execution(ctx, fact(1, base+2, domain.StatusSuccess).ID()); err != nil {
		t.Errorf("the shard is free, and a fact of it is lost: %v", err)
	}
}
