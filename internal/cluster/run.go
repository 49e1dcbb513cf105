package cluster

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Run looks, claims and releases until the context ends. Then it waits until what it has begun
// has ended.
func (n *Node) Run(ctx context.Context) {
	defer n.acting.Wait()
	for {
		begun := n.Clock.Mark()
		err := n.look(ctx)
		n.report(ctx, err)
		timer := time.NewTimer(max(n.pause()-n.Clock.Elapsed(begun), 10*time.Millisecond))
		select {
		case <-ctx.Done():
		case <-n.wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// report logs the beginning and the end of a time in which the node cannot look or claim.
func (n *Node) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	n.mu.Lock()
	before := n.fault
	n.fault = err
	n.mu.Unlock()
	switch {
	case err != nil && before == nil:
		n.Log.Error("this node does not see the others, or cannot take shards over; it goes on trying", "error", err)
	case err == nil && before != nil:
		n.Log.Info("this node sees the others again")
	}
}

// pause returns how long to wait until the next look. While shards move it is short: they have no
// owner until somebody looks.
func (n *Node) pause() time.Duration {
	n.mu.Lock()
	draining := n.draining != nil
	n.mu.Unlock()
	if draining && len(n.Owner.Owned()) > 0 || n.View().moving() {
		return quickly
	}
	return lookEvery
}

// look notes what the rows of shards and nodes show, and begins what follows from it.
func (n *Node) look(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	self := n.Self
	n.mu.Lock()
	self.Draining = n.draining != nil
	n.mu.Unlock()
	passed, mark := n.Clock.Elapsed(n.lastLook), n.Clock.Mark()
	rows, err := n.Shards.Peek(short)
	if err != nil {
		return err
	}
	latency := n.Clock.Elapsed(mark)
	unfit, err := n.checkFit(short)
	if err != nil {
		return err
	}
	self.Settings = n.settings
	agreement, ahead := n.compareClocks(mark, rows)
	asked := self.Draining
	self.Draining = asked || barred(agreement, unfit, n.View().Protocol, self.Protocol)
	nodes, err := n.Nodes.Seen(short, self)
	if err != nil {
		return err
	}
	// The row of this node is there from here on, so that the others do not raise the protocol above its own. They may
	// have done so until now.
	protocol, err := n.Nodes.Protocol(short)
	if err != nil {
		return err
	}
	self.Draining = asked || barred(agreement, unfit, protocol, self.Protocol)
	n.observer.Look(rows, nodes, passed)
	n.lastLook = mark
	v := n.observer.view(self.Token, rows, nodes)
	v.At, v.Latency, v.Agreement, v.Ahead, v.Unfit = mark, latency, agreement, ahead, unfit
	v.Protocol, v.Unlike = protocol, v.compareSettings(self.Settings)
	before := n.view.Swap(v)
	n.follow(ctx, before, v)
	return n.act(ctx, &self, rows, v)
}

// compareClocks tells the clock of this node what the store's has shown since the mark.
func (n *Node) compareClocks(asked clock.Mark, rows []store.Shard) (clock.Agreement, time.Duration) {
	if n.Agreed == nil || len(rows) == 0 {
		return clock.Agreeing, 0
	}
	n.Agreed.Sample(asked, rows[0].Clock)
	return n.Agreed.Agreement()
}

// follow does what follows from a look beside claims and releases.
func (n *Node) follow(ctx context.Context, before, now *View) {
	if now.Agreement != before.Agreement {
		n.Log.Warn("how far the clocks of this machine and of the database are apart has changed", "agreement",
			now.Agreement.String(), "ahead", now.Ahead.Round(time.Millisecond))
	}
	n.followGates(before, now)
	if now.Unowned() == 0 || before.Unowned() == 0 {
		n.mu.Lock()
		n.unowned = now.At
		n.mu.Unlock()
	}
	if !n.Owns(0) {
		return
	}
	n.raise(ctx, now)
	for i := range now.Nodes {
		o := &now.Nodes[i]
		if evicted(o, now.Clock, n.Self.Protocol) {
			if err := n.Nodes.Remove(ctx, o.Token); err != nil {
				return // the next look tries again
			}
		}
	}
}

// evicted decides whether the row of a node is removed. One that is gone is remembered for an hour. What it does not
// speak nobody may use as long as its row is there, so that of an older build goes once the node is surely gone: it has
// not been seen for a minute, neither by this node nor by the store's clock. If it was frozen, it writes its row again,
// and owns no shards then.
func evicted(o *NodeView, clock int64, protocol int) bool {
	unseen := time.Duration(clock-o.Seen) * time.Millisecond
	older := o.Protocol < protocol && o.Age >= SurelyGoneAfter && unseen > SurelyGoneAfter
	return o.Gone && (older || unseen > evictAfter)
}
