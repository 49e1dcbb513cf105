package postgres

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// ringSize is how many facts a ring holds: 5 s of 20,000 a second, in 6 MB. One with an error or with attempts
// takes some 500 bytes more.
const ringSize = 100_000

// restoreWithin bounds one attempt to store everything again.
const restoreWithin = time.Minute

// selectServer names the server that a transaction is in: when its main process began. A standby that became the
// primary has another one, also behind a proxy that keeps the connection of its client.
const selectServer = `SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint`

// ring keeps what this process has recorded last, and the open runs that it carries out. After a failover to an
// asynchronous standby the last commits may be gone, though they were acknowledged and W counts on them. So W does
// not move on a server that is not known to have them, until they were stored there again.
//
//	Record on server a ── kept ── Beat on server b: H moves, W does not ── restore ── Beat on b: W moves
type ring struct {
	log *slog.Logger
	// write stores again what is not there, in one transaction, and answers how many facts that were and in which
	// server.
	write func(ctx context.Context, p *piece) (added int, server int64, err error)

	restoring  chan struct{}  // holds one token while everything is stored again
	background sync.WaitGroup // of that, where nobody waits for it
	ctx        context.Context
	stop       context.CancelFunc

	mu     sync.Mutex
	facts  []kept // the oldest is at next, once it is full
	next   int
	open   map[domain.FireKey]domain.OpenRun
	runner int64 // the process, as in store.Batch; 0: it has made no decision
	server int64 // the one that has all of this; 0: it is not known
	since  int64 // the server of what was recorded since a restoring began; 0: nothing, several: of more than one
}

const several = math.MinInt64

