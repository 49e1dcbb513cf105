package engine

// ringSize is how many seconds ahead have a bucket of their own: 68 minutes.
// It is a power of two so that a second's bucket is a mask away.
const ringSize = 1 << 12

// timetable holds every job at the second of its next fire:
//
//	ring   [s][s+1][s+2] ... [s+4095]      one bucket per second
//	far    {block: jobs}                   4096 seconds a block
//
// Adding and taking a job cost the same whether there are ten jobs or ten
// million. A job that was moved or removed leaves its old place as it is; the
// place is skipped when its second comes, because job.next names another one.
//
// It is not safe for concurrent use: Engine.mu guards it.
type timetable struct {
	next  int64 // the first second that was not taken
	ring  [ringSize][]*job
	far   map[int64][]*job
	spare []*job // memory for the next second's bucket
}

func newTimetable(from int64) *timetable {
	return &timetable{next: from, far: make(map[int64][]*job)}
}

// add puts a job at the second of job.next, which must not have been taken. A
// job that never fires is not put anywhere.
func (t *timetable) add(j *job) {
	if j.next == never {
		return
	}
	s := second(j.next)
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
func (t *timetable) take() (s int64, jobs []*job) {
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
func (t *timetable) unpack(block int64) {
	for _, j := range t.far[block] {
		if s := second(j.next); j.next != never && s/ringSize == block && s >= t.next {
			t.ring[s&(ringSize-1)] = append(t.ring[s&(ringSize-1)], j)
		}
	}
	delete(t.far, block)
}

// recycle keeps the memory of a taken second for the bucket that comes next, so
// that steady load allocates nothing. One is kept, not one for each bucket: for
// 40,000 jobs a second those would be a gigabyte. And none that is mostly empty,
// so that a great second is not remembered for ever.
func (t *timetable) recycle(jobs []*job) {
	if len(jobs) > 0 && 4*len(jobs) >= cap(jobs) && cap(jobs) > cap(t.spare) {
		clear(jobs)
		t.spare = jobs[:0]
	}
}
