package run

import (
	"hash/maphash"
	"iter"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	// indexParts is how many tables a JobIndex has, at most. Each grows on its own, so
	// that no creation waits for more than the 10,000 jobs that a part of ten
	// million holds to be moved. Each is of one shard, so that this takes no walk over all jobs to leave.
	indexParts = 1 << 10
	rowsEach   = 1 << 13 // rows are made so many at a time: 64 KiB
)

// JobIndex finds jobs by id. A Go map of ten million ids takes 42 bytes an
// entry, because it holds the ids a second time; this one takes 13 to 19.
//
//	id ─ shard, hash ─► part ─► slot: number of a row ─► row: *job
//
// Rows are in the order in which the jobs came, which is that of their memory.
// The garbage collector follows pointers in the order in which it finds them: in
// that of a hash, each would be a miss of the cache, and marking ten million jobs
// takes four times as long. It does not look at slots.
//
// Each part is a table with linear probing (Knuth, The Art of Computer
// Programming, vol. 3, section 6.4, algorithms L and R) that is at most three
// quarters full. The zero value is empty, of one shard. It is not safe for concurrent use:
// the lock of the registry guards it.
type JobIndex struct {
	of    int // shards
	seed  maphash.Seed
	parts []indexPart
	rows  [][]*Job // of rowsEach; nil: no job
	used  uint32   // rows that have had a job
	free  []uint32 // those of them that have none now
	n     int
}

type indexPart struct {
	slots []uint32 // a power of two of them; the number of a row, from 1; 0: none
	n     int
}

// NewJobIndex returns an empty index of jobs of so many shards.
func NewJobIndex(shards int) JobIndex { return JobIndex{of: shards} }

// place returns the part of an id of a shard, and the number from which its slot follows.
func (x *JobIndex) place(shard int, id domain.JobID) (p *indexPart, hash uint64) {
	if x.parts == nil {
		x.of = max(x.of, 1)
		x.seed, x.parts = maphash.MakeSeed(), make([]indexPart, x.of*x.Pieces())
	}
	h, each := maphash.Comparable(x.seed, id), uint64(x.Pieces()) //nolint:gosec // at least 1
	return &x.parts[uint64(shard)*each+h%each], h / each          //nolint:gosec // it is not negative
}

// slotFrom returns the number from which the slot of an id follows in its part.
func (x *JobIndex) slotFrom(id domain.JobID) uint64 {
	return maphash.Comparable(x.seed, id) / uint64(x.Pieces()) //nolint:gosec // at least 1
}

// row returns a row by its number.
func (x *JobIndex) row(number uint32) **Job {
	return &x.rows[(number-1)/rowsEach][(number-1)%rowsEach]
}

// newRow returns the number of a row that is empty.
func (x *JobIndex) newRow() uint32 {
	if last := len(x.free) - 1; last >= 0 {
		number := x.free[last]
		x.free = x.free[:last]
		return number
	}
	if int(x.used) == len(x.rows)*rowsEach {
		x.rows = append(x.rows, make([]*Job, rowsEach))
	}
	x.used++
	return x.used
}

// Get returns the job of the id, or nil.
func (x *JobIndex) Get(id domain.JobID) *Job {
	p, h := x.place(id.Shard(x.of), id)
	if len(p.slots) == 0 {
		return nil
	}
	number := p.slots[x.find(p, id, h)]
	if number == 0 {
		return nil
	}
	return *x.row(number)
}

// Put adds a job, or takes the place of the one with the same id.
func (x *JobIndex) Put(j *Job) {
	p, h := x.place(int(j.Shard), j.ID)
	if 4*(p.n+1) > 3*len(p.slots) {
		x.grow(p)
	}
	at := x.find(p, j.ID, h)
	if p.slots[at] == 0 {
		p.slots[at] = x.newRow()
		p.n++
		x.n++
	}
	*x.row(p.slots[at]) = j
}

// grow doubles a part.
func (x *JobIndex) grow(p *indexPart) {
	old := p.slots
	p.slots = make([]uint32, max(4, 2*len(old)))
	for _, number := range old {
		if number != 0 {
			id := (*x.row(number)).ID
			p.slots[x.find(p, id, x.slotFrom(id))] = number
		}
	}
}

// find returns the slot of a part that holds the id, or the empty one where it
// belongs.
func (x *JobIndex) find(p *indexPart, id domain.JobID, hash uint64) int {
	mask := len(p.slots) - 1
	at := int(hash) & mask //nolint:gosec // the low bits are wanted
	for p.slots[at] != 0 && (*x.row(p.slots[at])).ID != id {
		at = (at + 1) & mask
	}
	return at
}

// Remove takes the job of the id out, if there is one.
func (x *JobIndex) Remove(id domain.JobID) {
	p, h := x.place(id.Shard(x.of), id)
	if len(p.slots) == 0 {
		return
	}
	hole := x.find(p, id, h)
	number := p.slots[hole]
	if number == 0 {
		return
	}
	*x.row(number) = nil
	x.free = append(x.free, number)
	p.n--
	x.n--
	// What comes after the hole may have been pushed there by what was in it.
	mask := len(p.slots) - 1
	for at := (hole + 1) & mask; p.slots[at] != 0; at = (at + 1) & mask {
		home := int(x.slotFrom((*x.row(p.slots[at])).ID)) & mask //nolint:gosec // the low bits are wanted
		if (at-home)&mask >= (at-hole)&mask {
			p.slots[hole] = p.slots[at]
			hole = at
		}
	}
	p.slots[hole] = 0
}

// All yields every job, in no order that is promised.
func (x *JobIndex) All() iter.Seq[*Job] {
	return func(yield func(*Job) bool) {
		for _, rows := range x.rows {
			for _, j := range rows {
				if j != nil && !yield(j) {
					return
				}
			}
		}
	}
}

// Pieces returns in how many pieces the jobs of each shard are.
func (x *JobIndex) Pieces() int { return max(1, indexParts/max(x.of, 1)) }

// Piece returns the jobs of a shard that are in one of its pieces.
func (x *JobIndex) Piece(shard, piece int) (jobs []*Job) {
	if x.parts == nil {
		return nil
	}
	p := &x.parts[shard*x.Pieces()+piece]
	jobs = make([]*Job, 0, p.n)
	for _, number := range p.slots {
		if number != 0 {
			jobs = append(jobs, *x.row(number))
		}
	}
	return jobs
}

// Parts yields every job, so many at a time. The slice is used again.
func (x *JobIndex) Parts(size int) iter.Seq[[]*Job] {
	return func(yield func([]*Job) bool) {
		part := make([]*Job, 0, size)
		for j := range x.All() {
			if part = append(part, j); len(part) == size {
				if !yield(part) {
					return
				}
				part = part[:0]
			}
		}
		if len(part) > 0 {
			yield(part)
		}
	}
}

// Len returns how many jobs there are.
func (x *JobIndex) Len() int { return x.n }
