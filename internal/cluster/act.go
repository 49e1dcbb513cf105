package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// act decides by the last look, and begins to claim or to release. Either may take seconds, in
// which the node goes on looking but decides nothing. The error is that of the last claim.
func (n *Node) act(ctx context.Context, self *store.Node, rows []store.Shard, v *View) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	leaving := v.Agreement == clock.Off || v.Protocol > self.Protocol || self.Role == RoleAPI || n.draining != nil
	if n.busy || n.draining != nil && n.mayWait() {
		return n.claimed
	}
	s := n.holdings.situation(&n.observer, self, rows, leaving, v.Unfit != "")
	d := Decide(s)
	if second := s.Clock / 1_000; !leaving && len(d.Release) > 0 {
		if second == n.released { // the node looks more often than once a second
			d.Release = nil
		}
		n.released = second
	}
	if len(d.Claim) == 0 {
		n.claimed = nil
	}
	if len(d.Claim) == 0 && len(d.Release) == 0 {
		return nil
	}
	n.busy = true
	n.acting.Go(func() {
		claimed, err := n.claim(ctx, s, rows, d.Claim)
		n.release(ctx, d.Release)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.busy = false
		n.claimed = err
		if claimed { // otherwise it might look again and again without a pause
			n.wakeUp()
		}
	})
	return n.claimed
}

// mayWait reports whether a node that drains goes on for now: somebody is there who is to take
// its shards, and may not know yet that they are about to be free.
func (n *Node) mayWait() bool {
	return n.View().Schedulers() > 0 && n.Clock.Elapsed(*n.draining) < announced
}

// claim takes shards over. It reports whether it got some.
func (n *Node) claim(ctx context.Context, s *Situation, rows []store.Shard, numbers []int) (bool, error) {
	if len(numbers) == 0 {
		return false, nil
	}
	claims := make([]store.Claim, len(numbers))
	for i, number := range numbers {
		claims[i] = store.Claim{Number: number, Seen: rows[number].Seen()}
	}
	got, err := n.Owner.Own(ctx, claims)
	if err != nil {
		return false, fmt.Errorf("%d shards could not be taken over: %w", len(numbers), err)
	}
	n.holdings.note(s, got)
	n.taken.Add(int64(len(got)))
	if len(got) > 0 {
		n.Log.Info("shards were taken over", "shards", len(got), "from", strings.Join(lastOwners(s, got), ", "))
	}
	return len(got) > 0, nil
}

// lastOwners returns the names of the nodes that owned shards last, as far as they are known.
func lastOwners(s *Situation, numbers []int) (names []string) {
	known := make(map[string]bool)
	for _, number := range numbers {
		if name := s.Shards[number].Name; name != "" && !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	return names
}

// release gives shards back.
func (n *Node) release(ctx context.Context, numbers []int) {
	if len(numbers) == 0 {
		return
	}
	if err := n.Owner.Release(ctx, numbers); err != nil {
		n.Log.Warn("shards could not be released; their next owner waits until their leases end", "shards",
			len(numbers), "error", err)
		return
	}
	n.given.Add(int64(len(numbers)))
	n.Log.Info("shards were released", "shards", len(numbers))
}
