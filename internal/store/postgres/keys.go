package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// keys implements store.Keys.
type keys struct{ read, edit *pgxpool.Pool }

const keyColumns = `id, hash, name, role, namespace, created_at, expires_at, last_used_at, revoked_at`

const (
	insertAPIKey = `
INSERT INTO api_key (` + keyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)`
	selectAPIKey  = `SELECT ` + keyColumns + ` FROM api_key WHERE id = $1`
	selectAPIKeys = `SELECT ` + keyColumns + ` FROM api_key WHERE revoked_at = 0 ORDER BY created_at, id`
	selectLasting = `
SELECT ` + keyColumns + ` FROM api_key WHERE id = $1 OR role = $2 AND expires_at = 0 AND revoked_at = 0
 ORDER BY id FOR UPDATE`
	revokeKey = `UPDATE api_key SET revoked_at = $1 WHERE id = $2`

	// Those that two nodes have seen meet in one order.
	useKeys = `
UPDATE api_key k SET last_used_at = n.at
  FROM (SELECT k.id, n.at FROM api_key k JOIN unnest($1::text[], $2::bigint[]) n (id, at) ON k.id = n.id
         WHERE n.at > k.last_used_at ORDER BY k.id FOR UPDATE OF k) n WHERE k.id = n.id AND n.at > k.last_used_at`
)

func scanAPIKey(r pgx.Rows) (k domain.APIKey, err error) {
	var hash []byte
	err = r.Scan(&k.ID, &hash, &k.Name, (*string)(&k.Role), &k.Namespace, &k.CreatedAt, &k.ExpiresAt, &k.LastUsedAt,
		&k.RevokedAt)
	copy(k.Hash[:], hash)
	return k, err
}

// readAPIKey returns the key with an id, revoked or not, or nil.
func readAPIKey(ctx context.Context, q querier, id string) (found *domain.APIKey, err error) {
	err = each(ctx, q, func(r pgx.Rows) error {
		k, err := scanAPIKey(r)
		found = &k
		return err
	}, selectAPIKey, id)
	return found, err
}

// Add implements store.Keys.
func (k *keys) Add(ctx context.Context, key domain.APIKey) error {
	key.LastUsedAt, key.RevokedAt = 0, 0
	err := transact(ctx, k.edit, func(tx pgx.Tx) error {
		is, err := readAPIKey(ctx, tx, key.ID)
		if err != nil {
			return err
		}
		if is != nil {
			if is.LastUsedAt, is.RevokedAt = 0, 0; *is == key {
				return nil // a repeat
			}
			return errOtherKey(key.ID)
		}
		b := new(pgx.Batch)
		if r, ok := store.KeyRecord(ctx, key.ID); ok {
			if err := keepRecord(ctx, tx, b, &r); err != nil {
				return err
			}
		}
		b.Queue(insertAPIKey, key.ID, key.Hash[:], clean(key.Name), string(key.Role), key.Namespace, key.CreatedAt,
			key.ExpiresAt)
		queueKeyEntry(ctx, b, domain.ActionKeyCreate, key.ID)
		return send(ctx, tx, b)
	})
	if isCode(err, uniqueViolation) { // the hash, or somebody else was faster
		err = errOtherKey(key.ID)
	}
	return fault("store the key", err)
}

func errOtherKey(id string) error {
	return domain.Conflict("there is another key with the id or the hash of %s", id)
}

// Revoke implements store.Keys. The keys that always let an admin in are locked in one order, so that of two
// calls which end the last two of them one sees what the other has done.
func (k *keys) Revoke(ctx context.Context, id string, at int64, keepLast bool) error {
	var is *domain.APIKey
	var others bool // let an admin in
	return fault("revoke the key", exchange(ctx, k.edit, func(b *pgx.Batch) error {
		is, others = nil, false
		b.Queue(selectLasting, id, string(domain.RoleAdmin)).Query(func(r pgx.Rows) error {
			for r.Next() {
				found, err := scanAPIKey(r)
				if err != nil {
					return err
				}
				if found.ID == id {
					is = &found
				} else {
					others = others || found.Lasting()
				}
			}
			return r.Err()
		})
		return nil
	}, func(b *pgx.Batch) error {
		switch {
		case is != nil && is.RevokedAt == at:
			return nil // a repeat
		case is == nil || is.RevokedAt != 0:
			return store.NoKey(id)
		case keepLast && is.Lasting() && !others:
			return store.LastKey(id)
		}
		b.Queue(revokeKey, at, id)
		queueKeyEntry(ctx, b, domain.ActionKeyRevoke, id)
		return nil
	}))
}

// List implements store.Keys.
func (k *keys) List(ctx context.Context) (found []domain.APIKey, err error) {
	err = each(ctx, k.read, func(r pgx.Rows) error {
		key, err := scanAPIKey(r)
		found = append(found, key)
		return err
	}, selectAPIKeys)
	return found, fault("list the keys", err)
}

// Used implements store.Keys.
func (k *keys) Used(ctx context.Context, at map[string]int64) error {
	var ids []string
	var instants []int64
	for id, ms := range at {
		ids, instants = append(ids, id), append(instants, ms)
	}
	return fault("note the use of keys", pipeline(ctx, k.edit, func(b *pgx.Batch) {
		b.Queue(useKeys, ids, instants)
	}))
}
