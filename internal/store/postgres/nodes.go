package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// nodes implements store.Nodes.
type nodes struct {
	edit *pgxpool.Pool
	keys string // the ids of the encryption keys
}

const (
	upsertNode = `
INSERT INTO node (token, name, address, build, role, draining, keys, protocol, settings, seen)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), ` + nowMs + `)
    ON CONFLICT (token) DO UPDATE SET name = excluded.name, address = excluded.address, build = excluded.build,
       role = excluded.role, draining = excluded.draining, keys = excluded.keys,
       protocol = excluded.protocol, settings = excluded.settings, seen = excluded.seen`

	selectNodes = `
SELECT token, name, address, build, role, draining, protocol, coalesce(settings, ''), seen FROM node ORDER BY token`

	raiseProtocol = `
UPDATE cluster SET protocol = $1
 WHERE protocol < $1 AND NOT EXISTS (SELECT 1 FROM node WHERE node.protocol < $1)`
)

// Seen implements store.Nodes.
func (n *nodes) Seen(ctx context.Context, node store.Node) (all []store.Node, err error) {
	err = pipeline(ctx, n.edit, func(b *pgx.Batch) {
		all = all[:0]
		b.Queue(upsertNode, node.Token, clean(node.Name), clean(node.Address), clean(node.Build), clean(node.Role),
			node.Draining, n.keys, node.Protocol, clean(node.Settings))
		b.Queue(selectNodes).Query(func(r pgx.Rows) error {
			for r.Next() {
				var o store.Node
				err := r.Scan(&o.Token, &o.Name, &o.Address, &o.Build, &o.Role, &o.Draining, &o.Protocol, &o.Settings,
					&o.Seen)
				if err != nil {
					return err
				}
				all = append(all, o)
			}
			return r.Err()
		})
	})
	return all, fault("store the node", err)
}

// Remove implements store.Nodes.
func (n *nodes) Remove(ctx context.Context, token int64) error {
	return fault("remove the node", pipeline(ctx, n.edit, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM node WHERE token = $1`, token)
	}))
}

// Protocol implements store.Nodes.
func (n *nodes) Protocol(ctx context.Context) (int, error) {
	found, err := number(ctx, n.edit, `SELECT protocol FROM cluster`)
	return int(found), fault("read the protocol", err)
}

// RaiseProtocol implements store.Nodes.
func (n *nodes) RaiseProtocol(ctx context.Context, to int) error {
	return fault("raise the protocol", pipeline(ctx, n.edit, func(b *pgx.Batch) { b.Queue(raiseProtocol, to) }))
}
