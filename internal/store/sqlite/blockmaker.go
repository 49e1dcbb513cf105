package sqlite

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const (
	// remakePiece is how many jobs are read in one operation of the writer, some 10 us each:
	// so long a beat may wait.
	remakePiece = 512
	// After each piece the others have their turn: the blocks of a million jobs, after an
	// update from a version without them, take a minute.
	remakePause = 20 * time.Millisecond
	// foldPiece is how many blocks are looked at in one go for those with few jobs.
	foldPiece = 1_000
)

// blockMaker rebuilds blocks, in the background: those of jobs that were there before there were
// blocks, those to which many versions were added, and those whose jobs were deleted.
type blockMaker struct {
	db     *jobsDB
	blocks *blocks // of the writer: used in its operations alone
	log    *slog.Logger
	pruned atomic.Bool // jobs were deleted for good

	working *background // in which it runs until the end
}

// run works until the context ends.
func (m *blockMaker) run(ctx context.Context) {
	for {
		if err := m.all(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("the index of the jobs is not complete, lists with filters take longer", "error", err)
		}
		select {
		case <-m.blocks.worn:
		case <-ctx.Done():
			return
		}
	}
}

// jobsPruned says that jobs were deleted for good.
func (m *blockMaker) jobsPruned() {
	m.pruned.Store(true)
	m.blocks.wake()
}

func (m *blockMaker) all(ctx context.Context) error {
	if m.pruned.Swap(false) {
		if err := m.fold(ctx); err != nil {
			return err
		}
	}
	for {
		more, err := m.piece(ctx)
		if err != nil || !more {
			return err
		}
		if !clock.Wait(ctx, remakePause) {
			return ctx.Err()
		}
	}
}

const (
	selectWorn = `SELECT start FROM job_block WHERE jobs > 128 ORDER BY start LIMIT 1`

	selectBlockRows = `
SELECT j.id, j.namespace, v.name, v.api, v.tags
  FROM job j CROSS JOIN version v ON v.job_id = j.id AND v.number = j.current_version
 WHERE j.id >= ?1 AND j.id < ?2 AND j.deleted_at IS NULL ORDER BY j.id LIMIT 0 + ?3`
)

// piece rebuilds the first block that needs it, or a part of it. It returns whether there was
// one.
func (m *blockMaker) piece(ctx context.Context) (bool, error) {
	found := new(atomic.Bool) // the operation may run when nobody waits any more
	err := m.db.write(ctx, remakePiece, func(c *conn) (tally, error) {
		start, err := c.number(selectWorn)
		if err != nil {
			return tally{}, err
		}
		if worn, err := c.number(`SELECT count(*) FROM job_block WHERE start = ? AND jobs > 128`, start); err != nil ||
			worn == 0 {
			return tally{}, err
		}
		found.Store(true)
		return tally{}, m.remake(c, start)
	})
	return found.Load(), fault("index the jobs", err)
}

// remake rebuilds the block at the start, from the jobs as they are in the transaction.
func (m *blockMaker) remake(c *conn, start int64) error {
	end, err := m.blocks.endOf(c, start)
	if err != nil {
		return err
	}
	for limit := remakePiece; ; limit *= 2 {
		made, rows, err := makeBlocks(c, start, end, limit)
		if err != nil {
			return err
		}
		if rows == limit && len(made) == 1 { // more jobs of one place than were read
			continue
		}
		if rows == limit { // the last one may have more jobs than were read
			made[len(made)-1] = unmade(made[len(made)-1].start)
		}
		return m.blocks.replace(c, start, end, made)
	}
}

// unmade is a block that is to be made.
func unmade(start int64) *block { return &block{start: start, jobs: blockMost + 1} }

// endOf returns the start of the next block, also among those that are not written yet.
func (bs *blocks) endOf(c *conn, start int64) (int64, error) {
	end := maxStart
	err := c.query(selectBlockAfter, func(s *sqlite.Stmt) error {
		end = s.ColumnInt64(0)
		return nil
	}, start)
	for s, b := range bs.dirty {
		if b != nil && s > start {
			end = min(end, s)
		}
	}
	return end, err
}

