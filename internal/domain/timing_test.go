package domain

import (
	"testing"

	"pgregory.net/rapid"
)

// drawVersion draws a version with a plain schedule and any window.
func drawVersion(t *rapid.T) Version {
	v := Version{
		JobID: NewJobID(1), Number: 1, Active: rapid.IntRange(0, 9).Draw(t, "active") > 0,
		EffectiveFrom: rapid.Int64Range(0, 200_000).Draw(t, "from"), EffectiveTo: Forever,
		CreatedAt: rapid.Int64Range(0, 200_000).Draw(t, "created"), Spec: DefaultSpec(),
	}
	for i := range v.JobID {
		v.JobID[i] = rapid.Byte().Draw(t, "id")
	}
	v.Spec.Schedule = rapid.SampledFrom([]string{"* * * * * *", "*/7 * * * * *", "0 * * * * *", "@every 13s",
		"H/20 * * * * *"}).Draw(t, "schedule")
	v.Spec.JitterMs = rapid.SampledFrom([]int64{0, 0, 1, 999, 1500, 70_000}).Draw(t, "jitter")
	if rapid.Bool().Draw(t, "closed") {
		v.EffectiveTo = v.EffectiveFrom + rapid.Int64Range(0, 300_000).Draw(t, "length")
	}
	if rapid.Bool().Draw(t, "starts") {
		v.Spec.StartAt = rapid.Int64Range(1, 400_000).Draw(t, "startAt")
	}
	if rapid.Bool().Draw(t, "ends") {
		v.Spec.EndAt = v.Spec.StartAt + rapid.Int64Range(1, 400_000).Draw(t, "endAt")
	}
	return v
}

// Fires are strictly increasing and inside the version's window; Next says
// nothing of them before it, and Prev walks the same ones back.
func TestTimingProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		timing, err := v.Timing()
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := max(v.EffectiveFrom, v.Spec.StartAt), v.EffectiveTo
		if v.Spec.EndAt != 0 {
			hi = min(hi, v.Spec.EndAt)
		}
		if !v.Active {
			hi = lo
		}
		after := rapid.Int64Range(-5, 700_000).Draw(t, "after")
		var fires []int64
		for at, ok := timing.Next(after); ok && len(fires) < 50; at, ok = timing.Next(at) {
			last := after
			if len(fires) > 0 {
				last = fires[len(fires)-1]
			}
			if at <= last || at < lo || at >= hi {
				t.Fatalf("Next(%d) = %d in [%d, %d)", last, at, lo, hi)
			}
			fires = append(fires, at)
		}
		for i := len(fires) - 1; i > 0; i-- {
			if at, ok := timing.Prev(fires[i]); !ok || at != fires[i-1] {
				t.Fatalf("Prev(%d) = %d %v, want %d", fires[i], at, ok, fires[i-1])
			}
		}
		if len(fires) > 0 {
			if at, ok := timing.Prev(fires[0]); ok && at > after {
				t.Fatalf("Prev(%d) = %d, which Next(%d) left out", fires[0], at, after)
			}
			if at, ok := timing.Prev(fires[0] + 1); !ok || at != fires[0] {
				t.Fatalf("Prev just after the fire %d is %d %v", fires[0], at, ok)
			}
		}
		if at, ok := timing.Prev(hi); ok {
			if next, more := timing.Next(at); more {
				t.Fatalf("Prev(end) = %d, but %d comes after it", at, next)
			}
		}
	})
}

func TestTimingTable(t *testing.T) {
	t.Parallel()
	id := JobID{1}
	offset := JitterOffset(id, 500)
	for _, c := range []struct {
		name        string
		change      func(*Version)
		after, want int64 // want -1: none
	}{
		{"the next second", func(*Version) {}, 10_000, 11_000},
		{"strictly after", func(*Version) {}, 10_999, 11_000},
		{"not before it is effective", func(v *Version) { v.EffectiveFrom = 20_500 }, 10_000, 21_000},
		{"at the instant it is effective", func(v *Version) { v.EffectiveFrom = 20_000 }, 10_000, 20_000},
		{"not at its end", func(v *Version) { v.EffectiveTo = 11_000 }, 10_000, -1},
		{"before its end", func(v *Version) { v.EffectiveTo = 11_001 }, 10_000, 11_000},
		{"not when paused", func(v *Version) { v.Active = false }, 10_000, -1},
		{"from startAt", func(v *Version) { v.Spec.StartAt = 30_000 }, 10_000, 30_000},
		{"not at endAt", func(v *Version) { v.Spec.EndAt = 11_000 }, 10_000, -1},
		{"an end before the start", func(v *Version) { v.EffectiveFrom, v.Spec.EndAt = 50_000, 11_000 }, 10_000, -1},
		{"with jitter", func(v *Version) { v.Spec.JitterMs = 500 }, 10_999, 11_000 + offset},
		{"after for ever", func(*Version) {}, Forever, -1},
		{"once", func(v *Version) { v.Spec.Schedule = "@at 1970-01-01T00:00:15Z" }, 10_000, 15_000},
		{"once, over", func(v *Version) { v.Spec.Schedule = "@at 1970-01-01T00:00:15Z" }, 15_000, -1},
	} {
		v := Version{JobID: id, Number: 1, EffectiveTo: Forever, Active: true, Spec: DefaultSpec()}
		v.Spec.Schedule = "* * * * * *"
		c.change(&v)
		timing, err := v.Timing()
		if err != nil {
			t.Fatal(err)
		}
		got, ok := timing.Next(c.after)
		if !ok {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s: Next(%d) = %d, want %d", c.name, c.after, got, c.want)
		}
	}
}

func TestTimingOfABadSchedule(t *testing.T) {
	t.Parallel()
	v := Version{Active: true, EffectiveTo: Forever, Spec: DefaultSpec()}
	v.Spec.Schedule = "every now and then"
	if _, err := v.Timing(); ErrorCode(err) != CodeInvalid {
		t.Errorf("error %v", err)
	}
}

// A job keeps its place in the window, the places are spread, and each is
// reached.
func TestJitterOffset(t *testing.T) {
	t.Parallel()
	if got := JitterOffset(JobID{1}, 0); got != 0 {
		t.Errorf("without jitter: %d", got)
	}
	if got := JitterOffset(JobID{1}, -5); got != 0 {
		t.Errorf("negative: %d", got)
	}
	const jobs, window = 10_000, 9
	var places [window + 1]int
	for i := range jobs {
		id := JobID{14: byte(i >> 8), 15: byte(i)}
		at := JitterOffset(id, window)
		if at < 0 || at > window || at != JitterOffset(id, window) {
			t.Fatalf("place %d", at)
		}
		places[at]++
	}
	for at, n := range places {
		if n < jobs/(window+1)*8/10 || n > jobs/(window+1)*12/10 {
			t.Errorf("%d of %d jobs are at %d", n, jobs, at)
		}
	}
	// The law of recovery: it must never change.
	for in, want := range map[JobID]int64{{}: 63557299, {1}: 62744484, {15: 1}: 31546345} {
		if got := JitterOffset(in, 86_400_000); got != want {
			t.Errorf("%v: %d, want %d", in, got, want)
		}
	}
}

func TestFloorDiv(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]int64{{7, 2, 3}, {-7, 2, -4}, {-8, 2, -4}, {0, 5, 0}, {-1, 1000, -1}} {
		if got := floorDiv(c[0], c[1]); got != c[2] {
			t.Errorf("%d / %d = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
