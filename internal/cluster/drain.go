package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Drain gives all shards away and claims none any more, because this process is about to end. It waits
// until the node has none, or until the context ends.
func (n *Node) Drain(ctx context.Context) error {
	n.mu.Lock()
	n.leaving = true
	n.setDraining(true)
	n.mu.Unlock()
	for len(n.Owner.Owned()) > 0 {
		if !clock.Wait(ctx, 20*time.Millisecond) {
			return fmt.Errorf("this node still owns %d shards: %w", len(n.Owner.Owned()), ctx.Err())
		}
	}
	return nil
}

// AskToDrain begins or ends a time in which the node gives its shards away and claims none, because
// somebody wants it. The error says why it does not.
func (n *Node) AskToDrain(drains bool) error {
	n.mu.Lock()
	defer n.mu.Unlock() // held over both: the node may begin to leave at any time
	if why := mayChange(drains, n.draining != nil, n.leaving, n.View().othersFire()); why != nil {
		return why
	}
	n.setDraining(drains)
	return nil
}

// othersFire reports whether another node is there that fires jobs, and does not drain.
func (v *View) othersFire() bool {
	for i := range v.Nodes {
		if v.Nodes[i].Token != v.Self && v.Nodes[i].schedules() {
			return true
		}
	}
	return false
}

// mayChange decides whether a node begins or ends to drain because somebody wants it. One that is about
// to end does not go on. The only one that fires jobs does not drain: nobody would fire them.
func mayChange(drains, draining, leaving, othersFire bool) error {
	switch {
	case drains && (draining || leaving || othersFire):
		return nil
	case drains:
		return domain.Conflict("no other server would fire the jobs: start one with the role all or scheduler, or " +
			"resume one, and try again")
	case leaving:
		return domain.Unavailable(nil, "the server is stopping")
	}
	return nil
}

// SetDraining begins or ends a time in which the node gives its shards away and claims none.
func (n *Node) SetDraining(drains bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.setDraining(drains)
}

// setDraining does so under the lock.
func (n *Node) setDraining(drains bool) {
	switch {
	case !drains:
		n.draining = nil
	case n.draining == nil:
		now := n.Clock.Mark()
		n.draining = &now
	}
	n.wakeUp()
}

// Draining reports whether the node gives its shards away and claims none: somebody wants it, it is about
// to end, or at its last look something barred it from firing.
func (n *Node) Draining() bool {
	v := n.View()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.draining != nil || barred(v.Agreement, v.Unfit, v.Protocol, n.Self.Protocol)
}

// barred reports whether a node must not own shards: its clock is wrong, it would not fire as the others
// do, or it does not speak the protocol of the database.
func barred(agreement clock.Agreement, unfit string, protocol, own int) bool {
	return agreement == clock.Off || unfit != "" || protocol > own
}
