package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	insertZoneRules = `
INSERT INTO zone_rules (zone, valid_from, release, data) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	selectZoneRules = `SELECT zone, valid_from, release, data FROM zone_rules ORDER BY zone, valid_from`
)

// ZoneRules implements store.Shards.
func (s shards) ZoneRules(ctx context.Context) (found []store.ZoneRules, err error) {
	err = s.db.read(ctx, func(c *conn) error {
		return c.query(selectZoneRules, func(s *sqlite.Stmt) error {
			data := make([]byte, s.ColumnLen(3))
			s.ColumnBytes(3, data)
			found = append(found, store.ZoneRules{
				Zone: s.ColumnText(0), From: s.ColumnInt64(1), Release: s.ColumnText(2), Data: string(data),
			})
			return nil
		})
	})
	return found, fault("read the rules of zones", err)
}

// AddZoneRules implements store.Shards.
func (s shards) AddZoneRules(ctx context.Context, rules []store.ZoneRules) error {
	return fault("keep the rules of zones", s.db.write(ctx, len(rules), func(c *conn) (tally, error) {
		for _, r := range rules {
			if err := c.exec(insertZoneRules, r.Zone, r.From, r.Release, []byte(r.Data)); err != nil {
				return tally{}, err
			}
		}
		return tally{}, nil
	}))
}
