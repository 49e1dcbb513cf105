package forecast

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	now = 1_767_225_600_000 // 2026-01-01
	day = 86_400_000
)

var schedules = []string{"0 */5 * * * *", "0 0 * * * *", "*/7 * * * * *", "@every 90m", "0 30 2 * * *", "0 0 0 1 * *",
	"H H * * * *", "15 H 3 * * MON", "* 0 12 * * *", "@at 2026-01-03T00:00:00Z"}

// someVersion returns a version with a random calendar.
func someVersion(r *rand.Rand) domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule = schedules[r.IntN(len(schedules))]
	spec.Timezone = []string{"UTC", "Europe/Berlin", "Asia/Kolkata"}[r.IntN(3)]
	if r.IntN(3) == 0 {
		spec.JitterMs = r.Int64N(90_000)
	}
	if r.IntN(4) == 0 {
		spec.StartAt = now + r.Int64N(3*day)
	}
	if r.IntN(4) == 0 {
		spec.EndAt = now + 2*day + r.Int64N(3*day)
	}
	id := domain.JobID{byte(r.IntN(3)), 1, 6: 0x70, 8: 0x80}
	v := domain.Version{JobID: id, Number: 1, EffectiveFrom: now - r.Int64N(5*day), EffectiveTo: domain.Forever,
		CreatedAt: now - 9*day, Active: r.IntN(4) > 0, Spec: spec}
	if !v.Active && r.IntN(2) == 0 {
		v.Pause.Until = now + r.Int64N(4*day) - day
	}
	return v
}

func timingOf(t testing.TB, v *domain.Version) domain.Timing {
	t.Helper()
	timing, err := v.Timing()
	if err != nil {
		t.Fatal(err)
	}
	return timing
}

// firesOf lists the fires of a calendar in (from, until).
func firesOf(timing domain.Timing, from, until int64) (all []int64) {
	for at, fires := timing.Next(from); fires && at < until; at, fires = timing.Next(at) {
		all = append(all, at)
	}
	return all
}

// without returns what a has and b has not.
func without(a, b []int64) (rest []int64) {
	has := map[int64]bool{}
	for _, at := range b {
		has[at] = true
	}
	for _, at := range a {
		if !has[at] {
			rest = append(rest, at)
		}
	}
	return rest
}

// TestCompareIsTheDifferenceOfSets of all fires of both, for random calendars.
func TestCompareIsTheDifferenceOfSets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	differ := 0
	for range 300 {
		a, b := someVersion(r), someVersion(r)
		if r.IntN(4) == 0 {
			b = a
			b.Spec.JitterMs += r.Int64N(2)
		}
		before, after := timingOf(t, &a), timingOf(t, &b)
		from := now + r.Int64N(day)
		until := from + r.Int64N(2*day)
		got := Compare(before, after, from, until, 5)
		was, is := firesOf(before, from, until), firesOf(after, from, until)
		gained, lost := without(is, was), without(was, is)
		if got.Until != until || got.GainedCount != int64(len(gained)) || got.LostCount != int64(len(lost)) ||
			!slices.Equal(got.Gained, gained[:min(5, len(gained))]) ||
			!slices.Equal(got.Lost, lost[:min(5, len(lost))]) {
			t.Fatalf("%+v\n%+v\nfrom %d until %d: %+v, want %d gained and %d lost", a, b, from, until, got, len(gained),
				len(lost))
		}
		if len(gained)+len(lost) > 0 {
			differ++
		}
	}
	if differ < 100 {
		t.Errorf("only %d pairs differed", differ)
	}
}

// TestCompareIsBounded: it ends early, and what it says is right up to there.
func TestCompareIsBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	a, b := someVersion(r), someVersion(r)
	a.Spec.Schedule, b.Spec.Schedule = "* * * * * *", "*/2 * * * * *"
	for _, v := range []*domain.Version{&a, &b} {
		v.Active, v.Spec.StartAt, v.Spec.EndAt, v.Spec.JitterMs, v.Spec.Timezone = true, 0, 0, 0, "UTC"
	}
	before, after := timingOf(t, &a), timingOf(t, &b)
	got := Compare(before, after, now, now+30*day, 3)
	if got.Until != now+(maxCompared+1)*1_000 || got.GainedCount != 0 || got.LostCount != maxCompared/2 {
		t.Errorf("%+v", got)
	}
	if same := Compare(before, before, now, now+30*day, 3); same.Until != now+30*day || same.LostCount != 0 {
		t.Errorf("one calendar and itself: %+v", same)
	}
}
