package forecast

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// jobs returns versions of so many random jobs.
func jobs(r *rand.Rand, n int) []domain.Version {
	all := make([]domain.Version, n)
	for i := range all {
		v := someVersion(r)
		for k := range v.JobID[:6] {
			v.JobID[k] = byte(r.IntN(256))
		}
		v.CreatedAt = now - r.Int64N(9*day)
		v.Spec.API, v.Spec.Type = fmt.Sprintf("http://h%d.example/", r.IntN(4)), domain.AtLeastOnce
		v.Spec.Tags = []string{"a", "b", "c"}[:r.IntN(4)]
		v.Spec.Namespace = []string{"default", "n"}[r.IntN(2)]
		all[i] = v
	}
	return all
}

// TestLoadIsTheSumOfAllFires, each job enumerated for itself, also of those whose pause has an end.
func TestLoadIsTheSumOfAllFires(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, w := range []Window{{now, now + day/24, 1_000}, {now + 7_000, now + 7_000 + day, 60_000},
		{now, now + 3*day, 3_600_000}} {
		all := jobs(r, 400)
		c := NewCounter(w, 0)
		points := make([]int64, (w.To-w.From)/w.Step)
		hosts, tags := map[string]int64{}, map[string]int64{}
		var total int64
		for i := range all {
			v := &all[i]
			c.Add(v)
			fires := firesOf(timingOf(t, v), w.From-1, w.To)
			for _, at := range fires {
				points[(at-w.From)/w.Step]++
			}
			total += int64(len(fires))
			hosts[v.Spec.API[:len(v.Spec.API)-1]+":80"] += int64(len(fires))
			for _, tag := range v.Spec.Tags {
				tags[tag] += int64(len(fires))
			}
		}
		got := c.Load()
		if got.Total != total || total == 0 || got.Truncated || len(got.Points) != len(points) {
			t.Fatalf("%+v: %d fires, want %d; truncated: %t", w, got.Total, total, got.Truncated)
		}
		for i, p := range got.Points {
			if p.At != w.From+int64(i)*w.Step || p.Count != points[i] {
				t.Fatalf("%+v: point %d is %+v, want %d", w, i, p, points[i])
			}
		}
		if most := slices.Max(points); got.Peak.Count != most || len(got.PeakJobs) == 0 {
			t.Errorf("the peak is %+v by %v, want %d", got.Peak, got.PeakJobs, most)
		}
		for _, s := range got.ByHost {
			if hosts[s.Name] != s.Count {
				t.Errorf("host %+v, want %d", s, hosts[s.Name])
			}
		}
		for _, s := range got.ByTag {
			if tags[s.Name] != s.Count {
				t.Errorf("tag %+v, want %d", s, tags[s.Name])
			}
		}
		if len(got.ByHost) != 4 || len(got.ByTag) != 3 || len(got.ByNamespace) != 2 {
			t.Errorf("%v %v %v", got.ByHost, got.ByTag, got.ByNamespace)
		}
	}
}

// TestLoadAfterPauses: jobs that are paused until an instant share a calendar from then on, and have no fire before.
func TestLoadAfterPauses(t *testing.T) {
	v := someVersion(rand.New(rand.NewPCG(1, 1)))
	v.Active, v.Pause.Until, v.EffectiveFrom = false, now+day/48, now-day
	v.Spec = domain.DefaultSpec()
	v.Spec.Schedule, v.Spec.API, v.Spec.Type = "0 * * * * *", "http://h.example/", domain.AtLeastOnce
	c := NewCounter(Window{now, now + day/24, 60_000}, now)
	for n := range byte(3) {
		v.JobID = domain.JobID{n + 1}
		if n == 2 {
			v.Pause.Until = 0 // until somebody resumes it
		}
		c.Add(&v)
	}
	got := c.Load()
	if got.Jobs != 2 || got.Total != 60 || len(c.calendars) != 1 {
		t.Errorf("%d fires of %d jobs, by %d calendars", got.Total, got.Jobs, len(c.calendars))
	}
	for i, p := range got.Points {
		if want := int64(i / 30 * 2); p.Count != want {
			t.Fatalf("minute %d: %d fires, want %d", i, p.Count, want)
		}
	}
}

// TestPeakNamesItsJobs: those that fire in the peak, with how often.
func TestPeakNamesItsJobs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	all := jobs(r, 3)
	for i := range all {
		v := &all[i]
		v.Active, v.EffectiveFrom, v.Spec.StartAt, v.Spec.EndAt, v.Spec.JitterMs = true, now-day, 0, 0, 0
		v.Spec.Timezone, v.Spec.Schedule, v.Spec.Name = "UTC",
			[]string{"0 5 * * * *", "0,30 5 * * * *", "0 7 * * * *"}[i], fmt.Sprint(i)
	}
	c := NewCounter(Window{now, now + day/24, 60_000}, now)
	for i := range all {
		c.Add(&all[i])
	}
	got := c.Load()
	if got.Peak != (Point{now + 300_000, 3}) || len(got.PeakJobs) != 2 || got.PeakJobs[0].Name != "1" ||
		got.PeakJobs[0].Count != 2 || got.PeakJobs[1].Name != "0" {
		t.Errorf("%+v %+v", got.Peak, got.PeakJobs)
	}
}

