package sim

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// history notes, right before the disk, who owned a shard from when on, and when each execution
// came on record.
type history struct {
	start  time.Time
	shards int

	mu           sync.Mutex
	claims       [][]claimed // by shard, in order
	recorded     map[domain.FireKey]time.Duration
	disturbances map[int][]time.Duration // by process: kills, and both ends of freezes and cuts
	outdated     []claimed               // by processes of builds that the others do not wait for

	doubles int // requests that came again and are explained
}

// claimed is a claim of a shard.
type claimed struct {
	at      time.Duration
	process int
	clean   bool // its last owner had released it
}

func newHistory(start time.Time, shards int) *history {
	return &history{start: start, shards: shards, claims: make([][]claimed, shards),
		recorded: make(map[domain.FireKey]time.Duration), disturbances: make(map[int][]time.Duration)}
}

// disturbed notes that a process was killed, or could not go on as it liked.
func (h *history) disturbed(process int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.disturbances[process] = append(h.disturbances[process], time.Since(h.start))
}

// of returns the store of a process, whose build speaks a protocol.
func (h *history) of(process, protocol int, real store.Store) store.Store {
	s := breakable(real)
	s.shards = notedShards{s.shards, real.Nodes(), h, process, protocol}
	s.ledger = notedLedger{s.ledger, h}
	return s
}

type notedShards struct {
	store.Shards
	nodes store.Nodes
	*history
	process, protocol int
}

func (s notedShards) Claim(ctx context.Context, node int64, claims []store.Claim) ([]store.Shard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, err := s.Shards.Claim(ctx, node, claims)
	for i := range got {
		c := claimed{time.Since(s.start), s.process, got[i].Clean}
		s.claims[got[i].Number] = append(s.claims[got[i].Number], c)
		if spoken, err := s.nodes.Protocol(context.Background()); err != nil || spoken > s.protocol {
			s.outdated = append(s.outdated, c)
		}
	}
	return got, err
}

type notedLedger struct {
	store.Ledger
	*history
}

func (l notedLedger) Record(ctx context.Context, b store.Batch) error {
	err := l.Ledger.Record(ctx, b)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range b.Facts {
		if x := &b.Facts[i]; x.Missed == nil {
			if _, again := l.recorded[x.FireKey]; !again {
				l.recorded[x.FireKey] = time.Since(l.start)
			}
		}
	}
	return nil
}

// explains reports whether a request that came again was one that had to: between the two its shard
// changed its owner without a release, or the process that had sent the first was killed or stood still.
func (h *history) explains(a, b check.Send) bool {
	from := time.Duration(min(a.BegunAt, b.BegunAt)-later) * time.Millisecond
	to := time.Duration(b.ReceivedAt-later) * time.Millisecond
	within := func(at time.Duration) bool {
		return from.Milliseconds() <= at.Milliseconds() && at.Milliseconds() <= to.Milliseconds()
	}
	explained := slices.ContainsFunc(h.claims[a.JobID.Shard(h.shards)], func(c claimed) bool {
		return !c.clean && within(c.at)
	}) || slices.ContainsFunc(h.disturbances[a.Process], within)
	if explained {
		h.doubles++
	}
	return explained
}

// judgeOwners looks for what is sent by an owner that could have known better: it claimed the shard when
// the execution was on record. And for what is begun by a process when the shard is another one's.
func (c *clusterDay) judgeOwners() {
	h := c.history
	for _, late := range h.outdated {
		c.fault("owner: process %d, whose build is out of date, claimed a shard at %s", late.process, late.at)
	}
	for _, r := range c.targets.requests {
		recorded, is := h.recorded[r.key]
		var since time.Duration
		owner := 0
		for _, claim := range h.claims[r.key.JobID.Shard(h.shards)] {
			if claim.at >= r.begun {
				break
			}
			if owner = claim.process; owner == r.process {
				since = claim.at
			}
		}
		if owner != r.process && r.attempt == 1 && r.key.Nonce == 0 {
			c.fault("owner: %v was first sent at %s by process %d, and its shard is that of %d", r.key, r.begun,
				r.process, owner)
		}
		if is && recorded < since {
			c.fault("dup-unexplained: %v was sent at %s, was on record at %s, and its sender claimed the shard at %s",
				r.key, r.begun, recorded, since)
		}
	}
}
