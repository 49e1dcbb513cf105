package storetest

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

var seriesCases = []testCase{
	{"Points say what a scan of the facts says, however they were recorded", pointsOfFacts},
	{"Points begin and end where they are asked for", pointsWindow},
	{"Points of minutes and hours go with their day, those of days stay", pointsExpire},
	{"Decisions are counted once, as other facts", pointsOfDecisions},
}

// points returns the points of all time, without zeros at the end of histograms.
func points(t *testing.T, f *fixture, step domain.Step) []domain.Point {
	t.Helper()
	return pointsIn(t, f, step, noon-100*day, noon+100*day)
}

func pointsIn(t *testing.T, f *fixture, step domain.Step, from, to int64) []domain.Point {
	t.Helper()
	return trimmed(must(f.Store.Series().Points(t.Context(), step, from, to))(t))
}

func trimmed(points []domain.Point) []domain.Point {
	trim := func(h domain.Histogram) domain.Histogram {
		for len(h) > 0 && h[len(h)-1] == 0 {
			h = h[:len(h)-1]
		}
		return slices.Clip(h)
	}
	for i := range points {
		p := &points[i]
		if p.Drift, p.Duration = trim(p.Drift), trim(p.Duration); len(p.Drift) == 0 {
			p.Drift = nil
		}
		if len(p.Duration) == 0 {
			p.Duration = nil
		}
	}
	return points
}

// scanned returns the points of facts, as a scan finds them.
func scanned(facts []domain.Execution, step domain.Step) []domain.Point {
	var all domain.Points
	for i := range facts {
		all.Add(&facts[i], step)
	}
	slices.SortFunc(all, func(a, b domain.Point) int { return cmp.Compare(a.At, b.At) })
	return trimmed(all)
}

// drawnFact returns a fact of any kind, some of which are far from each other.
func drawnFact(r *rand.Rand) domain.Execution {
	at := noon + r.Int64N(3)*day + r.Int64N(3)*hour + r.Int64N(4)*minute + r.Int64N(60)*second
	n := 1 + r.IntN(9)
	e := success(n, at)
	e.StartedAt += r.Int64N(1 << r.IntN(20))
	e.CompletedAt = e.StartedAt + r.Int64N(1<<r.IntN(30))
	switch r.IntN(6) {
	case 0:
		e.Status, e.RetryCount = domain.StatusFailed, r.IntN(4)
	case 1:
		e.Status, e.StartedAt, e.HTTPStatus = domain.StatusSkipped, 0, 0
	case 2:
		e = missed(n, at-minute, at, 1+r.Int64N(1000))
	case 3:
		e.Status = domain.StatusUnknown
	case 4:
		e.Nonce = 1 + r.Int64N(3)
	}
	return e
}

// Batches overlap, as those that are sent again after a crash, and one has facts twice.
func pointsOfFacts(t *testing.T, f *fixture) {
	r := rand.New(rand.NewPCG(7, 11))
	var facts, last []domain.Execution
	known := make(map[domain.FireKey]bool)
	for range 40 {
		batch := slices.Clone(last[:len(last)/2])
		for range 1 + r.IntN(60) {
			if e := drawnFact(r); !known[e.FireKey] {
				known[e.FireKey] = true
				batch, facts = append(batch, e), append(facts, e)
			}
		}
		if r.IntN(4) == 0 {
			batch = append(batch, batch...)
		}
		f.record(t, batch...)
		last = batch
	}
	for range 2 {
		for _, step := range domain.Steps {
			equal(t, points(t, f, step), scanned(facts, step))
		}
		f.record(t, facts...)
		f.reopen(t)
	}
}

func pointsWindow(t *testing.T, f *fixture) {
	equal(t, len(points(t, f, domain.StepDay)), 0)
	var facts []domain.Execution
	for i := range int64(5) {
		facts = append(facts, success(1, midnight+(i-2)*minute))
	}
	f.record(t, facts...)
	for from := int64(-3); from < 4; from++ {
		for to := from; to < 4; to++ {
			var want []domain.Execution
			for _, e := range facts {
				if e.ScheduledAt >= midnight+from*minute && e.ScheduledAt < midnight+to*minute {
					want = append(want, e)
				}
			}
			got := pointsIn(t, f, domain.StepMinute, midnight+from*minute, midnight+to*minute)
			equal(t, got, scanned(want, domain.StepMinute))
		}
	}
	equal(t, len(pointsIn(t, f, domain.StepDay, midnight-1, midnight)), 0) // that day began before
	equal(t, len(pointsIn(t, f, domain.StepDay, midnight-day, midnight+1)), 2)
}

func pointsExpire(t *testing.T, f *fixture) {
	old := []domain.Execution{success(1, noon), failure(2, noon+hour), missed(3, noon-minute, noon, 9)}
	younger := []domain.Execution{success(1, noon+day)}
	f.record(t, append(old, younger...)...)
	f.expire(t, midnight, 1)
	all := append(slices.Clone(old), younger...)
	for range 2 {
		equal(t, points(t, f, domain.StepMinute), scanned(younger, domain.StepMinute))
		equal(t, points(t, f, domain.StepHour), scanned(younger, domain.StepHour))
		equal(t, points(t, f, domain.StepDay), scanned(all, domain.StepDay))
		f.reopen(t)
	}
	late := success(7, noon+5*minute) // its day begins again
	f.record(t, late)
	all = append(all, late)
	equal(t, points(t, f, domain.StepHour), scanned(append(younger, late), domain.StepHour))
	for range 2 {
		equal(t, points(t, f, domain.StepDay), scanned(all, domain.StepDay))
		f.expire(t, midnight, 1)
		equal(t, points(t, f, domain.StepDay), scanned(all, domain.StepDay))
		late.Nonce++
		f.record(t, late)
		all = append(all, late)
	}
}

func pointsOfDecisions(t *testing.T, f *fixture) {
	v := version(1)
	f.create(t, v)
	mine := own(t, f, v.JobID)
	for range 2 {
		ok(t, decide(t, f, mine, skipped(noon), skipped(noon+minute)))
	}
	f.record(t, success(1, noon)) // the decision is on record already
	want := scanned([]domain.Execution{skipped(noon).Execution, skipped(noon + minute).Execution}, domain.StepMinute)
	equal(t, points(t, f, domain.StepMinute), want)
}
