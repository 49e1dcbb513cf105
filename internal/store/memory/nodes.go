package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Seen implements store.Nodes.
func (n nodes) Seen(ctx context.Context, node store.Node) (all []store.Node, err error) {
	err = n.do(ctx, func(d *Disk) error {
		node.Seen = clock.NowMs(d.clock)
		d.owners.nodes[node.Token] = node
		all = slices.SortedFunc(maps.Values(d.owners.nodes), func(a, b store.Node) int {
			return cmp.Compare(a.Token, b.Token)
		})
		return nil
	})
	return all, err
}

// Remove implements store.Nodes.
func (n nodes) Remove(ctx context.Context, token int64) error {
	return n.do(ctx, func(d *Disk) error {
		delete(d.owners.nodes, token)
		return nil
	})
}

// Protocol implements store.Nodes.
func (n nodes) Protocol(ctx context.Context) (number int, err error) {
	err = n.do(ctx, func(d *Disk) error {
		number = max(d.owners.protocol, 1)
		return nil
	})
	return number, err
}

// RaiseProtocol implements store.Nodes.
func (n nodes) RaiseProtocol(ctx context.Context, to int) error {
	return n.do(ctx, func(d *Disk) error {
		for _, node := range d.owners.nodes {
			if node.Protocol < to {
				return nil
			}
		}
		d.owners.protocol = max(d.owners.protocol, to)
		return nil
	})
}
