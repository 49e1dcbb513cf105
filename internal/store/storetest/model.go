package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var modelCases = []testCase{
	{"ByJob and Failed answer as a sorted slice does", historyMatchesModel},
}

// modelFires bounds the fires of one version of a random job.
const modelFires = 80

// historyMatchesModel records the executions of a random job in random batches, and
// compares what the store returns with a plain list. All jobs share one database, so that
// each job has to be found among the others.
func historyMatchesModel(t *testing.T, f *fixture) {
	next := 0
	rapid.Check(t, func(rt *rapid.T) {
		next++
		j := drawJob(rt, next)
		j.save(rt, f)
		facts := j.drawFacts(rt)
		recordInBatches(rt, f, facts)

		want := newestFirst(facts)
		comparePages(rt, "ByJob", want, func(p store.Page) ([]domain.Execution, error) {
			return f.History().ByJob(t.Context(), j.id, p)
		})
		var failed []domain.Execution
		for _, e := range want {
			if e.Status.Alerts() {
				failed = append(failed, e)
			}
		}
		comparePages(rt, "Failed", failed, func(p store.Page) ([]domain.Execution, error) {
			return store.Failed(t.Context(), f.History(), j.id, p)
		})
	})
}

// modelJob is a random job: its versions, and whether it was deleted.
type modelJob struct {
	id       domain.JobID
	number   int // of the job in the test
	versions []domain.Version
	deleted  bool
}

// drawSpec varies all that decides when a job fires.
func drawSpec(rt *rapid.T) domain.Spec {
	spec := version(0).Spec
	spec.Schedule = rapid.SampledFrom([]string{
		"* * * * * *", "*/7 * * * * *", "0 * * * * *", "15,45 */2 * * * *", "0 0 * * * *", "0 30 2 * * *",
		"0 0 12 * * MON-FRI", "@every 1s", "@every 90s", "@hourly", "@every 7h13m",
	}).Draw(rt, "schedule")
	spec.Timezone = rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"}).Draw(
		rt, "zone")
	if rapid.Bool().Draw(rt, "jitters") {
		spec.JitterMs = rapid.Int64Range(1, 90_000).Draw(rt, "jitter")
	}
	if rapid.IntRange(0, 4).Draw(rt, "starts later") == 0 {
		spec.StartAt = noon + rapid.Int64Range(-hour, 2*day).Draw(rt, "startAt")
	}
	if rapid.IntRange(0, 4).Draw(rt, "ends sooner") == 0 {
		spec.EndAt = max(spec.StartAt, noon) + rapid.Int64Range(1, 2*day).Draw(rt, "endAt")
	}
	return spec
}

// drawJob draws a timeline of up to six versions that begins at noon, shortly
// before a midnight, or before a change of a zone's offset. Some versions are
// pauses.
func drawJob(rt *rapid.T, number int) *modelJob {
	j := &modelJob{id: jobID(number), number: number}
	at := rapid.SampledFrom([]int64{noon, midnight - 90*second, noon + 18*day + 12*hour}).Draw(rt, "begin")
	v := version(number)
	v.CreatedAt = at - rapid.Int64Range(0, 100*second).Draw(rt, "age")
	for n := range rapid.IntRange(1, 6).Draw(rt, "versions") {
		v.Number, v.EffectiveFrom, v.EffectiveTo = n+1, at, domain.Forever
		v.Active = rapid.IntRange(0, 3).Draw(rt, "paused") > 0
		v.Spec = drawSpec(rt)
		at += drawSpan(rt, v)
		v.EffectiveTo = at
		j.versions = append(j.versions, v)
	}
	if j.deleted = rapid.Bool().Draw(rt, "deleted"); !j.deleted { // paused, or it would fire on without a record
		v.Number, v.EffectiveFrom, v.EffectiveTo, v.Active = v.Number+1, at, domain.Forever, false
		j.versions = append(j.versions, v)
	}
	return j
}

// drawSpan draws for how long a version is in effect: not for too many fires.
func drawSpan(rt *rapid.T, v domain.Version) int64 {
	span := rapid.SampledFrom([]int64{1, 999, second, 61 * second, hour + 7, 11 * hour, 2 * day}).Draw(rt, "span")
	if fires := firesOf(rt, v); len(fires) == modelFires {
		span = min(span, fires[modelFires-1]-v.EffectiveFrom)
	}
	return max(1, span)
}

