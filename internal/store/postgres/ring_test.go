package postgres

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func plainFact(n int64) *domain.Execution {
	return &domain.Execution{
		FireKey: domain.FireKey{JobID: domain.JobID{15: byte(n)}, ScheduledAt: n}, Version: 3,
		Status: domain.StatusSuccess, StartedAt: n + 2, CompletedAt: n + 5, HTTPStatus: 204,
	}
}

func testRing(t *testing.T) *ring {
	t.Helper()
	r := newRing(slog.New(slog.DiscardHandler))
	t.Cleanup(r.close)
	return r
}

// Whatever a fact has comes out as it went in.
func TestRingKeepsFactsWhole(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(kept{}); size > 60 {
		t.Errorf("a fact takes %d bytes: 100,000 are to take 6 MB", size)
	}
	plain := plainFact(50)
	if keep(plain).more != nil {
		t.Error("a plain success is kept with all that others have")
	}
	manual, early, failed, retried, unsent, late, odd := *plain, *plain, *plain, *plain, *plain, *plain, *plain
	manual.Nonce = 9
	early.StartedAt, early.CompletedAt = 40, 30
	failed.Status, failed.HTTPStatus, failed.Error = domain.StatusFailed, 500, "broken"
	retried.RetryCount, retried.Attempts = 1, []domain.Attempt{{Number: 1}, {Number: 2}}
	unsent.Status, unsent.StartedAt, unsent.HTTPStatus = domain.StatusMissed, 0, 0
	unsent.Missed = &domain.MissedRange{From: 20, Count: 4}
	late.StartedAt, late.CompletedAt = 50+math.MaxInt32+1, 50+math.MaxInt32+9
	odd.HTTPStatus = math.MaxInt16 + 1
	for _, e := range []*domain.Execution{plain, &manual, &early, &failed, &retried, &unsent, &late, &odd} {
		k := keep(e)
		if got := k.execution(); !reflect.DeepEqual(got, *e) {
			t.Errorf("kept %+v\nas   %+v", *e, got)
		}
	}
	k := keep(&retried)
	retried.Attempts[0].Number = 7
	if k.more.Attempts[0].Number != 1 {
		t.Error("what is kept changes with what the caller reuses")
	}
}

// The oldest facts go first, and what is stored again comes in the order in which it was recorded.
func TestRingDropsTheOldest(t *testing.T) {
	t.Parallel()
	r := testRing(t)
	const added = ringSize + 2_500
	for n := int64(0); n < added; n += 500 {
		rec := &recorded{server: 1}
		for i := n; i < n+500; i++ {
			rec.facts = append(rec.facts, plainFact(i))
		}
		r.add(rec)
	}
	next := int64(added - ringSize)
	r.write = func(_ context.Context, p *piece) (int, int64, error) {
		for i := range p.facts {
			if p.facts[i].ScheduledAt != next {
				t.Fatalf("fact %d comes where %d should", p.facts[i].ScheduledAt, next)
			}
			next++
		}
		return 0, 2, nil
	}
	if !r.complete(1) || r.complete(2) {
		t.Error("server 1 has everything, and server 2 nothing")
	}
	if err := r.restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if next != added || r.complete(1) || !r.complete(2) {
		t.Errorf("stored up to %d, want %d; complete on 1 %v, on 2 %v", next, added, r.complete(1), r.complete(2))
	}
}