// TestLoadIsBounded: beyond its bounds it says that it does not have all.
func TestLoadIsBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	v := jobs(r, 1)[0]
	v.Active, v.Spec.StartAt, v.Spec.EndAt, v.Spec.Schedule = true, 0, 0, "* * * * * *"
	c := NewCounter(Window{now, now + day/24, 1_000}, now)
	c.walked = maxWalked
	if c.Add(&v); !c.Load().Truncated {
		t.Error("too many fires, and it is not said")
	}
	c = NewCounter(Window{now, now + day/24, 1_000}, now)
	for i := range maxNames + 1 {
		v.Spec.Tags = []string{fmt.Sprint(i)}
		c.Add(&v)
	}
	got := c.Load()
	if !got.Truncated || len(got.ByTag) != listedNames || got.Total != int64(maxNames+1)*3_600 {
		t.Errorf("%t, %d tags, %d fires", got.Truncated, len(got.ByTag), got.Total)
	}
}

// TestFiresThatArePastAreNotCounted: those of the first step before the present second.
func TestFiresThatArePastAreNotCounted(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	w := Window{now, now + day/8, 3_600_000}
	since := int64(now + 1_234_000)
	all := jobs(r, 300)
	c := NewCounter(w, since)
	first, total := int64(0), int64(0)
	for i := range all {
		v := &all[i]
		if v.EffectiveFrom = since - r.Int64N(3_600_000); i%3 == 0 {
			v.EffectiveFrom = since + r.Int64N(60_000)
		}
		c.Add(v)
		total += int64(len(firesOf(timingOf(t, v), since-1, w.To)))
		first += int64(len(firesOf(timingOf(t, v), since-1, w.From+w.Step)))
	}
	got := c.Load()
	if got.Total != total || got.Points[0] != (Point{now, first}) || first == 0 || first == total {
		t.Errorf("%d fires, want %d; %+v in the first step, want %d", got.Total, total, got.Points[0], first)
	}
}

// TestVersionsOfTheFirstStepShareCalendars: after an import of many jobs, the hour in which they were made is part of
// the forecast, and their calendars are as few as ever.
func TestVersionsOfTheFirstStepShareCalendars(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	v := jobs(r, 1)[0]
	v.Active, v.Spec = true, domain.DefaultSpec()
	v.Spec.Schedule, v.Spec.API, v.Spec.Type = "0 */5 * * * *", "http://h.example/", domain.AtLeastOnce
	c := NewCounter(Window{now, now + 7*day, 3_600_000}, now+1_800_000)
	for i := range int64(1_000) {
		v.JobID[0], v.JobID[1], v.EffectiveFrom = byte(i), byte(i>>8), now+i*1_000
		c.Add(&v)
	}
	if got := c.Load(); len(c.calendars) != 1 || got.Points[0].Count != 6*1_000 || got.Jobs != 1_000 {
		t.Errorf("%d calendars, %+v in the first step of %d jobs", len(c.calendars), got.Points[0], got.Jobs)
	}
}

// TestSchedulesAreParsedOnce: one that is known by its text is not read again.
func TestSchedulesAreParsedOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	v := jobs(r, 1)[0]
	v.Active, v.EffectiveFrom, v.Spec = true, now-day, domain.DefaultSpec()
	v.Spec.Schedule, v.Spec.API, v.Spec.Type = "this cannot be read", "http://h.example/", domain.AtLeastOnce
	hourly, err := domain.ParseSchedule("0 0 * * * *", "UTC", v.Spec.DST)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCounter(Window{now, now + day, 3_600_000}, now)
	if c.Add(&v); c.Load().Jobs != 0 {
		t.Error("a job that cannot be run is counted")
	}
	c.schedules[scheduleKey{v.Spec.Schedule, v.Spec.Timezone, v.Spec.DST}] = hourly
	if c.Add(&v); c.Load().Total != 24 {
		t.Errorf("%+v", c.Load())
	}
}

// BenchmarkLoadOfAMillion counts a million jobs with typical schedules for each of the three windows.
func BenchmarkLoadOfAMillion(b *testing.B) {
	r := rand.New(rand.NewPCG(11, 12))
	some := jobs(r, 1_000)
	for i := range some {
		some[i].Active, some[i].Spec.StartAt, some[i].Spec.EndAt = true, 0, 0
	}
	for name, w := range map[string]Window{"seconds": {now, now + day/24, 1_000}, "minutes": {now, now + day, 60_000},
		"hours": {now, now + 7*day, 3_600_000}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := NewCounter(w, 0)
				for i := range 1_000_000 {
					v := some[i%len(some)]
					v.JobID[0], v.JobID[1], v.JobID[2] = byte(i), byte(i>>8), byte(i>>16)
					v.CreatedAt = now - int64(i)*1_000
					c.Add(&v)
				}
				if l := c.Load(); l.Total == 0 {
					b.Fatal("no fires")
				}
				b.ReportMetric(float64(len(c.calendars)), "calendars")
			}
		})
	}
}
