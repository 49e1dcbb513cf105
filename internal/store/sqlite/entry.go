package sqlite

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const changeColumns = `at, nonce, action, by_key, by_name, by_address, job_id, version, execution_id, key_id, ` +
	`count, request_id, detail, times, last_at, operation_id`

const (
	insertOneChange = `
INSERT INTO change (` + changeColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET `

	// Only an import has a count, so that a repeat of anything else adds zero.
	insertChange = insertOneChange + `count = count + excluded.count`

	// A repeat has the sums.
	raiseChange = insertOneChange + `count = max(count, excluded.count), times = max(times, excluded.times),
           last_at = max(last_at, excluded.last_at)`

	pruneChanges = `DELETE FROM change WHERE (at, nonce) IN (SELECT at, nonce FROM change WHERE at <= ? LIMIT 0 + ?)`
)

// insertEntry writes one entry of the trail.
func insertEntry(c *conn, e *domain.Change) error { return putEntry(c, insertChange, e) }

func putEntry(c *conn, statement string, e *domain.Change) error {
	s, err := c.prepare(statement)
	if err != nil {
		return err
	}
	s.BindInt64(1, e.At)
	s.BindInt64(2, e.Nonce)
	s.BindText(3, string(e.Action))
	s.BindText(4, e.By.Key)
	bindText(s, 5, e.By.Name)
	bindText(s, 6, e.By.Address)
	if e.JobID.IsZero() {
		s.BindNull(7)
	} else {
		s.BindBytes(7, e.JobID[:])
	}
	bindNonZero(s, 8, int64(e.Version))
	if e.Execution == (domain.ExecutionID{}) {
		s.BindNull(9)
	} else {
		s.BindBytes(9, e.Execution[:])
	}
	bindText(s, 10, e.KeyID)
	s.BindInt64(11, e.Count)
	bindText(s, 12, e.RequestID)
	bindText(s, 13, e.Detail)
	s.BindInt64(14, e.Times)
	s.BindInt64(15, e.LastAt)
	if e.Operation.IsZero() {
		s.BindNull(16)
	} else {
		s.BindBytes(16, e.Operation[:])
	}
	_, err = s.Step()
	return err
}

// insertEntryOf writes the entry that a context has, if it has one.
func insertEntryOf(ctx context.Context, c *conn) error {
	e, ok := store.ChangeOf(ctx)
	if !ok {
		return nil
	}
	return insertEntry(c, &e)
}

// insertJobEntry writes the entry of a write to one job, if its context has
// one.
func insertJobEntry(ctx context.Context, c *conn, action domain.Action, id domain.JobID, number int) error {
	e, ok := store.JobEntry(ctx, action, id, number)
	if !ok {
		return nil
	}
	return insertEntry(c, &e)
}

// insertKeyEntry writes the entry of a write to a key, if its context has one.
func insertKeyEntry(ctx context.Context, c *conn, action domain.Action, id string) error {
	e, ok := store.KeyEntry(ctx, action, id)
	if !ok {
		return nil
	}
	return insertEntry(c, &e)
}