// firesOf returns the fires of a version, at most modelFires and those of two
// days.
func firesOf(rt *rapid.T, v domain.Version) (fires []int64) {
	timing, err := v.Timing()
	if err != nil {
		rt.Fatal(err)
	}
	at, found := timing.Next(v.EffectiveFrom - 1)
	for found && at < v.EffectiveFrom+2*day && len(fires) < modelFires {
		fires = append(fires, at)
		at, found = timing.Next(at)
	}
	return fires
}

// save creates the job and edits it into its last version.
func (j *modelJob) save(rt *rapid.T, f *fixture) {
	ctx := rt.Context()
	last := j.versions[len(j.versions)-1]
	for i, v := range j.versions {
		v.EffectiveTo = domain.Forever
		var err error
		if i == 0 {
			err = f.Jobs().Create(ctx, []domain.Version{v})
		} else {
			err = f.Jobs().Update(ctx, v)
		}
		if err != nil {
			rt.Fatal(err)
		}
	}
	if j.deleted {
		if err := f.Jobs().Delete(ctx, j.id, last.Number, last.EffectiveTo); err != nil {
			rt.Fatal(err)
		}
	}
}

// modelFire is a fire and the version that it belongs to.
type modelFire struct {
	at      int64
	version int
}

func (j *modelJob) fires(rt *rapid.T) (fires []modelFire) {
	for _, v := range j.versions {
		for _, at := range firesOf(rt, v) {
			fires = append(fires, modelFire{at, v.Number})
		}
	}
	return fires
}

// drawFacts draws what became of the fires: most have a record of their own,
// some runs of them are a MISSED summary, a few have none, and in between come
// manual triggers.
func (j *modelJob) drawFacts(rt *rapid.T) (facts []domain.Execution) {
	for fires := j.fires(rt); len(fires) > 0; {
		used := 1
		switch kind := rapid.IntRange(0, 19).Draw(rt, "kind"); {
		case kind == 0: // no record
		case kind == 1:
			used = min(rapid.SampledFrom([]int{1, 2, 10, 300}).Draw(rt, "run"), len(fires))
			last := fires[used-1]
			e := missed(j.number, fires[0].at, last.at, int64(used))
			e.Version = last.version
			facts = append(facts, e)
		case kind <= 4:
			e := failure(j.number, fires[0].at)
			e.Version = fires[0].version
			facts = append(facts, e)
		default:
			e := success(j.number, fires[0].at)
			e.Version = fires[0].version
			facts = append(facts, e)
		}
		if kind := rapid.IntRange(0, 9).Draw(rt, "trigger"); kind < 2 { // at that instant, or later
			at := fires[0].at + int64(kind)*rapid.Int64Range(0, second).Draw(rt, "offset")
			facts = append(facts, trigger(j.number, at, int64(1+len(facts))))
		}
		fires = fires[used:]
	}
	return facts
}

func recordInBatches(rt *rapid.T, f *fixture, facts []domain.Execution) {
	rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 0)).Shuffle(len(facts), func(i, k int) {
		facts[i], facts[k] = facts[k], facts[i]
	})
	for rest := facts; len(rest) > 0; {
		n := min(len(rest), rapid.SampledFrom([]int{1, 40, 1_000}).Draw(rt, "batch"))
		if err := f.Ledger().Record(rt.Context(), store.Batch{Facts: rest[:n]}); err != nil {
			rt.Fatal(err)
		}
		rest = rest[n:]
	}
}

func comparePages(rt *rapid.T, name string, want []domain.Execution,
	list func(store.Page) ([]domain.Execution, error)) {
	size := rapid.SampledFrom([]int{3, 20, 1_000}).Draw(rt, "page")
	var got []domain.Execution
	for page := (store.Page{Limit: size}); ; {
		part, err := list(page)
		if err != nil {
			rt.Fatalf("%s: %v", name, err)
		}
		got = append(got, part...)
		if len(part) < size {
			break
		}
		page.Before = part[size-1].FireKey
	}
	if diff := difference(got, want); diff != "" {
		rt.Fatalf("%s: %s", name, diff)
	}
}

// difference says where two lists part.
func difference(got, want []domain.Execution) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("ends after %d, want %d; next is %+v", len(got), len(want), want[i])
		case i >= len(want):
			return fmt.Sprintf("has %d, want %d; too many is %+v", len(got), len(want), got[i])
		case got[i].FireKey != want[i].FireKey, got[i].Status != want[i].Status, got[i].Version != want[i].Version:
			return fmt.Sprintf("number %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	return ""
}
