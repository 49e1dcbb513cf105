package sqlite

import (
	"context"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	selectShard = `
SELECT epoch, token, horizon, watermark, revision, released, node, applied FROM shard WHERE one = 1`

	updateShard = `
UPDATE shard SET epoch = ?, token = ?, horizon = ?, watermark = ?, revision = ?, released = ?, node = ?, applied = ?
 WHERE one = 1`
)

// theShard is the number of the one that there is.
const theShard = 0

func readShard(c *conn) (sh store.Shard, err error) {
	err = c.query(selectShard, func(s *sqlite.Stmt) error {
		sh.Epoch, sh.Token = s.ColumnInt64(0), s.ColumnInt64(1)
		sh.Horizon, sh.Watermark = s.ColumnInt64(2), s.ColumnInt64(3)
		sh.Revision, sh.Clean = s.ColumnInt64(4), s.ColumnBool(5)
		sh.Node, sh.Applied = s.ColumnInt64(6), s.ColumnInt64(7)
		return nil
	})
	return sh, err
}

func writeShard(c *conn, sh store.Shard) error {
	return c.exec(updateShard, sh.Epoch, sh.Token, sh.Horizon, sh.Watermark, sh.Revision, sh.Clean, sh.Node, sh.Applied)
}

// heldLease answers whether a lease holds, mostly without a read: one process has the
// database, so its own last claim or release says who owns the shard.
type heldLease struct {
	db    *jobsDB
	known atomic.Pointer[store.Shard] // after the last change of the lease; nil: the row says it
}

// check returns a StaleError if a fence does not hold. The caller holds the recordLock, so
// that no lease changes.
func (h *heldLease) check(ctx context.Context, fences []store.Fence) error {
	if len(fences) == 0 {
		return nil
	}
	sh := h.known.Load()
	if sh == nil {
		var stored store.Shard
		err := h.db.read(ctx, func(c *conn) (err error) {
			stored, err = readShard(c)
			return err
		})
		if err != nil {
			return err
		}
		sh = &stored
	}
	return checkFences(sh, fences)
}

// checkEdit is check for a change of a job, in the transaction of the writer.
func (h *heldLease) checkEdit(ctx context.Context, c *conn) error {
	fences := store.FencesOf(ctx)
	if len(fences) == 0 {
		return nil
	}
	sh := h.known.Load()
	if sh == nil {
		stored, err := readShard(c)
		if err != nil {
			return err
		}
		sh = &stored
	}
	return checkFences(sh, fences)
}

func checkFences(sh *store.Shard, fences []store.Fence) error {
	for _, f := range fences {
		if !sh.Holds(f.Lease) {
			return store.Stale(f.Number)
		}
	}
	return nil
}