func newRing(log *slog.Logger) *ring {
	r := &ring{log: log, restoring: make(chan struct{}, 1), open: make(map[domain.FireKey]domain.OpenRun)}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// close ends what goes on in the background.
func (r *ring) close() {
	r.stop()
	r.background.Wait()
}

// kept is a fact. Most of them are a success, and have nothing more.
type kept struct {
	at                 int64
	id                 domain.JobID
	nonce              int64
	version            int32
	started, completed int32 // as in their columns
	http               int16
	more               *keptMore
}

// keptMore is a fact that is no plain success.
type keptMore struct {
	store.Decision
	fence *store.Fence // of a decision; nil: it was observed
}

func keep(e *domain.Execution) kept {
	k := kept{at: e.ScheduledAt, id: e.JobID, nonce: e.Nonce, version: int32(e.Version)} //nolint:gosec // counted
	started, completed := small(e.StartedAt-e.ScheduledAt), small(e.CompletedAt-e.StartedAt)
	if e.Status != domain.StatusSuccess || needsDetail(e) || e.StartedAt == 0 || e.CompletedAt == 0 || started == nil ||
		completed == nil || e.HTTPStatus < 0 || e.HTTPStatus > math.MaxInt16 {
		k.more = &keptMore{Decision: store.Decision{Execution: copyOf(e)}}
		return k
	}
	k.started, k.completed, k.http = *started, *completed, int16(e.HTTPStatus)
	return k
}

func copyOf(e *domain.Execution) domain.Execution {
	x := *e
	x.Attempts = slices.Clone(x.Attempts)
	if x.Missed != nil {
		missed := *x.Missed
		x.Missed = &missed
	}
	return x
}

func (k *kept) execution() domain.Execution {
	if k.more != nil {
		return k.more.Execution
	}
	at := k.at + int64(k.started)
	return domain.Execution{
		FireKey: domain.FireKey{JobID: k.id, ScheduledAt: k.at, Nonce: k.nonce}, Version: int(k.version),
		Status: domain.StatusSuccess, StartedAt: at, CompletedAt: at + int64(k.completed), HTTPStatus: int(k.http),
	}
}

// recorded is what a transaction has recorded, in which server.
type recorded struct {
	server    int64
	facts     []*domain.Execution
	decisions []*store.Decision
	fences    []store.Fence
	open      []domain.OpenRun
	runner    int64 // as in store.Batch
}

// add keeps what was recorded.
func (r *ring) add(rec *recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.empty() {
		r.server = rec.server
	} else if r.server != rec.server {
		r.server = 0
	}
	if r.since == 0 {
		r.since = rec.server
	} else if r.since != rec.server {
		r.since = several
	}
	if rec.runner != 0 {
		r.runner = rec.runner
	}
	for i := range rec.open {
		o := rec.open[i]
		if _, known := r.open[o.FireKey]; o.Runner != 0 && (known || len(r.open) < ringSize) {
			o.Attempts = slices.Clone(o.Attempts)
			r.open[o.FireKey] = o
		} else {
			delete(r.open, o.FireKey)
		}
	}
	for _, e := range rec.facts {
		r.put(keep(e))
		delete(r.open, e.FireKey)
	}
	for _, d := range rec.decisions {
		k := keep(&d.Execution)
		k.more = &keptMore{Decision: store.Decision{Execution: copyOf(&d.Execution), TakenFrom: d.TakenFrom}}
		for _, f := range rec.fences {
			if f.Number == d.JobID.Shard(shardCount) {
				k.more.fence = &f
			}
		}
		r.put(k)
		delete(r.open, d.FireKey)
	}
}

func (r *ring) empty() bool { return len(r.facts) == 0 && len(r.open) == 0 }

func (r *ring) put(k kept) {
	if len(r.facts) < ringSize {
		r.facts = append(r.facts, k)
		return
	}
	r.facts[r.next] = k
	r.next = (r.next + 1) % ringSize
}

// complete reports whether a server has everything that was recorded last.
func (r *ring) complete(server int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.empty() || r.server == server
}

// begin restores in the background, unless somebody does already.
func (r *ring) begin() {
	r.background.Go(func() {
		select {
		case r.restoring <- struct{}{}:
		default:
			return
		}
		defer func() { <-r.restoring }()
		ctx, cancel := context.WithTimeout(r.ctx, restoreWithin)
		defer cancel()
		if err := r.restoreAll(ctx); err != nil && r.ctx.Err() == nil {
			r.log.Error("what was recorded last cannot be stored again yet", "error", err)
		}
	})
}

// restore stores again what may have been lost. It waits for somebody who does so already.
func (r *ring) restore(ctx context.Context) error {
	select {
	case r.restoring <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.restoring }()
	return r.restoreAll(ctx)
}

// piece is a part of the ring.
type piece struct {
	facts     []domain.Execution
	decisions []store.Decision
	fences    []store.Fence
	open      []domain.OpenRun // that are inserted if they are not there
	runner    int64            // as in store.Batch
}

// restorePiece is how much is stored in one transaction.
const restorePiece = 1_000

func (r *ring) restoreAll(ctx context.Context) error {
	facts, open, runner := r.snapshot()
	var server int64
	missing := 0
	for len(facts)+len(open) > 0 {
		p := piece{runner: runner}
		for n := 0; n < restorePiece && len(facts) > 0 && p.add(&facts[0]); n++ {
			facts = facts[1:]
		}
		n := min(len(open), restorePiece)
		p.open, open = open[:n], open[n:]
		added, in, err := r.writePiece(ctx, &p)
		if err != nil {
			return err
		}
		if missing += added; server != 0 && in != server {
			return errors.New("the server of the database has changed again")
		}
		server = in
	}
	if missing > 0 {
		r.log.Warn("the database had lost commits that it had acknowledged: they were stored again", "facts", missing)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since == 0 || r.since == server {
		r.server = server
	}
	return nil
}

// snapshot returns what is kept, oldest first, and begins to note where more is recorded.
func (r *ring) snapshot() (facts []kept, open []domain.OpenRun, runner int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = 0
	for _, o := range r.open {
		open = append(open, o)
	}
	slices.SortFunc(open, func(a, b domain.OpenRun) int { return rows.CompareKeys(a.FireKey, b.FireKey) })
	return append(slices.Clone(r.facts[r.next:]), r.facts[:r.next]...), open, r.runner
}

// add reports whether the fact has a place in the piece: it has decisions under one lease of each shard.
func (p *piece) add(k *kept) bool {
	if k.more == nil || k.more.fence == nil {
		p.facts = append(p.facts, k.execution())
		return true
	}
	at := slices.IndexFunc(p.fences, func(f store.Fence) bool { return f.Number == k.more.fence.Number })
	if at < 0 {
		p.fences = append(p.fences, *k.more.fence)
	} else if p.fences[at] != *k.more.fence {
		return false
	}
	p.decisions = append(p.decisions, k.more.Decision)
	return true
}

// writePiece stores a piece again. Decisions under leases that do not hold any more are left out: the next owner
// decides what became of these fires.
func (r *ring) writePiece(ctx context.Context, p *piece) (added int, server int64, err error) {
	for {
		added, server, err = r.write(ctx, p)
		stale := store.StaleShards(err)
		if len(stale) == 0 {
			return added, server, err
		}
		p.fences = slices.DeleteFunc(p.fences, func(f store.Fence) bool { return slices.Contains(stale, f.Number) })
		p.decisions = slices.DeleteFunc(p.decisions, func(d store.Decision) bool {
			return slices.Contains(stale, d.JobID.Shard(shardCount))
		})
	}
}
