package cluster

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// fitEvery is how often a node asks whether it may fire as the others do.
const fitEvery = 5 * time.Second

// Admit returns an error if the nodes of a database speak a protocol that this build does not: then it
// must not take part.
func Admit(ctx context.Context, nodes store.Nodes) error {
	number, err := nodes.Protocol(ctx)
	if err == nil && number > Protocol {
		err = domain.Unavailable(nil, "%s: use the build of the others", outdated(number, Protocol))
	}
	return err
}

// Require returns nil if every node on the database speaks a protocol, and will: none that does not can join any more.
// Otherwise it is a CodeUnavailable error with what that is needed for.
func Require(ctx context.Context, n *Node, number int, what string) error {
	if n.View().Protocol >= number {
		return nil
	}
	// The last node that does not speak it may have just gone, or the database is new.
	if err := n.Nodes.RaiseProtocol(ctx, number); err != nil {
		return err
	}
	is, err := n.Nodes.Protocol(ctx)
	if err != nil || is >= number {
		return err
	}
	return domain.Unavailable(nil, "%s: a server of an older version is on the database, which would lose it. It is "+
		"possible once all servers speak protocol %d (now %d)", what, number, is)
}

// checkFit returns why this node would not fire as the others do, see Owner.Unfit.
func (n *Node) checkFit(ctx context.Context) (why string, err error) {
	if n.fitAt != (clock.Mark{}) && n.View().Unfit == "" && n.Clock.Elapsed(n.fitAt) < fitEvery {
		return "", nil
	}
	mark := n.Clock.Mark()
	if why, err = n.Owner.Unfit(ctx); err != nil {
		return "", err
	}
	if n.Settings != nil {
		n.settings = n.Settings().String()
	}
	n.fitAt = mark
	return why, nil
}

// followGates logs what has changed of that.
func (n *Node) followGates(before, now *View) {
	n.tell(before.Unfit, now.Unfit, "this server would fire at other instants than the servers that fire jobs now",
		"this server computes the same instants as the servers that fire jobs")
	n.tell(before.Unlike, now.Unlike, "settings of this server differ from those of servers that fire jobs",
		"settings of this server no longer differ from those of servers that fire jobs")
	if now.Protocol > n.Self.Protocol && before.Protocol <= n.Self.Protocol {
		n.Log.Error(outdated(now.Protocol, n.Self.Protocol) + ": it owns no shards any more")
	}
}

// raise makes the protocol of the database the highest that all nodes speak. The owner of the first
// shard does. The store does it only if all rows of nodes allow it.
func (n *Node) raise(ctx context.Context, v *View) {
	least := n.Self.Protocol
	for i := range v.Nodes {
		least = min(least, v.Nodes[i].Protocol)
	}
	if least <= v.Protocol {
		return
	}
	if err := n.Nodes.RaiseProtocol(ctx, least); err != nil {
		return // the next look tries again
	}
	n.Log.Info("all servers on the database speak a newer protocol", "protocol", least)
}

// tell logs that something has begun, or has ended, to set this node apart from the others.
func (n *Node) tell(before, now, begun, ended string) {
	switch now {
	case before:
	case "":
		n.Log.Info(ended)
	default:
		n.Log.Warn(begun, "reason", now)
	}
}
