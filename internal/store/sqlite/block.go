package sqlite

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const (
	// blockJobs is how many jobs a new block is made for. A search that finds one job in a
	// block has looked at all of them: some 100 us.
	blockJobs = 32
	// blockMost is how many versions may be added to a block before it is rebuilt, from what
	// its jobs are now. The migration has it too.
	blockMost = 128
)

// block says what the jobs may have whose ids begin with start or more, up to the start of the next
// block.
type block struct {
	start int64
	jobs  int   // versions that were added since it was made
	bits  *bits // nil: it is not made
}

// maxStart is beyond the start of every block.
const maxStart = int64(math.MaxInt64)

// startOf returns the place of a job among the starts: the first 63 bits of its id.
func startOf(id domain.JobID) int64 { return int64(binary.BigEndian.Uint64(id[:8]) >> 1) }

// firstID returns the first id that can be in a block with the start.
func firstID(start int64) (id domain.JobID) {
	binary.BigEndian.PutUint64(id[:8], uint64(start)<<1)
	return id
}

// addition is what versions add to the blocks of their jobs.
type addition struct {
	low, high int64 // the places of the first and the last job
	jobs      int
	bits      bits
}

// additionsOf returns what rows add to the blocks, up to blockJobs of them in each. It is called
// before the rows are queued, so that the writer has less to do.
func additionsOf(rows []rows.Version) (all []addition) {
	for i := range rows {
		if i%blockJobs == 0 {
			all = append(all, addition{low: startOf(rows[i].JobID), high: startOf(rows[i].JobID)})
		}
		a, r := &all[len(all)-1], &rows[i]
		at := startOf(r.JobID)
		a.low, a.high, a.jobs = min(a.low, at), max(a.high, at), a.jobs+1
		a.bits.addJob(r.JobID, r.Namespace, r.Name, r.API, r.Tags)
	}
	return all
}

// blocks changes blocks in the transactions of the writer, which owns it. What a group of
// operations adds is collected, and written at the end of the transaction: an operation that is
// rolled back leaves bits too many at most.
type blocks struct {
	tail  *block           // the last one; nil: not known
	high  int64            // the place of the last job: a new block begins behind it
	dirty map[int64]*block // by start, as they will be; nil: to be deleted
	worn  chan struct{}    // has one when there are blocks to be rebuilt
}

func newBlocks() *blocks {
	return &blocks{dirty: make(map[int64]*block), worn: make(chan struct{}, 1)}
}

const (
	selectLastJob    = `SELECT id FROM job ORDER BY id DESC LIMIT 1`
	selectTail       = `SELECT start, jobs, bits FROM job_block ORDER BY start DESC LIMIT 1`
	selectBlockOf    = `SELECT start, jobs, bits FROM job_block WHERE start <= ? ORDER BY start DESC LIMIT 1`
	selectBlocksIn   = `SELECT start, jobs, bits FROM job_block WHERE start > ? AND start < ? ORDER BY start`
	selectBlockAfter = `SELECT start FROM job_block WHERE start > ? ORDER BY start LIMIT 1`
	upsertBlock      = `
INSERT INTO job_block (start, jobs, bits) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET jobs = excluded.jobs, bits = excluded.bits`
	deleteBlock = `DELETE FROM job_block WHERE start = ?`
)

func columnsBlock(s *sqlite.Stmt) *block {
	b := &block{start: s.ColumnInt64(0), jobs: s.ColumnInt(1)}
	if !s.ColumnIsNull(2) {
		b.bits = new(bits)
		s.ColumnBytes(2, b.bits[:])
	}
	return b
}

func readBlock(c *conn, query string, args ...any) (found *block, err error) {
	err = c.query(query, func(s *sqlite.Stmt) error {
		found = columnsBlock(s)
		return nil
	}, args...)
	return found, err
}

// add adds versions of jobs to the blocks in which they are, or begins a new last block.
func (bs *blocks) add(c *conn, a *addition) error {
	if err := bs.findTail(c); err != nil {
		return err
	}
	if t := bs.tail; a.low > bs.high && (t.bits == nil || t.jobs+a.jobs > blockJobs) {
		bs.tail = bs.put(&block{start: a.low, bits: new(bits)})
	}
	bs.high = max(bs.high, a.high)
	if a.low >= bs.tail.start {
		bs.join(bs.tail, a)
		return nil
	}
	return bs.addWithin(c, a)
}