// beforeEnd returns the upper bound of the ids of a block that ends at the start of another.
func beforeEnd(end int64) []byte {
	if end == maxStart {
		return afterAll
	}
	id := firstID(end)
	return id[:]
}

// makeBlocks makes blocks from the jobs of [start, end), at most limit of them.
func makeBlocks(c *conn, start, end int64, limit int) (made []*block, read int, err error) {
	from, last := firstID(start), start
	current := &block{start: start, bits: new(bits)}
	made = append(made, current)
	err = c.query(selectBlockRows, func(s *sqlite.Stmt) error {
		read++
		id := columnJobID(s, 0)
		at := startOf(id)
		if current.jobs >= blockJobs && at > last { // two jobs of one place are in one block
			current = &block{start: at, bits: new(bits)}
			made = append(made, current)
		}
		last = at
		current.jobs++
		current.bits.addJob(id, s.ColumnText(1), s.ColumnText(2), s.ColumnText(3), rows.Text(s.ColumnText(4)))
		return nil
	}, from[:], beforeEnd(end), limit)
	for _, b := range made {
		b.jobs = min(b.jobs, blockJobs) // of one with many jobs at one place, too: it cannot be split
	}
	return made, read, err
}

const countJobsIn = `SELECT count(*) FROM job WHERE id >= ? AND id < ? AND deleted_at IS NULL`

// fold marks the blocks that follow each other and have not more jobs than one should have, to be
// rebuilt as one.
func (m *blockMaker) fold(ctx context.Context) error {
	for after := int64(-1); ; {
		runs, next, err := m.sparse(ctx, after)
		if err != nil {
			return err
		}
		for _, r := range runs {
			err := m.db.write(ctx, 1, func(c *conn) (tally, error) {
				return tally{}, m.blocks.replace(c, r.from, r.to, []*block{unmade(r.from)})
			})
			if err != nil {
				return fault("index the jobs", err)
			}
		}
		if next < 0 {
			return nil
		}
		after = next
	}
}

// stretch is from the start of a block to that of another.
type stretch struct{ from, to int64 }

// sparse looks at blocks after a start and returns the stretches of those with few jobs, and the
// start to go on after; -1: there are no more.
func (m *blockMaker) sparse(ctx context.Context, after int64) (found []stretch, next int64, err error) {
	var starts []int64
	err = m.db.read(ctx, func(c *conn) error {
		err := c.query(`SELECT start FROM job_block WHERE start > ? ORDER BY start LIMIT 0 + ?`,
			func(s *sqlite.Stmt) error {
				starts = append(starts, s.ColumnInt64(0))
				return nil
			}, after, foldPiece+1)
		if err != nil {
			return err
		}
		found, err = sparseOf(c, starts)
		return err
	})
	if len(starts) <= foldPiece {
		return found, -1, fault("index the jobs", err)
	}
	return found, starts[foldPiece-1], fault("index the jobs", err)
}

func sparseOf(c *conn, starts []int64) (found []stretch, err error) {
	begin, sum := 0, 0
	end := func(i int) { // of the stretch that begins at begin
		if i > begin+1 {
			found = append(found, stretch{starts[begin], starts[i]})
		}
		begin, sum = i, 0
	}
	for i := range max(0, len(starts)-1) { // the last one may be that to which jobs are added
		from, to := firstID(starts[i]), firstID(starts[i+1])
		n, err := c.number(countJobsIn, from[:], to[:])
		if err != nil {
			return nil, err
		}
		if sum+int(n) > blockJobs {
			end(i)
		}
		sum += int(n)
	}
	end(max(0, len(starts)-1))
	return found, nil
}

// afterAll comes after every id.
var afterAll = append(make([]byte, 0, len(domain.JobID{})+1),
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
