package memory

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Add implements store.Keys.
func (k keys) Add(ctx context.Context, key domain.APIKey) error {
	key.LastUsedAt, key.RevokedAt = 0, 0
	return k.do(ctx, func(d *Disk) error {
		for _, is := range d.keys {
			if is.ID != key.ID && is.Hash != key.Hash {
				continue
			}
			if is.LastUsedAt, is.RevokedAt = 0, 0; is == key {
				return nil // a repeat
			}
			return domain.Conflict("there is another key with the id or the hash of %s", key.ID)
		}
		if r, ok := store.KeyRecord(ctx, key.ID); ok {
			if err := d.keepRecord(&r); err != nil {
				return err
			}
		}
		d.keys[key.ID] = key
		d.enterKey(ctx, domain.ActionKeyCreate, key.ID)
		return nil
	})
}

// Revoke implements store.Keys.
func (k keys) Revoke(ctx context.Context, id string, at int64, keepLast bool) error {
	return k.do(ctx, func(d *Disk) error {
		is, known := d.keys[id]
		switch {
		case known && is.RevokedAt == at:
			return nil // a repeat
		case !known || is.RevokedAt != 0:
			return store.NoKey(id)
		case keepLast && is.Lasting() && !hasLasting(d.keys, id):
			return store.LastKey(id)
		}
		is.RevokedAt = at
		d.keys[id] = is
		d.enterKey(ctx, domain.ActionKeyRevoke, id)
		return nil
	})
}

// hasLasting reports whether a key other than one will always let an admin in.
func hasLasting(keys map[string]domain.APIKey, but string) bool {
	for id, is := range keys {
		if id != but && is.Lasting() {
			return true
		}
	}
	return false
}

// List implements store.Keys.
func (k keys) List(ctx context.Context) (found []domain.APIKey, err error) {
	err = k.do(ctx, func(d *Disk) error {
		for _, is := range d.keys {
			if is.RevokedAt == 0 {
				found = append(found, is)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b domain.APIKey) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return found, err
}

// Used implements store.Keys.
func (k keys) Used(ctx context.Context, at map[string]int64) error {
	return k.do(ctx, func(d *Disk) error {
		for id, ms := range at {
			if is, known := d.keys[id]; known {
				is.LastUsedAt = max(is.LastUsedAt, ms)
				d.keys[id] = is
			}
		}
		return nil
	})
}

// EndSession implements store.Keys.
func (k keys) EndSession(ctx context.Context, e domain.EndedSession, now int64) error {
	return k.do(ctx, func(d *Disk) error {
		if now >= d.nextEnded { // not each time: there are up to ten thousand
			maps.DeleteFunc(d.ended, func(_ domain.SessionID, at int64) bool { return at <= now })
			d.nextEnded = domain.Forever
			for _, at := range d.ended {
				d.nextEnded = min(d.nextEnded, at)
			}
		}
		if _, known := d.ended[e.ID]; known {
			return nil // a repeat
		}
		if len(d.ended) >= domain.MaxEndedSessions {
			return store.TooManyEnded()
		}
		d.ended[e.ID] = e.ExpiresAt
		d.nextEnded = min(d.nextEnded, e.ExpiresAt)
		return nil
	})
}

// EndedSessions implements store.Keys.
func (k keys) EndedSessions(ctx context.Context) (found []domain.EndedSession, err error) {
	err = k.do(ctx, func(d *Disk) error {
		for id, at := range d.ended {
			found = append(found, domain.EndedSession{ID: id, ExpiresAt: at})
		}
		return nil
	})
	slices.SortFunc(found, func(a, b domain.EndedSession) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return found, err
}

// Add implements store.Changes.
func (t changes) Add(ctx context.Context, e domain.Change) error {
	return t.do(ctx, func(d *Disk) error {
		d.raise(e)
		return nil
	})
}

// List implements store.Changes.
func (t changes) List(ctx context.Context, q store.ChangeQuery) (found []domain.Change, err error) {
	after := domain.Change{At: q.BeforeAt, Nonce: q.BeforeNonce}
	page := store.Meter{Rows: q.Limit, Bytes: q.MaxBytes}
	err = t.do(ctx, func(d *Disk) error {
		for _, e := range slices.Backward(d.changes) {
			if page.Full() {
				break
			}
			ofJob := q.JobID.IsZero() || q.JobID == e.JobID
			if !ofJob {
				e, ofJob = d.jobs[q.JobID].madeBy(e)
			}
			if ofJob && (q.BeforeAt == 0 || compareChanges(e, after) < 0) && e.At >= q.From && e.At <= q.To &&
				(q.RequestID == "" || q.RequestID == e.RequestID) &&
				(q.Operation.IsZero() || q.Operation == e.Operation) {
				found = append(found, d.complete(e, &q))
				page.Add(found[len(found)-1].Size())
			}
		}
		return nil
	})
	return found, err
}

// complete adds what an entry names.
func (d *Disk) complete(e domain.Change, q *store.ChangeQuery) domain.Change {
	before, after := e.Versions()
	if j := d.jobs[e.JobID]; j != nil {
		for _, v := range j.versions {
			whole, v, hash := v.Spec.Body, copyVersion(cutBody(v, q.MaxBody)), ""
			if v.BodyCut > 0 && q.HashBodies {
				hash = store.HashOfBody(whole)
			}
			if v.Number == before {
				e.Before, e.BodyBefore = &v, hash
			}
			if v.Number == after {
				e.After, e.BodyAfter = &v, hash
			}
		}
	}
	if k, known := d.keys[e.KeyID]; known {
		e.Key = &k
	}
	return e
}

// expireAccess drops the trail up to an instant, and the keys that were
// revoked by then.
func (d *Disk) expireAccess(before int64) {
	d.changes = slices.DeleteFunc(d.changes, func(e domain.Change) bool { return e.At <= before })
	for id, k := range d.keys {
		if k.RevokedAt != 0 && k.RevokedAt <= before {
			delete(d.keys, id)
		}
	}
}
