package engine

import (
	"hash/maphash"
	"iter"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// indexParts is how many tables a jobIndex has. Each grows on its own, so that
// no creation waits for more than the 10,000 jobs that a part of ten million
// holds to be moved.
const indexParts = 1 << 10

// jobIndex finds jobs by id. A Go map of ten million ids takes 42 bytes an
// entry, because it holds the ids a second time; this one holds a pointer, and
// 8 to 21 bytes an entry.
//
// Each part is a table with linear probing (Knuth, The Art of Computer
// Programming, vol. 3, section 6.4, algorithms L and R) that is at most three
// quarters full. The zero value is empty. It is not safe for concurrent use:
// Engine.mu guards it.
type jobIndex struct {
	seed  maphash.Seed
	parts []indexPart
	n     int
}

type indexPart struct {
	slots []*job // a power of two of them
	n     int
}

// place returns the part of an id, and the number from which its slot follows.
func (x *jobIndex) place(id domain.JobID) (p *indexPart, hash uint64) {
	if x.parts == nil {
		x.seed, x.parts = maphash.MakeSeed(), make([]indexPart, indexParts)
	}
	h := maphash.Comparable(x.seed, id)
	return &x.parts[h%indexParts], h / indexParts
}

// get returns the job of the id, or nil.
func (x *jobIndex) get(id domain.JobID) *job {
	p, h := x.place(id)
	if len(p.slots) == 0 {
		return nil
	}
	return p.slots[p.find(id, h)]
}

// put adds a job, or takes the place of the one with the same id.
func (x *jobIndex) put(j *job) {
	p, h := x.place(j.id)
	if 4*(p.n+1) > 3*len(p.slots) {
		x.grow(p)
	}
	at := p.find(j.id, h)
	if p.slots[at] == nil {
		p.n++
		x.n++
	}
	p.slots[at] = j
}

// grow doubles a part.
func (x *jobIndex) grow(p *indexPart) {
	old := p.slots
	p.slots = make([]*job, max(4, 2*len(old)))
	for _, j := range old {
		if j != nil {
			_, h := x.place(j.id)
			p.slots[p.find(j.id, h)] = j
		}
	}
}

// find returns the slot that holds the id, or the empty one where it belongs.
func (p *indexPart) find(id domain.JobID, hash uint64) int {
	mask := len(p.slots) - 1
	at := int(hash) & mask //nolint:gosec // the low bits are wanted
	for p.slots[at] != nil && p.slots[at].id != id {
		at = (at + 1) & mask
	}
	return at
}

// remove takes the job of the id out, if there is one.
func (x *jobIndex) remove(id domain.JobID) {
	p, h := x.place(id)
	if len(p.slots) == 0 {
		return
	}
	hole := p.find(id, h)
	if p.slots[hole] == nil {
		return
	}
	p.n--
	x.n--
	// What comes after the hole may have been pushed there by what was in it.
	mask := len(p.slots) - 1
	for at := (hole + 1) & mask; p.slots[at] != nil; at = (at + 1) & mask {
		_, h := x.place(p.slots[at].id)
		home := int(h) & mask //nolint:gosec // the low bits are wanted
		if (at-home)&mask >= (at-hole)&mask {
			p.slots[hole] = p.slots[at]
			hole = at
		}
	}
	p.slots[hole] = nil
}

// all yields every job, in no order.
func (x *jobIndex) all() iter.Seq[*job] {
	return func(yield func(*job) bool) {
		for i := range x.parts {
			for _, j := range x.parts[i].slots {
				if j != nil && !yield(j) {
					return
				}
			}
		}
	}
}
