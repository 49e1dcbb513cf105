package due

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// Upcoming against a sorted list: jobs that were put anywhere and moved, a second that is being made ready,
// and blocks of which some seconds have buckets.
func TestUpcomingModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := NewTimetable(&hold.Set{})
		table.ring = newRing(rapid.Int64Range(0, 3*ringSize).Draw(t, "from"))
		distance := rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, ringSize),
			rapid.Int64Range(ringSize-2, ringSize+2), rapid.Int64Range(ringSize, 4*ringSize))
		var jobs []*run.Job
		place := func(j *run.Job, label string) {
			j.Next = (table.ring.next+distance.Draw(t, label))*1000 + rapid.Int64Range(0, 2).Draw(t, "ms")
			table.ring.add(j)
		}
		for i := range rapid.IntRange(0, 40).Draw(t, "jobs") {
			j := run.NewJob(domain.JobID{byte(i + 1)}, 0, 0)
			jobs = append(jobs, j)
			place(j, "distance")
		}
		for range rapid.IntRange(0, 3).Draw(t, "turns") {
			for range rapid.Int64Range(0, ringSize+5).Draw(t, "seconds") {
				_, taken := table.ring.take()
				for _, j := range taken {
					if hold.Second(j.Next) == table.ring.next-1 {
						place(j, "again")
					}
				}
			}
			for _, j := range jobs {
				switch rapid.IntRange(0, 9).Draw(t, "what") {
				case 0:
					j.Next = run.Never
				case 1:
					place(j, "elsewhere")
				}
			}
		}
		if rapid.Bool().Draw(t, "a second is made ready") {
			f := &table.filling
			f.second, f.jobs = table.ring.take()
			f.done = rapid.IntRange(0, len(f.jobs)).Draw(t, "done")
			for _, j := range f.jobs[:f.done] {
				if hold.Second(j.Next) == f.second {
					place(j, "staged")
				}
			}
		}
		var want []domain.FireKey
		for _, j := range jobs {
			if j.Next != run.Never {
				want = append(want, domain.FireKey{ScheduledAt: j.Next, JobID: j.ID})
			}
		}
		slices.SortFunc(want, domain.FireKey.Sooner)
		most := rapid.IntRange(1, 50).Draw(t, "most")
		var got []domain.FireKey
		for after := (domain.FireKey{}); ; {
			u := NewUpcoming(after, most)
			for u.Step(table) {
			}
			part := u.Found()
			got = append(got, part...)
			if len(part) < most {
				break
			}
			after = part[most-1]
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// While the timetable goes on between two steps, each job that does not fire is found once.
func TestUpcomingBesideTheTimetable(t *testing.T) {
	t.Parallel()
	table := NewTimetable(&hold.Set{})
	table.ring = newRing(100)
	stays := map[domain.JobID]bool{}
	for i := range 20_000 {
		j := run.NewJob(domain.JobID{byte(i >> 8), byte(i), 1}, 0, 0)
		j.Next = (100 + int64(i*7%9_000)) * 1000
		table.ring.add(j)
		stays[j.ID] = hold.Second(j.Next) >= 400
	}
	u := NewUpcoming(domain.FireKey{}, 30_000)
	for turns := 0; u.Step(table); turns++ {
		if turns < 300 {
			_, taken := table.ring.take()
			table.ring.recycle(taken)
		}
	}
	if !slices.IsSortedFunc(u.Found(), domain.FireKey.Sooner) {
		t.Error("not in order")
	}
	for _, k := range u.Found() {
		if there, known := stays[k.JobID]; !known {
			t.Fatalf("%v twice", k)
		} else if there {
			delete(stays, k.JobID)
		}
	}
	for id, there := range stays {
		if there {
			t.Fatalf("%v was not found", id)
		}
	}
}