// addAll is add of each.
func (bs *blocks) addAll(c *conn, all []addition) error {
	for i := range all {
		if err := bs.add(c, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

// findTail makes sure that the last block is known. There is always one, and the first begins
// at zero.
func (bs *blocks) findTail(c *conn) (err error) {
	if bs.tail != nil {
		return nil
	}
	tail, err := readBlock(c, selectTail)
	if err != nil {
		return err
	}
	if tail != nil {
		if b, changed := bs.dirty[tail.start]; changed {
			tail = b
		}
	}
	for _, b := range bs.dirty {
		if b != nil && (tail == nil || b.start > tail.start) {
			tail = b
		}
	}
	if tail == nil {
		tail = bs.put(&block{bits: new(bits)})
	}
	bs.high = tail.start
	err = c.query(selectLastJob, func(s *sqlite.Stmt) error {
		bs.high = max(bs.high, startOf(columnJobID(s, 0)))
		return nil
	})
	if err == nil {
		bs.tail = tail
	}
	return err
}

// addWithin adds versions to each block between their first and their last.
func (bs *blocks) addWithin(c *conn, a *addition) error {
	found := make(map[int64]*block)
	first, err := readBlock(c, selectBlockOf, a.low)
	if err != nil {
		return err
	}
	if first != nil {
		found[first.start] = first
	}
	err = c.query(selectBlocksIn, func(s *sqlite.Stmt) error {
		b := columnsBlock(s)
		found[b.start] = b
		return nil
	}, a.low, a.high+1)
	if err != nil {
		return err
	}
	maps.Copy(found, bs.dirty)
	if bs.tail != nil {
		found[bs.tail.start] = bs.tail
	}
	starts := slices.Sorted(maps.Keys(found))
	begin := int64(0) // of the last block that begins at or before the first job
	for _, s := range starts {
		if s <= a.low && found[s] != nil {
			begin = s
		}
	}
	for _, s := range starts {
		if s >= begin && s <= a.high && found[s] != nil {
			bs.join(found[s], a)
		}
	}
	return nil
}

func (bs *blocks) join(b *block, a *addition) {
	b.jobs += a.jobs
	if b.bits != nil && b.bits.join(&a.bits) { // without bits its jobs are looked at
		bs.put(b)
	}
}

// put makes a block one of those to be written.
func (bs *blocks) put(b *block) *block {
	bs.dirty[b.start] = b
	return b
}

// replace puts made blocks in the place of those that begin in [start, end).
func (bs *blocks) replace(c *conn, start, end int64, made []*block) error {
	err := c.query(selectBlocksIn, func(s *sqlite.Stmt) error {
		bs.dirty[s.ColumnInt64(0)] = nil
		return nil
	}, start-1, end)
	if err != nil {
		return err
	}
	for s := range bs.dirty {
		if s >= start && s < end {
			bs.dirty[s] = nil
		}
	}
	for _, b := range made {
		bs.put(b)
	}
	if bs.tail != nil && bs.tail.start >= start && bs.tail.start < end {
		bs.tail = made[len(made)-1]
	}
	return nil
}

// flush writes what a group has changed, in its transaction.
func (bs *blocks) flush(c *conn) error {
	for _, start := range slices.Sorted(maps.Keys(bs.dirty)) {
		b := bs.dirty[start]
		if b == nil {
			if err := c.exec(deleteBlock, start); err != nil {
				return err
			}
			continue
		}
		var filter any
		if b.bits != nil {
			filter = b.bits[:]
		}
		if err := c.exec(upsertBlock, b.start, b.jobs, filter); err != nil {
			return err
		}
		if b.jobs > blockMost {
			bs.wake()
		}
	}
	clear(bs.dirty)
	return nil
}

func (bs *blocks) wake() {
	select {
	case bs.worn <- struct{}{}:
	default:
	}
}

// drop forgets everything: the transaction was not committed, or nobody knows.
func (bs *blocks) drop() {
	bs.tail = nil
	clear(bs.dirty)
}
