package api

import (
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// The series of all jobs and that of one say what was recorded, by steps.
func TestSeries(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	job := jobID(t, id)
	fact := func(at int64, s domain.Status, drift, ms int64) domain.Execution {
		return domain.Execution{FireKey: domain.FireKey{JobID: job, ScheduledAt: at}, Version: 1, Status: s,
			StartedAt: at + drift, CompletedAt: at + drift + ms, RetryCount: 1}
	}
	other := fact(base+1, domain.StatusFailed, 100, 7)
	other.JobID = domain.NewJobID(base)
	missed := domain.Execution{FireKey: domain.FireKey{JobID: job, ScheduledAt: base - 60_000}, Version: 1,
		Status: domain.StatusMissed, CompletedAt: base, Missed: &domain.MissedRange{From: base - 100_000, Count: 5}}
	f.record(t, missed, fact(base, domain.StatusSuccess, 3, 40), fact(base+1_000, domain.StatusFailed, 5, 60), other)
	get := func(query string) (b seriesBody) {
		t.Helper()
		call(t, h, "GET", "/observability/series"+query, "").into(t, 200, &b)
		return b
	}
	all := get("")
	if all.Step != "minute" || all.From != base-3_600_000 || all.To != base+60_000 || len(all.Points) != 2 {
		t.Fatalf("%+v", all)
	}
	if p := all.Points[0]; p.At != base-60_000 || p.Executions != (endedCounts{Missed: 5}) || p.Drift != nil ||
		p.Duration != nil {
		t.Errorf("%+v", p)
	}
	if p := all.Points[1]; p.At != base || p.Executions != (endedCounts{Success: 1, Failed: 2}) || p.Retries != 3 ||
		*p.Drift != (distribution{5, 100, 100, 100}) || *p.Duration != (distribution{47, 60, 60, 60}) {
		t.Errorf("%+v drift %+v duration %+v", p, p.Drift, p.Duration)
	}
	for _, query := range []string{"?jobId=" + id, "?step=minute&from=2025-12-31T23:59:00Z&jobId=" + id} {
		if b := get(query); len(b.Points) != 2 || b.Points[1].Executions != (endedCounts{Success: 1, Failed: 1}) {
			t.Errorf("%s: %+v", query, b)
		}
	}
	for step, from := range map[string]int64{"hour": base - 23*3_600_000, "day": base - 29*86_400_000} {
		b := get("?step=" + step)
		if last := b.Points[len(b.Points)-1]; b.Step != step || last.At != base ||
			last.Executions != (endedCounts{Success: 1, Failed: 2}) || len(b.Points) != 2 {
			t.Errorf("%s: %+v", step, b)
		}
		if got := b.To - b.From; b.To <= base || b.From > from || got <= 0 {
			t.Errorf("%s: from %d to %d", step, b.From, b.To)
		}
	}
	for query, field := range map[string]string{
		"?step=week": "step", "?from=x": "from", "?to=-1x": "to", "?from=5&to=4": "to", "?jobId=7": "jobId",
		"?from=1767225600000&to=1767315660001": "to", "?limit=5": "limit",
	} {
		p := call(t, h, "GET", "/observability/series"+query, "").problem(t, 400)
		if !slices.Equal(p.fields(), []string{field}) {
			t.Errorf("%s names %v", query, p.fields())
		}
	}
	call(t, h, "GET", "/observability/series?jobId="+domain.NewJobID(1).String(), "").problem(t, 404)
}

// The series of a job goes as far back as a request may read, and says how far.
func TestSeriesOfAJobWithinABound(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	var facts []domain.Execution
	for i := range int64(4_000) {
		at := base - i*1_000
		facts = append(facts, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, id), ScheduledAt: at},
			Version: 1, Status: domain.StatusSuccess, StartedAt: at, CompletedAt: at})
	}
	f.record(t, facts...)
	var b seriesBody
	call(t, h, "GET", "/observability/series?from=0&to=1767225601000&step=day&jobId="+id, "").problem(t, 400)
	const window = "?from=2025-12-31T00:00:00Z&to=1767225601000&jobId="
	call(t, h, "GET", "/observability/series"+window+id, "").into(t, 200, &b)
	n := int64(0)
	for _, p := range b.Points {
		if n += p.Executions.Success; p.At < b.From {
			t.Errorf("a point before %d: %+v", b.From, p)
		}
	}
	if first := b.Points[0]; first.At != b.From || first.Executions.Success != 60 || n > 3_000 || n < 2_900 {
		t.Errorf("%d executions from %d on, the first point %+v", n, b.From, first)
	}
}

// The series of a job says from when on its executions are kept, by each step.
func TestSeriesOfAJobBeginsWithWhatIsKept(t *testing.T) {
	const day = 86_400_000
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	for _, at := range []int64{base - 5*day, base - 60_000} {
		f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, id), ScheduledAt: at}, Version: 1,
			Status: domain.StatusSuccess, StartedAt: at, CompletedAt: at})
	}
	if n, err := f.disk.History().Expire(t.Context(), base-2*day); n == 0 || err != nil {
		t.Fatalf("%d days expired, %v", n, err)
	}
	kept, err := f.disk.History().Kept(t.Context())
	if err != nil || kept <= base-5*day {
		t.Fatalf("kept since %d, %v", kept, err)
	}
	for _, step := range []string{"hour", "day"} {
		var b seriesBody
		query := "/observability/series?from=2025-12-26T00:00:00Z&step=" + step + "&jobId=" + id
		if call(t, h, "GET", query, "").into(t, 200, &b); b.From != kept || len(b.Points) != 1 {
			t.Errorf("%s: %d points from %d on, kept since %d", step, len(b.Points), b.From, kept)
		}
	}
}

// A confined key sees the series of its own jobs alone.
func TestSeriesOfOthers(t *testing.T) {
	w := newTenants(t)
	w.record(t, w.ours, base-1_000, 1)
	if p := call(t, w.billing, "GET", "/observability/series", "").problem(t, 403); p.Code != "forbidden" {
		t.Errorf("%+v", p)
	}
	call(t, w.billing, "GET", "/observability/series?jobId="+w.theirs, "").problem(t, 404)
	var b seriesBody
	call(t, w.billing, "GET", "/observability/series?jobId="+w.ours, "").into(t, 200, &b)
	if len(b.Points) == 0 {
		t.Error("nothing of a job of its own")
	}
}
