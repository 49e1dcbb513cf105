package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store"
)

const insertRules = `
INSERT INTO zone_rules (zone, valid_from, release, data)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[]) ON CONFLICT DO NOTHING`

// ZoneRules implements store.Shards.
func (s *shards) ZoneRules(ctx context.Context) (found []store.ZoneRules, err error) {
	err = each(ctx, s.read, func(r pgx.Rows) error {
		var z store.ZoneRules
		var data []byte
		err := r.Scan(&z.Zone, &z.From, &z.Release, &data)
		z.Data = string(data)
		found = append(found, z)
		return err
	}, `SELECT zone, valid_from, release, data FROM zone_rules ORDER BY zone COLLATE "C", valid_from`)
	return found, fault("read the rules of time zones", err)
}

// AddZoneRules implements store.Shards.
func (s *shards) AddZoneRules(ctx context.Context, rules []store.ZoneRules) error {
	var zones, releases []string
	var from []int64
	var data [][]byte
	for _, z := range rules {
		zones, from = append(zones, z.Zone), append(from, z.From)
		releases, data = append(releases, z.Release), append(data, []byte(z.Data))
	}
	return fault("keep the rules of time zones", pipeline(ctx, s.edit, func(b *pgx.Batch) {
		b.Queue(insertRules, zones, from, releases, data)
	}))
}
