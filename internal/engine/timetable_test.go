package engine

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// The timetable against a model that keeps each job's next fire in a map:
// every job is taken at its second, exactly once, wherever it was put before.
func TestTimetableModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(0, 3*ringSize).Draw(t, "from")
		table := newTimetable(from)
		model := make(map[*job]int64)
		var jobs []*job
		for range 12 {
			j := newJob(domain.JobID{}, 0)
			jobs = append(jobs, j)
		}
		distance := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, ringSize), rapid.Int64Range(ringSize-2, ringSize+2),
			rapid.Int64Range(ringSize, 4*ringSize))
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				j := rapid.SampledFrom(jobs).Draw(t, "job")
				j.next = (table.next+distance.Draw(t, "distance"))*1000 + rapid.Int64Range(0, 999).Draw(t, "ms")
				table.add(j)
				model[j] = j.next
			},
			"remove": func(t *rapid.T) {
				j := rapid.SampledFrom(jobs).Draw(t, "job")
				j.next = never
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

func takeOne(t *rapid.T, table *timetable, model map[*job]int64) {
	s, taken := table.take()
	due := make(map[*job]bool)
	for _, j := range taken {
		if j.next != never && second(j.next) == s { // as stage does
			due[j] = true
		}
	}
	for j, at := range model {
		if (second(at) == s) != due[j] {
			t.Fatalf("second %d: a job of second %d, taken: %v", s, second(at), due[j])
		}
	}
	for j := range due {
		delete(model, j)
		j.next = never
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
	j := newJob(domain.JobID{}, 0)
	j.next = 99_999
	newTimetable(100).add(j)
}

// Steady load allocates nothing: the memory of a second is used again.
func TestTimetableRecycles(t *testing.T) {
	table := newTimetable(0)
	j := newJob(domain.JobID{}, 0)
	table.add(&job{next: 0})
	turn := func() {
		s, jobs := table.take()
		j.next = (s + 1) * 1000
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

// A second's memory is kept once, not in each of the 4,096 buckets that it
// passes: what grows for an hour is a leak to whoever watches it.
func TestTimetableMemoryDoesNotWander(t *testing.T) {
	t.Parallel()
	const jobs = 1_000
	table := newTimetable(0)
	for range jobs {
		table.add(&job{next: 0})
	}
	for range 2 * ringSize {
		s, due := table.take()
		for _, j := range due {
			j.next = (s + 1) * 1000
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
	table.recycle(make([]*job, 10, 100_000))
	if cap(table.spare) > 6*jobs {
		t.Errorf("a great second of long ago keeps room for %d jobs", cap(table.spare))
	}
}

func TestPendingSecondsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, model := newPendingSeconds(), make(map[int64]int)
		at := rapid.Int64Range(0, 20_000)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				ms, n := at.Draw(t, "at"), rapid.IntRange(1, 3).Draw(t, "n")
				p.add(ms, n)
				model[ms/1000] += n
			},
			"done": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("nothing pending")
				}
				s := rapid.SampledFrom(slices.Sorted(maps.Keys(model))).Draw(t, "second")
				n := rapid.IntRange(1, model[s]).Draw(t, "n")
				p.done(s*1000+rapid.Int64Range(0, 999).Draw(t, "ms"), n)
				if model[s] -= n; model[s] == 0 {
					delete(model, s)
				}
			},
			"": func(t *rapid.T) {
				limit := at.Draw(t, "limit")
				want := limit
				for s := range model {
					want = min(want, s*1000-1)
				}
				if got := p.before(limit); got != want {
					t.Fatalf("before(%d) = %d, want %d", limit, got, want)
				}
				if p.len() != len(model) {
					t.Fatalf("%d seconds, want %d", p.len(), len(model))
				}
			},
		})
	})
}

func TestPendingSecondsNeverBelowZero(t *testing.T) {
	t.Parallel()
	defer func() {
		if r := recover(); r == nil || fmt.Sprint(r) == "" {
			t.Error("a fire was settled twice and nobody noticed")
		}
	}()
	p := newPendingSeconds()
	p.add(5_000, 1)
	p.done(5_999, 2)
}
