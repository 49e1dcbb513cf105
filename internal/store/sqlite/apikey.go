package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// keys implements store.Keys.
type keys struct{ db *jobsDB }

const keyColumns = `id, hash, name, role, created_at, expires_at, last_used_at, revoked_at, namespace`

const (
	insertAPIKey = `
INSERT INTO api_key (id, hash, name, role, created_at, expires_at, namespace) VALUES (?, ?, ?, ?, ?, nullif(?, 0), ?)
			ON CONFLICT DO NOTHING`
	selectAPIKey  = `SELECT ` + keyColumns + ` FROM api_key WHERE id = ?`
	selectAPIKeys = `SELECT ` + keyColumns + ` FROM api_key WHERE revoked_at IS NULL ORDER BY created_at, id`
	selectLasting = `SELECT id FROM api_key WHERE role = ? AND expires_at IS NULL AND revoked_at IS NULL LIMIT 2`
	revokeKey     = `UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`
	useKey        = `UPDATE api_key SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?`

	// A key goes with the entries of its time: see the table.
	pruneKeys = `DELETE FROM api_key WHERE id IN (SELECT id FROM api_key WHERE revoked_at <= ? LIMIT 0 + ?)`
)

func columnsAPIKey(s *sqlite.Stmt) (k domain.APIKey) {
	k.ID, k.Name, k.Role = s.ColumnText(0), s.ColumnText(2), domain.Role(s.ColumnText(3))
	s.ColumnBytes(1, k.Hash[:])
	k.CreatedAt, k.ExpiresAt, k.LastUsedAt, k.RevokedAt = s.ColumnInt64(4), s.ColumnInt64(5), s.ColumnInt64(6),
		s.ColumnInt64(7)
	k.Namespace = s.ColumnText(8)
	return k
}

// readAPIKey returns the key with an id, revoked or not, or nil.
func readAPIKey(c *conn, id string) (found *domain.APIKey, err error) {
	err = c.query(selectAPIKey, func(s *sqlite.Stmt) error {
		k := columnsAPIKey(s)
		found = &k
		return nil
	}, id)
	return found, err
}

// Add implements store.Keys.
func (k keys) Add(ctx context.Context, key domain.APIKey) error {
	key.LastUsedAt, key.RevokedAt = 0, 0
	return fault("store the key", k.db.write(ctx, 2, func(c *conn) (tally, error) {
		err := c.exec(insertAPIKey, key.ID, key.Hash[:], key.Name, string(key.Role), key.CreatedAt, key.ExpiresAt,
			rows.Text(key.Namespace))
		if err != nil {
			return tally{}, err
		}
		if c.Changes() > 0 {
			if r, ok := store.KeyRecord(ctx, key.ID); ok {
				if err := keepRecord(c, &r); err != nil {
					return tally{}, err
				}
			}
			return tally{}, insertKeyEntry(ctx, c, domain.ActionKeyCreate, key.ID)
		}
		is, err := readAPIKey(c, key.ID)
		if err == nil && is != nil {
			is.LastUsedAt, is.RevokedAt = 0, 0
			if *is == key {
				return tally{}, nil // a repeat
			}
		}
		if err == nil {
			err = domain.Conflict("there is another key with the id or the hash of %s", key.ID)
		}
		return tally{}, err
	}))
}

// Revoke implements store.Keys.
func (k keys) Revoke(ctx context.Context, id string, at int64, keepLast bool) error {
	return fault("revoke the key", k.db.write(ctx, 2, func(c *conn) (tally, error) {
		if keepLast {
			if err := refuseLast(c, id); err != nil {
				return tally{}, err
			}
		}
		if err := c.exec(revokeKey, at, id); err != nil {
			return tally{}, err
		}
		if c.Changes() > 0 {
			return tally{}, insertKeyEntry(ctx, c, domain.ActionKeyRevoke, id)
		}
		is, err := readAPIKey(c, id)
		if err == nil && (is == nil || is.RevokedAt != at) {
			err = store.NoKey(id)
		}
		return tally{}, err
	}))
}

// refuseLast returns a conflict if a key is the only one that will always let an admin in.
func refuseLast(c *conn, id string) error {
	others, last := 0, false
	err := c.query(selectLasting, func(s *sqlite.Stmt) error {
		if s.ColumnText(0) == id {
			last = true
		} else {
			others++
		}
		return nil
	}, string(domain.RoleAdmin))
	if err == nil && last && others == 0 {
		err = store.LastKey(id)
	}
	return err
}

// List implements store.Keys.
func (k keys) List(ctx context.Context) (found []domain.APIKey, err error) {
	err = k.db.read(ctx, func(c *conn) error {
		return c.query(selectAPIKeys, func(s *sqlite.Stmt) error {
			found = append(found, columnsAPIKey(s))
			return nil
		})
	})
	return found, fault("list the keys", err)
}

// Used implements store.Keys.
func (k keys) Used(ctx context.Context, at map[string]int64) error {
	return fault("note the use of keys", k.db.write(ctx, len(at), func(c *conn) (tally, error) {
		for id, ms := range at {
			if err := c.exec(useKey, ms, id); err != nil {
				return tally{}, err
			}
		}
		return tally{}, nil
	}))
}
