package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// nodes implements store.Nodes. One process has the database; the rows of those before it
// are what is left of a crash.
type nodes struct {
	db    *jobsDB
	clock clock.Clock
}

const (
	upsertNode = `
INSERT INTO node (token, name, address, build, role, draining, protocol, settings, seen)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET name = excluded.name, address = excluded.address, build = excluded.build,
       role = excluded.role, draining = excluded.draining, protocol = excluded.protocol,
       settings = excluded.settings, seen = excluded.seen`

	selectNodes = `
SELECT token, name, address, build, role, draining, protocol, settings, seen FROM node ORDER BY token`
	deleteNode = `DELETE FROM node WHERE token = ?`

	selectProtocol = `SELECT number FROM protocol`
	raiseProtocol  = `
UPDATE protocol SET number = ?1
 WHERE number < ?1 AND NOT EXISTS (SELECT 1 FROM node WHERE node.protocol < ?1)`
)

// Seen implements store.Nodes.
func (n nodes) Seen(ctx context.Context, node store.Node) ([]store.Node, error) {
	node.Seen = clock.NowMs(n.clock)
	answer := make(chan []store.Node, 1)
	err := n.db.write(ctx, 1, func(c *conn) (tally, error) {
		err := c.exec(upsertNode, node.Token, node.Name, node.Address, node.Build, node.Role,
			node.Draining, node.Protocol, node.Settings, node.Seen)
		if err != nil {
			return tally{}, err
		}
		all, err := readNodes(c)
		if err == nil {
			answer <- all
		}
		return tally{}, err
	})
	if err != nil {
		return nil, fault("store the node", err)
	}
	return <-answer, nil
}

func readNodes(c *conn) (all []store.Node, err error) {
	err = c.query(selectNodes, func(s *sqlite.Stmt) error {
		all = append(all, store.Node{Token: s.ColumnInt64(0), Name: s.ColumnText(1), Address: s.ColumnText(2),
			Build: s.ColumnText(3), Role: s.ColumnText(4), Draining: s.ColumnBool(5),
			Protocol: s.ColumnInt(6), Settings: s.ColumnText(7), Seen: s.ColumnInt64(8)})
		return nil
	})
	return all, err
}

// Remove implements store.Nodes.
func (n nodes) Remove(ctx context.Context, token int64) error {
	return fault("remove the node", n.db.write(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, c.exec(deleteNode, token)
	}))
}

// Protocol implements store.Nodes.
func (n nodes) Protocol(ctx context.Context) (number int, err error) {
	err = n.db.read(ctx, func(c *conn) error {
		return c.query(selectProtocol, func(s *sqlite.Stmt) error {
			number = s.ColumnInt(0)
			return nil
		})
	})
	return number, fault("read the protocol", err)
}

// RaiseProtocol implements store.Nodes.
func (n nodes) RaiseProtocol(ctx context.Context, to int) error {
	return fault("raise the protocol", n.db.write(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, c.exec(raiseProtocol, to)
	}))
}
