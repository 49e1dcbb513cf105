package due

import (
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// ringSize is how many seconds ahead have a bucket of their own: 68 minutes.
// It is a power of two so that a second's bucket is a mask away.
const ringSize = 1 << 12

// ring holds every job at the second of its next fire:
//
//	ring   [s][s+1][s+2] ... [s+4095]      one bucket per second
//	far    {block: jobs}                   4096 seconds a block
//
// Adding and taking a job cost the same whether there are ten jobs or ten
// million. A job that was moved or removed leaves its old place as it is; the
// place is skipped when its second comes, because job.next names another one.
//
// It is not safe for concurrent use: the lock of the registry guards it.
type ring struct {
	next  int64 // the first second that was not taken
	ring  [ringSize][]*run.Job
	far   map[int64][]*run.Job
	spare []*run.Job // memory for the next second's bucket
}

func newRing(from int64) *ring {
	return &ring{next: from, far: make(map[int64][]*run.Job)}
}

// add puts a job at the second of job.next, which must not have been taken. A
// job that never fires is not put anywhere.
func (t *ring) add(j *run.Job) {
	if j.Next == run.Never {
		return
	}
	s := hold.Second(j.Next)
	if s < t.next {
		panic("engine: a fire was added to a second that is over")
	}
	if s-t.next < ringSize {
		slot := &t.ring[s&(ringSize-1)]
		if *slot == nil && s == t.next {
			*slot, t.spare = t.spare, nil
		}
		*slot = append(*slot, j)
		return
	}
	t.far[s/ringSize] = append(t.far[s/ringSize], j)
}

// take returns the jobs of the next second and moves on to the one after. The
// slice is the caller's to give back with recycle.
func (t *ring) take() (s int64, jobs []*run.Job) {
	s = t.next
	if s&(ringSize-1) == 0 {
		t.unpack(s / ringSize)
	}
	slot := &t.ring[s&(ringSize-1)]
	jobs, *slot = *slot, nil
	t.next++
	return s, jobs
}

// unpack moves a block of the far map into the ring. Every second of the block
// is within the ring when its first one is next.
func (t *ring) unpack(block int64) {
	for _, j := range t.far[block] {
		if s := hold.Second(j.Next); j.Next != run.Never && s/ringSize == block && s >= t.next {
			t.ring[s&(ringSize-1)] = append(t.ring[s&(ringSize-1)], j)
		}
	}
	delete(t.far, block)
}

// recycle keeps the memory of a taken second for the bucket that comes next, so
// that steady load allocates nothing. One is kept, not one for each bucket: for
// 40,000 jobs a second those would be a gigabyte. And none that is mostly empty,
// so that one large second does not pin memory.
func (t *ring) recycle(jobs []*run.Job) {
	if len(jobs) > 0 && 4*len(jobs) >= cap(jobs) && cap(jobs) > cap(t.spare) {
		clear(jobs)
		t.spare = jobs[:0]
	}
}
