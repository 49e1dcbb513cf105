package alert

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func change(opened, count, last, recovered int64) domain.AlertChange {
	return domain.AlertChange{OpenedAt: opened, Alert: domain.Alert{
		JobID: domain.JobID{1}, FirstAt: opened + 1, LastAt: last, Count: count, RecoveredAt: recovered,
	}}
}

// TestFold is the truth table of what the state of an alert does to a group, by what is known of its job.
func TestFold(t *testing.T) {
	const opened, last = 1_000, 1_100
	member := func(opened, count, last, recovered int64) *domain.Member {
		return &domain.Member{AlertKey: domain.AlertKey{JobID: domain.JobID{1}, OpenedAt: opened}, Count: count,
			LastAt: last, RecoveredAt: recovered}
	}
	withdrawn := member(opened, 2, last, 1_150)
	withdrawn.Withdrawn = true
	for _, c := range []struct {
		name     string
		known    *domain.Member
		c        domain.AlertChange
		changes  bool
		jobs     int // by how much they change
		failures int64
		open     bool // afterwards
		back     int  // members that are withdrawn no more
	}{
		{"a new alert",
			nil, change(opened, 1, last, 0), true, 1, 1, true, 0},
		{"one that has ended already",
			nil, change(opened, 3, last, 1_200), true, 0, 3, false, 0},
		{"the same again",
			member(opened, 1, last, 0), change(opened, 1, last, 0), false, 0, 0, true, 0},
		{"it goes on",
			member(opened, 1, last, 0), change(opened, 4, last+1, 0), true, 0, 3, true, 0},
		{"an earlier state",
			member(opened, 4, last, 0), change(opened, 1, last-1, 0), false, 0, 0, true, 0},
		{"it ends",
			member(opened, 4, last, 0), change(opened, 4, last, 1_200), true, -1, 0, false, 0},
		{"it goes on and ends",
			member(opened, 4, last, 0), change(opened, 6, last, 1_200), true, -1, 2, false, 0},
		{"the end again",
			member(opened, 4, last, 1_200), change(opened, 4, last, 1_200), false, 0, 0, false, 0},
		{"a state from before the end",
			member(opened, 4, last, 1_200), change(opened, 4, last, 0), false, 0, 0, false, 0},
		{"the next one",
			member(500, 4, 600, 700), change(opened, 1, last, 0), true, 1, 1, true, 0},
		{"the next one, which has ended",
			member(500, 4, 600, 700), change(opened, 1, last, 1_200), true, 0, 1, false, 0},
		{"the next one, the end was not read",
			member(500, 4, 600, 0), change(opened, 1, last, 0), true, 0, 1, true, 0},
		{"the one before",
			member(opened, 1, last, 0), change(500, 4, 600, 700), false, 0, 0, true, 0},
		{"the one before, both ended",
			member(opened, 1, last, 1_200), change(500, 4, 600, 700), false, 0, 0, false, 0},
		{"the one before, which failed later",
			member(opened, 1, last, 0), change(500, 4, last+50, 1_200), false, 0, 0, true, 0},
		{"the one before, both ended at one instant",
			member(opened, 1, last, 1_200), change(500, 4, last, 1_200), false, 0, 0, false, 0},
		{"the next one, both ended",
			member(opened, 1, last, 1_200), change(500, 4, last+1, 1_300), true, 0, 4, false, 0},
		{"of a fire from long before",
			member(opened, 1, last, 1_200), change(500, 1, 1_300, 0), true, 1, 1, true, 0},
		{"of a job that was paused",
			withdrawn, change(opened, 2, last, 0), false, 0, 0, false, 0},
		{"of a job that was resumed",
			withdrawn, change(opened, 3, last, 0), true, 1, 1, true, 1},
		{"of a job that was resumed, over already",
			withdrawn, change(opened, 3, last, 1_300), true, 0, 1, false, 1},
		{"of a job that was resumed, the next one",
			withdrawn, change(2_000, 1, 2_100, 0), true, 1, 1, true, 1},
		{"of a job that was resumed, well",
			withdrawn, change(opened, 2, last, 1_300), false, 0, 0, false, 0},
	} {
		g := domain.Group{Counts: domain.GroupCounts{Jobs: 5, AllJobs: 9, Failures: 50, Withdrawn: 3}, TurnedAt: 1,
			FirstAt: 1}
		got, changes := Fold(&g, c.known, &c.c, domain.GroupSample{})
		if changes != c.changes || g.Counts.Jobs != 5+c.jobs || g.Counts.Failures != 50+c.failures ||
			got.Open() != c.open || g.Counts.Withdrawn != 3-c.back {
			t.Errorf("%s: changes %t, %+v, open %t; want %+v", c.name, changes, g.Counts, got.Open(), c)
		}
		counts := g.Counts
		if again, changes := Fold(&g, &got, &c.c, domain.GroupSample{}); changes || again != got || g.Counts != counts {
			t.Errorf("%s: applied twice it is %+v, %+v", c.name, again, g.Counts)
		}
	}
}

// Whatever is read of an alert, how often and in which order, the end is the same: its last state.
func TestFoldInAnyOrder(t *testing.T) {
	states := []domain.AlertChange{
		change(10, 1, 11, 0), change(10, 2, 21, 0), change(10, 5, 51, 0), change(10, 5, 51, 60),
	}
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		order := slices.Clone(states)
		order = append(order, states[r.IntN(len(states))], states[r.IntN(len(states))])
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		var g domain.Group
		var m *domain.Member
		for i := range order {
			next, _ := Fold(&g, m, &order[i], domain.GroupSample{})
			m = &next
		}
		want := domain.GroupCounts{AllJobs: 1, Failures: 5}
		if g.Counts != want || m.Count != 5 || m.RecoveredAt != 60 || g.RecoveredAt == 0 {
			t.Fatalf("seed %d, %v: %+v, %+v", seed, order, g, m)
		}
	}
}

func TestWithdraw(t *testing.T) {
	g := domain.Group{}
	c := change(10, 1, 11, 0)
	m, _ := Fold(&g, nil, &c, domain.GroupSample{JobID: c.JobID})
	Withdraw(&g, &m, 99)
	Withdraw(&g, &m, 100)
	if g.Counts.Jobs != 0 || g.Counts.Withdrawn != 1 || g.RecoveredAt != 99 || m.RecoveredAt != 99 ||
		len(g.Samples) != 0 {
		t.Errorf("%+v, %+v", g, m)
	}
}

// The alerts that came first are shown, with what is known of them last.
func TestSamples(t *testing.T) {
	g := domain.Group{}
	for i := range byte(9) {
		show(&g, domain.GroupSample{JobID: domain.JobID{i}})
	}
	before := g.Samples
	show(&g, domain.GroupSample{JobID: domain.JobID{2}, Count: 7})
	if len(g.Samples) != maxSamples || g.Samples[2].Count != 7 || !g.Samples[0].JobID.IsZero() {
		t.Errorf("%+v", g.Samples)
	}
	if reflect.DeepEqual(before, g.Samples) {
		t.Error("what others hold of the group was changed")
	}
}