// A server is complete when everything was stored in it: not if the server changes meanwhile, nor if something
// was recorded in another one.
func TestRingIsCompleteOnOneServer(t *testing.T) {
	t.Parallel()
	r := testRing(t)
	if !r.complete(5) {
		t.Error("there is nothing that could be lost")
	}
	r.add(&recorded{server: 1, facts: []*domain.Execution{plainFact(1)}})
	r.add(&recorded{server: 2, facts: []*domain.Execution{plainFact(2)}})
	if r.complete(1) || r.complete(2) {
		t.Error("neither server has both")
	}
	r.write = func(context.Context, *piece) (int, int64, error) {
		r.add(&recorded{server: 1, facts: []*domain.Execution{plainFact(3)}}) // a connection to the old one
		return 0, 2, nil
	}
	if err := r.restore(t.Context()); err != nil || r.complete(2) {
		t.Errorf("server 2 has not the third, error %v", err)
	}
	broken := errors.New("the connection was cut")
	r.write = func(context.Context, *piece) (int, int64, error) { return 0, 0, broken }
	if err := r.restore(t.Context()); !errors.Is(err, broken) || r.complete(2) {
		t.Errorf("nothing was stored, error %v", err)
	}
	r.write = func(context.Context, *piece) (int, int64, error) { return 0, 2, nil }
	if err := r.restore(t.Context()); err != nil || !r.complete(2) {
		t.Errorf("everything was stored in server 2, error %v", err)
	}
	for n := range int64(2_000) {
		r.add(&recorded{server: 2, facts: []*domain.Execution{plainFact(n)}})
	}
	servers := []int64{3, 4, 4}
	r.write = func(context.Context, *piece) (int, int64, error) {
		server := servers[0]
		servers = servers[1:]
		return 0, server, nil
	}
	if err := r.restore(t.Context()); err == nil || r.complete(3) || r.complete(4) {
		t.Errorf("one part is in server 3, the other in 4; error %v", err)
	}
}

// Decisions are stored under the leases of then. Where another owner has the shard it decides.
func TestRingLeavesDecisionsToTheNextOwner(t *testing.T) {
	t.Parallel()
	r := testRing(t)
	decided := func(n int64, epoch int64) {
		d := &store.Decision{Execution: *plainFact(n), TakenFrom: 4}
		d.Status = domain.StatusSkipped
		r.add(&recorded{server: 1, decisions: []*store.Decision{d}, runner: 77,
			fences: []store.Fence{{Number: 63}, {Number: d.JobID.Shard(shardCount), Lease: store.Lease{Epoch: epoch}}}})
	}
	decided(1, 10)
	decided(2, 20)
	decided(1, 30) // the shard was lost and came back
	r.add(&recorded{server: 1, facts: []*domain.Execution{plainFact(8)}})
	var stored []int64
	r.write = func(_ context.Context, p *piece) (int, int64, error) {
		for _, f := range p.fences {
			if f.Epoch == 10 {
				return 0, 0, store.Stale(f.Number)
			}
		}
		for i := range p.decisions {
			number := p.decisions[i].JobID.Shard(shardCount)
			at := slices.IndexFunc(p.fences, func(f store.Fence) bool { return f.Number == number })
			if at < 0 || p.runner != 77 || p.decisions[i].TakenFrom != 4 {
				t.Fatalf("decision %+v of %d under %v", p.decisions[i], p.runner, p.fences)
			}
			stored = append(stored, p.fences[at].Epoch)
		}
		for i := range p.facts {
			stored = append(stored, p.facts[i].ScheduledAt)
		}
		return 0, 2, nil
	}
	if err := r.restore(t.Context()); err != nil || !slices.Equal(stored, []int64{20, 30, 8}) {
		t.Errorf("stored %v, error %v", stored, err)
	}
}

// One restoring goes on at a time, and a close ends it.
func TestRingRestoresOnce(t *testing.T) {
	t.Parallel()
	r := newRing(slog.New(slog.DiscardHandler))
	r.add(&recorded{server: 1, facts: []*domain.Execution{plainFact(1)}})
	began := make(chan struct{}, 3)
	r.write = func(ctx context.Context, _ *piece) (int, int64, error) {
		began <- struct{}{}
		<-ctx.Done()
		return 0, 0, ctx.Err()
	}
	r.begin()
	<-began
	r.begin()
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.restore(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v while somebody restores", err)
	}
	r.close()
	if len(began) > 0 {
		t.Error("two go on at a time")
	}
}
