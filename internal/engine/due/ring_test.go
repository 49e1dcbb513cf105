package due

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// The timetable against a model that keeps each job's next fire in a map:
// every job is taken at its second, exactly once, wherever it was put before.
func TestTimetableModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(0, 3*ringSize).Draw(t, "from")
		table := newRing(from)
		model := make(map[*run.Job]int64)
		var jobs []*run.Job
		for range 12 {
			j := run.NewJob(domain.JobID{}, 0, 0)
			jobs = append(jobs, j)
		}
		distance := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, ringSize),
			rapid.Int64Range(ringSize-2, ringSize+2),
			rapid.Int64Range(ringSize, 4*ringSize))
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				j := rapid.SampledFrom(jobs).Draw(t, "job")
				j.Next = (table.next+distance.Draw(t, "distance"))*1000 + rapid.Int64Range(0, 999).Draw(t, "ms")
				table.add(j)
				model[j] = j.Next
			},
			"remove": func(t *rapid.T) {
				j := rapid.SampledFrom(jobs).Draw(t, "job")
				j.Next = run.Never
				table.add(j)
				delete(model, j)
			},
			"take": func(t *rapid.T) {
				for range rapid.Int64Range(1, 2*ringSize).Draw(t, "seconds") {
					takeOne(t, table, model)
				}
			},
		})
		for range 5 * ringSize {
			takeOne(t, table, model)
		}
		if len(model) > 0 || len(table.far) > 0 {
			t.Fatalf("%d jobs were never taken, %d blocks are left", len(model), len(table.far))
		}
	})
}

func takeOne(t *rapid.T, table *ring, model map[*run.Job]int64) {
	s, taken := table.take()
	due := make(map[*run.Job]bool)
	for _, j := range taken {
		if j.Next != run.Never && hold.Second(j.Next) == s { // as stage does
			due[j] = true
		}
	}
	for j, at := range model {
		if (hold.Second(at) == s) != due[j] {
			t.Fatalf("second %d: a job of second %d, taken: %v", s, hold.Second(at), due[j])
		}
	}
	for j := range due {
		delete(model, j)
		j.Next = run.Never
	}
	table.recycle(taken)
}

func TestTimetableRefusesThePast(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a fire in a second that is over was taken")
		}
	}()
	j := run.NewJob(domain.JobID{}, 0, 0)
	j.Next = 99_999
	newRing(100).add(j)
}

// Steady load allocates nothing: the memory of a second is used again.
func TestTimetableRecycles(t *testing.T) {
	table := newRing(0)
	j := run.NewJob(domain.JobID{}, 0, 0)
	table.add(&run.Job{Next: 0})
	turn := func() {
		s, jobs := table.take()
		j.Next = (s + 1) * 1000
		table.add(j)
		table.recycle(jobs)
	}
	for range 2 * ringSize {
		turn()
	}
	if n := testing.AllocsPerRun(1000, turn); n != 0 {
		t.Errorf("%.1f allocations a second", n)
	}
}

// The memory of a second is kept once, not in each of the 4,096 buckets that it passes.
// Memory that grows for an hour would look like a leak.
func TestTimetableMemoryDoesNotWander(t *testing.T) {
	t.Parallel()
	const jobs = 1_000
	table := newRing(0)
	for range jobs {
		table.add(&run.Job{Next: 0})
	}
	for range 2 * ringSize {
		s, due := table.take()
		for _, j := range due {
			j.Next = (s + 1) * 1000
			table.add(j)
		}
		table.recycle(due)
	}
	kept := cap(table.spare)
	for _, slot := range table.ring {
		kept += cap(slot)
	}
	if kept > 6*jobs {
		t.Errorf("memory for %d jobs is kept, and there are %d", kept, jobs)
	}
	table.recycle(make([]*run.Job, 10, 100_000))
	if cap(table.spare) > 6*jobs {
		t.Errorf("a great second of long ago keeps room for %d jobs", cap(table.spare))
	}
}
