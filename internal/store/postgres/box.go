package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

// parseKeys makes a box of the keys of the configuration.
func parseKeys(texts []string) (*seal.Box, error) {
	var keys []seal.Key
	for i, text := range texts {
		k, err := seal.ParseKey(text)
		if err != nil {
			return nil, domain.Invalid("BELFRY_ENCRYPTION_KEY", fmt.Sprintf("key %d %v", i+1, err), nil)
		}
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, domain.Invalid("BELFRY_ENCRYPTION_KEY", "is required with PostgreSQL, the same for every process: "+
			"make one with `openssl rand -base64 32`", nil)
	}
	return seal.NewBox(keys...)
}

// keyIDs returns the ids of a box's keys, the one that seals first.
func keyIDs(box *seal.Box) string {
	var ids []string
	for _, k := range box.Keys() {
		ids = append(ids, k.ID())
	}
	return strings.Join(ids, " ")
}

// openBox checks that a box opens the database's secrets. The first process with a key leaves a text that is
// sealed with it; the keys of the others must open that.
func openBox(ctx context.Context, q querier, box *seal.Box) error {
	place := seal.Place("cluster", "probe")
	fresh, err := box.Seal(place, "belfry")
	if err != nil {
		return err
	}
	if _, err := q.Exec(ctx, `UPDATE cluster SET probe = $1 WHERE probe IS NULL`, fresh); err != nil {
		return err
	}
	var probe string
	err = each(ctx, q, func(r pgx.Rows) error { return r.Scan(&probe) }, `SELECT probe FROM cluster`)
	if err != nil {
		return err
	}
	if _, err := box.Open(place, probe); err != nil {
		return domain.Unavailable(err, "the secrets of its jobs are sealed with another BELFRY_ENCRYPTION_KEY")
	}
	if !box.IsCurrent(probe) { // a new key, which processes with the old one alone cannot open
		_, err = q.Exec(ctx, `UPDATE cluster SET probe = $1 WHERE probe = $2`, fresh, probe)
	}
	return err
}

// Servers that are there: those that have said so within a minute, and owners of shards. The ids of their
// keys are NULL where no row says them.
const selectServers = `
SELECT coalesce(n.name, ''), n.keys FROM node n WHERE n.seen > ` + nowMs + ` - 60000
 UNION ALL
SELECT DISTINCT '', NULL::text FROM shard s
 WHERE NOT s.clean AND s.horizon > ` + nowMs + ` - 60000 AND NOT EXISTS (SELECT 1 FROM node n WHERE n.token = s.node)`

// allSealWith returns an error that names a server whose first key is another one.
func allSealWith(ctx context.Context, q querier, keyID string) error {
	return each(ctx, q, func(r pgx.Rows) error {
		var name string
		var keys *string
		if err := r.Scan(&name, &keys); err != nil {
			return err
		}
		if keys == nil || *keys == "" {
			return domain.Unavailable(nil, "a server runs on the database, and it is not known with which key it "+
				"seals: stop it first")
		}
		if first, _, _ := strings.Cut(*keys, " "); first != keyID {
			return domain.Unavailable(nil, "server %s seals with key %s: put key %s first in its "+
				"BELFRY_ENCRYPTION_KEY and restart it", name, first, keyID)
		}
		return nil
	}, selectServers)
}
