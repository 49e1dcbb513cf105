package faulty

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

type edits struct {
	*Store
	real store.Edits
}

func (e edits) Create(ctx context.Context, versions []domain.Version, ahead int64) ([]store.Effect, error) {
	return get(ctx, e.Store, "Edits", "Create", func() ([]store.Effect, error) {
		return e.real.Create(ctx, versions, ahead)
	})
}

func (e edits) Update(ctx context.Context, next domain.Version, ahead int64) (store.Effect, error) {
	return get(ctx, e.Store, "Edits", "Update", func() (store.Effect, error) { return e.real.Update(ctx, next, ahead) })
}

func (e edits) Delete(ctx context.Context, id domain.JobID, number int, ahead int64) (store.Effect, error) {
	return get(ctx, e.Store, "Edits", "Delete", func() (store.Effect, error) {
		return e.real.Delete(ctx, id, number, ahead)
	})
}

func (e edits) Changed(ctx context.Context, number int, revision int64, fn func(domain.Version) error) error {
	return e.call(ctx, "Edits", "Changed", func() error { return e.real.Changed(ctx, number, revision, fn) })
}

func (e edits) Unclaimed(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	return e.call(ctx, "Edits", "Unclaimed", func() error { return e.real.Unclaimed(ctx, of, fn) })
}

type nodes struct {
	*Store
	real store.Nodes
}

func (n nodes) Seen(ctx context.Context, node store.Node) ([]store.Node, error) {
	return get(ctx, n.Store, "Nodes", "Seen", func() ([]store.Node, error) { return n.real.Seen(ctx, node) })
}

func (n nodes) Remove(ctx context.Context, token int64) error {
	return n.call(ctx, "Nodes", "Remove", func() error { return n.real.Remove(ctx, token) })
}

func (n nodes) Protocol(ctx context.Context) (int, error) {
	return get(ctx, n.Store, "Nodes", "Protocol", func() (int, error) { return n.real.Protocol(ctx) })
}

func (n nodes) RaiseProtocol(ctx context.Context, to int) error {
	return n.call(ctx, "Nodes", "RaiseProtocol", func() error { return n.real.RaiseProtocol(ctx, to) })
}
