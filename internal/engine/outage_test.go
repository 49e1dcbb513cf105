package engine

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// When the store does not commit for five minutes, sending stops within the
// horizon, the health says so, and afterwards every fire goes out, late, or is
// on record as MISSED where the job's policy says so.
func TestStoreOutage(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{
		"errors": {before: errDisk}, "done but reported as failed": {after: errDisk},
		"hangs": {delay: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				all := w.create(spec(""))
				latest := w.create(spec("", misfire(domain.MisfireRunLatest, 1, time.Hour)))
				w.create(spec("", once), spec("?delay=400", overlap(domain.OverlapQueue)), spec("?status=500"))
				w.pass(5 * time.Second)
				w.gate.failAll(f)
				began := time.Now()
				w.pass(30 * time.Second)
				if h := w.eng.Health(); h.Ready {
					t.Errorf("health during the outage: %+v", h)
				}
				w.pass(270 * time.Second)
				ended := time.Now()
				for _, s := range w.targets.all() {
					if s.at.Sub(began) > horizon && s.at.Before(ended) {
						t.Errorf("%v was sent %s into the outage", s.Key, s.at.Sub(began))
					}
				}
				w.eng.registry.mu.Lock()
				n := w.eng.registry.table.Ready()
				w.eng.registry.mu.Unlock()
				if n > 5*5 {
					t.Errorf("%d fires are staged: the outage costs memory", n)
				}
				w.gate.fail(nil)
				w.pass(25 * time.Second)
				if h := w.eng.Health(); !h.Ready {
					t.Errorf("health afterwards: %+v", h)
				}
				for _, id := range w.jobs {
					if _, err := w.update(id, every(30)); err != nil {
						t.Fatal(err)
					}
				}
				until := w.now()
				w.pass(4 * time.Minute)
				w.check(until)
				if n := len(w.targets.of(all)); n < 300 {
					t.Errorf("RUN_ALL: %d of some 330 fires were sent", n)
				}
				if got := w.statuses(latest); got[domain.StatusMissed] < 200 {
					t.Errorf("RUN_LATEST: %v", got)
				}
			})
		})
	}
}

// When files of the store are gone, nothing is sent from the moment at which that
// is known, with a beat or with a result; afterwards all goes out, late.
func TestGoneStoreStopsSendingAtOnce(t *testing.T) {
	t.Parallel()
	gone := &store.GoneError{Path: "/data", Problem: "is gone", Advice: "put it back"}
	for name, ops := range map[string][]op{"at a beat": {opBeat}, "at a result": {opRecord, opBeat}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(0)
				w.create(spec(""), spec("", once), spec("?status=500"))
				w.pass(5 * time.Second)
				known := make(chan time.Time, 1)
				w.gate.fail(func(o op) fault {
					if !slices.Contains(ops, o) {
						return fault{}
					}
					select {
					case known <- time.Now():
					default:
					}
					return fault{before: domain.Unavailable(gone, "the store could not do it")}
				})
				w.pass(20 * time.Second)
				at := <-known
				ended := time.Now()
				for _, s := range w.targets.all() {
					if s.at.After(at) && s.at.Before(ended) {
						t.Errorf("%v was sent %s after it was known", s.Key, s.at.Sub(at))
					}
				}
				check := w.eng.Health().Checks[0]
				if check.OK || check.Name != "store" || check.Detail != gone.Error() {
					t.Errorf("health: %+v, want %q", check, gone)
				}
				w.gate.fail(nil)
				w.pass(20 * time.Second)
				if h := w.eng.Health(); !h.Ready {
					t.Errorf("health afterwards: %+v", h)
				}
				until := w.now()
				w.pass(20 * time.Second) // retries
				w.check(until)
			})
		})
	}
}

// A store that takes beats and no results: results wait in memory, sending goes
// on, and nothing is lost or doubled when it takes them again.
func TestResultsWaitForTheStore(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.create(spec(""), spec("?status=503&first=1"), spec("", once))
		w.gate.failAll(fault{after: errDisk}, opRecord)
		w.pass(20 * time.Second)
		if h := w.eng.Health(); h.Ready {
			t.Errorf("health: %+v", h)
		}
		w.gate.fail(nil)
		w.pass(20 * time.Second)
		w.check(w.now() - 3000)
		if lag := w.now() - w.eng.shards.Watermark(); lag > 4000 {
			t.Errorf("the watermark is %d ms behind", lag)
		}
	})
}

// Somebody else has claimed the shard: the engine stops sending and says why.
func TestLeaseLost(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.create(spec(""))
		w.pass(3 * time.Second)
		rows, err := w.db.Shards().Peek(context.Background())
		if err == nil {
			_, err = w.db.Shards().Claim(context.Background(), 1, store.ClaimsOf(rows))
		}
		if err != nil {
			t.Fatal(err)
		}
		w.pass(1100 * time.Millisecond)
		sent := len(w.targets.all())
		select {
		case err := <-w.eng.Failed():
			t.Log(err)
		default:
			t.Error("the engine does not say that it lost the lease")
		}
		w.pass(10 * time.Second)
		if n := len(w.targets.all()); n != sent {
			t.Errorf("%d calls without the lease", n-sent)
		}
	})
}
