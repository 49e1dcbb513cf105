package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var jobCases = []testCase{
	{"a job comes back with every field", jobComesBack},
	{"Create is all or none", createAllOrNone},
	{"Create again with the same content changes nothing", createRepeats},
	{"Create of an id that exists with other content is a conflict", createConflict},
	{"Update closes the version before it", updateCloses},
	{"Update again changes nothing", updateRepeats},
	{"Update of another version than the current is a conflict", updateConflict},
	{"Update of a job that is not there is not found", updateNotFound},
	{"Delete closes the current version and hides the job", deleteHides},
	{"Delete again with the same number and instant succeeds", deleteRepeats},
	{"Delete of another version than the current is a conflict", deleteConflict},
	{"Versions of an unknown job are none", versionsUnknown},
	{"VersionsBefore pages the versions of a job, newest first", versionsBefore},
	{"Timeline streams what overlaps the time after an instant", timelineOverlaps},
	{"Timeline keeps the versions of a job together over thousands", timelineMany},
	{"Timeline gives the timing alone", timelineTimings},
	{"Timeline streams the jobs of some shards", timelineOfShards},
	{"Timeline ends with the error of its function", timelineStops},
	{"Count follows every write", countFollows},
	{"a pause is kept with its version, and those that end are listed in order", pausesEnd},
}

func jobComesBack(t *testing.T, f *fixture) {
	plain, full := version(1), everyField(2)
	f.create(t, plain, full)
	for _, v := range []domain.Version{plain, full} {
		got := must(f.Jobs().Get(t.Context(), v.JobID))(t)
		equal(t, got, domain.Job{ID: v.JobID, CreatedAt: v.CreatedAt, UpdatedAt: v.CreatedAt, Current: v})
	}
	_, err := f.Jobs().Get(t.Context(), jobID(3))
	wantCode(t, err, domain.CodeNotFound)
}

func createAllOrNone(t *testing.T, f *fixture) {
	f.create(t, version(2))
	other := version(2)
	other.Spec.Name = "another"
	if err := f.Jobs().Create(t.Context(), nil); err != nil {
		t.Errorf("no jobs: %v", err)
	}
	err := f.Jobs().Create(t.Context(), []domain.Version{version(1), other, version(3)})
	wantCode(t, err, domain.CodeConflict)
	for _, n := range []int{1, 3} {
		_, err := f.Jobs().Get(t.Context(), jobID(n))
		wantCode(t, err, domain.CodeNotFound)
	}
	wantCount(t, f, 1, 1)
}

func createRepeats(t *testing.T, f *fixture) {
	batch := []domain.Version{version(1), everyField(2)}
	f.create(t, batch...)
	f.create(t, batch...)
	f.create(t, everyField(2), version(3))
	wantCount(t, f, 3, 3)
	f.update(t, edit(version(1), noon+hour, nil))
	f.create(t, batch...) // a repeat that comes late does not undo the edit
	equal(t, must(f.Jobs().Get(t.Context(), jobID(1)))(t).Current.Number, 2)
}

func createConflict(t *testing.T, f *fixture) {
	f.create(t, version(1))
	for name, change := range map[string]func(*domain.Version){
		"schedule": func(v *domain.Version) { v.Spec.Schedule = "1 * * * * *" },
		"headers":  func(v *domain.Version) { v.Spec.Headers = map[string]string{"A": "b"} },
		"option":   func(v *domain.Version) { v.Spec.TimeoutMs++ },
		"active":   func(v *domain.Version) { v.Active = false },
		"from":     func(v *domain.Version) { v.EffectiveFrom++ },
		"created":  func(v *domain.Version) { v.CreatedAt++ },
	} {
		v := version(1)
		change(&v)
		if err := f.Jobs().Create(t.Context(), []domain.Version{v}); domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("another %s: error %v, want a conflict", name, err)
		}
	}
}

func updateCloses(t *testing.T, f *fixture) {
	v1 := everyField(1)
	f.create(t, v1)
	v2 := edit(v1, noon+hour, func(v *domain.Version) { v.Spec, v.Active = version(1).Spec, false })
	f.update(t, v2)
	equal(t, must(f.Jobs().Versions(t.Context(), jobID(1), store.WholeVersions))(t),
		[]domain.Version{closed(v1, noon+hour), v2})
	got := must(f.Jobs().Get(t.Context(), jobID(1)))(t)
	equal(t, got, domain.Job{ID: jobID(1), CreatedAt: v1.CreatedAt, UpdatedAt: noon + hour, Current: v2})
}

func updateRepeats(t *testing.T, f *fixture) {
	v1 := version(1)
	v2 := edit(v1, noon+hour, func(v *domain.Version) { v.Spec.Tags = []string{"x"} })
	v3 := edit(v2, noon+2*hour, nil)
	f.create(t, v1)
	f.update(t, v2)
	f.update(t, v2)
	f.update(t, v3)
	f.update(t, v2) // comes again after somebody else's edit
	want := []domain.Version{closed(v1, v2.EffectiveFrom), closed(v2, v3.EffectiveFrom), v3}
	equal(t, must(f.Jobs().Versions(t.Context(), jobID(1), store.WholeVersions))(t), want)
	wantCount(t, f, 1, 1)
}

func updateConflict(t *testing.T, f *fixture) {
	v1 := version(1)
	f.create(t, v1)
	mine := edit(v1, noon+hour, func(v *domain.Version) { v.Spec.Name = "mine" })
	yours := edit(v1, noon+hour, func(v *domain.Version) { v.Spec.Name = "yours" })
	f.update(t, mine)
	wantCode(t, f.Jobs().Update(t.Context(), yours), domain.CodeConflict)
	skipped := edit(mine, noon+2*hour, func(v *domain.Version) { v.Number++ })
	wantCode(t, f.Jobs().Update(t.Context(), skipped), domain.CodeConflict)
	equal(t, must(f.Jobs().Get(t.Context(), jobID(1)))(t).Current, mine)
}

func updateNotFound(t *testing.T, f *fixture) {
	wantCode(t, f.Jobs().Update(t.Context(), edit(version(1), noon+hour, nil)), domain.CodeNotFound)
	f.create(t, version(1))
	ok(t, f.Jobs().Delete(t.Context(), jobID(1), 1, noon+minute))
	wantCode(t, f.Jobs().Update(t.Context(), edit(version(1), noon+hour, nil)), domain.CodeNotFound)
}

func deleteHides(t *testing.T, f *fixture) {
	v := version(1)
	f.create(t, v, version(2))
	ok(t, f.Jobs().Delete(t.Context(), v.JobID, 1, noon+hour))
	_, err := f.Jobs().Get(t.Context(), v.JobID)
	wantCode(t, err, domain.CodeNotFound)
	equal(t, must(f.Jobs().Versions(t.Context(), v.JobID, store.WholeVersions))(t),
		[]domain.Version{closed(v, noon+hour)})
	list := must(f.Jobs().List(t.Context(), store.JobQuery{Limit: 10}))(t).Jobs
	if len(list) != 1 || list[0].ID != jobID(2) {
		t.Fatalf("listed %v, want job 2 alone", list)
	}
	wantCode(t, f.Jobs().Delete(t.Context(), jobID(3), 1, noon), domain.CodeNotFound)
}

func deleteRepeats(t *testing.T, f *fixture) {
	f.create(t, version(1), version(2))
	for range 2 {
		ok(t, f.Jobs().Delete(t.Context(), jobID(1), 1, noon+hour))
		wantCount(t, f, 1, 1)
	}
	wantCode(t, f.Jobs().Delete(t.Context(), jobID(1), 1, noon+2*hour), domain.CodeNotFound)
}

func deleteConflict(t *testing.T, f *fixture) {
	f.create(t, version(1))
	f.update(t, edit(version(1), noon+hour, nil))
	wantCode(t, f.Jobs().Delete(t.Context(), jobID(1), 1, noon+2*hour), domain.CodeConflict)
	wantCount(t, f, 1, 1)
}

func versionsUnknown(t *testing.T, f *fixture) {
	equal(t, must(f.Jobs().Versions(t.Context(), jobID(1), store.WholeVersions))(t), nil)
}

func versionsBefore(t *testing.T, f *fixture) {
	v := everyField(1)
	f.create(t, v, version(2))
	all := []domain.Version{v}
	for i := range int64(11) {
		next := edit(v, noon+(i+1)*hour, func(v *domain.Version) { v.Spec.TimeoutMs++ })
		f.update(t, next)
		all[0] = closed(all[0], next.EffectiveFrom)
		v, all = next, append([]domain.Version{next}, all...)
	}
	ok(t, f.Jobs().Delete(t.Context(), v.JobID, v.Number, noon+20*hour))
	all[0] = closed(all[0], noon+20*hour)
	size := all[0].Size()
	for _, c := range []struct {
		q    store.VersionQuery
		want []domain.Version
	}{
		{store.VersionQuery{Limit: 100}, all},
		{store.VersionQuery{Limit: 12}, all},
		{store.VersionQuery{Limit: 1}, all[:1]},
		{store.VersionQuery{Limit: 5}, all[:5]},
		{store.VersionQuery{Limit: 5, Before: 8}, all[5:10]},
		{store.VersionQuery{Limit: 5, Before: 3}, all[10:]},
		{store.VersionQuery{Limit: 5, Before: 1}, nil},
		{store.VersionQuery{Limit: 100, MaxBytes: 1}, all[:1]},
		{store.VersionQuery{Limit: 100, MaxBytes: 3*size + 1}, all[:4]},
		{store.VersionQuery{Limit: 100, MaxBytes: 3 * size, Before: 12}, all[1:4]},
	} {
		c.q.JobID = v.JobID
		equal(t, must(f.Jobs().VersionsBefore(t.Context(), c.q))(t), c.want)
	}
	equal(t, must(f.Jobs().VersionsBefore(t.Context(), store.VersionQuery{JobID: jobID(3), Limit: 9}))(t), nil)
}

func timeline(t *testing.T, f *fixture, since int64) (found []domain.Version) {
	t.Helper()
	ok(t, f.Jobs().Timeline(t.Context(), store.ShardSet{}, since, store.WholeVersions, func(v domain.Version) error {
		found = append(found, v)
		return nil
	}))
	return found
}

func timelineOverlaps(t *testing.T, f *fixture) {
	a1, b1, c1 := version(1), version(2), everyField(3)
	a2 := edit(a1, noon+hour, nil)
	f.create(t, a1, b1, c1)
	f.update(t, a2)
	ok(t, f.Jobs().Delete(t.Context(), b1.JobID, 1, noon+2*hour))
	a1, b1 = closed(a1, noon+hour), closed(b1, noon+2*hour)

	equal(t, timeline(t, f, 0), []domain.Version{a1, a2, b1, c1})
	equal(t, timeline(t, f, noon+hour-2), []domain.Version{a1, a2, b1, c1}) // a1 holds the next millisecond
	equal(t, timeline(t, f, noon+hour-1), []domain.Version{a2, b1, c1})
	equal(t, timeline(t, f, noon+2*hour), []domain.Version{a2, c1})
	equal(t, timeline(t, f, domain.Forever), []domain.Version{a2, c1})
}

func timelineMany(t *testing.T, f *fixture) {
	const jobs = 5_000
	var batch []domain.Version
	for n := range jobs {
		batch = append(batch, version(n))
	}
	f.create(t, batch...)
	for n := 0; n < jobs; n += 1_000 {
		for v, at := version(n), noon+hour; at < noon+10*hour; at += hour {
			v = edit(v, at, nil)
			f.update(t, v)
		}
	}
	got := timeline(t, f, 0)
	if want := jobs + jobs/1_000*9; len(got) != want {
		t.Fatalf("%d versions, want %d", len(got), want)
	}
	for i := 1; i < len(got); i++ {
		a, b := &got[i-1], &got[i]
		next := b.Number == 1 && string(a.JobID[:]) < string(b.JobID[:]) && a.EffectiveTo == domain.Forever
		same := a.JobID == b.JobID && b.Number == a.Number+1 && a.EffectiveTo == b.EffectiveFrom
		if !next && !same {
			t.Fatalf("version %d of %s is followed by %d of %s", a.Number, a.JobID, b.Number, b.JobID)
		}
	}
}

func timelineOfShards(t *testing.T, f *fixture) {
	const jobs = 100
	var batch []domain.Version
	for n := range jobs {
		batch = append(batch, version(n))
	}
	f.create(t, batch...)
	for n := 0; n < jobs; n += 3 {
		f.update(t, edit(batch[n], noon+hour, nil))
	}
	for name, want := range setsOfShards(f, jobs) {
		numbers := make(map[domain.JobID][]int)
		for _, since := range []int64{0, noon + hour} {
			clear(numbers)
			ok(t, f.Jobs().Timeline(t.Context(), want.set, since, store.TimingOnly, func(v domain.Version) error {
				numbers[v.JobID] = append(numbers[v.JobID], v.Number)
				return nil
			}))
			expected := make(map[domain.JobID][]int)
			for n := range jobs {
				switch id := jobID(n); {
				case !want.jobs[id]:
				case n%3 != 0:
					expected[id] = []int{1}
				case since == 0:
					expected[id] = []int{1, 2}
				default:
					expected[id] = []int{2}
				}
			}
			t.Log("shards:", name, "since", since)
			equal(t, numbers, expected)
		}
	}
}

func timelineTimings(t *testing.T, f *fixture) {
	a1, b1, c1 := version(1), everyField(2), version(3)
	a1.CreatedAt = noon - hour // an @every is bound to it
	a2 := edit(a1, noon+hour, func(v *domain.Version) {
		v.Spec.Schedule, v.Spec.Timezone = "0 0 6 * * *",
			"Europe/Paris"
	})
	c1.Active = false
	f.create(t, a1, b1, c1)
	f.update(t, a2)
	type timing struct {
		id              domain.JobID
		number          int
		from, to, made  int64
		active          bool
		schedule, zone  string
		kind            domain.Guarantee
		start, end, jit int64
		dst             domain.DST
	}
	read := func(parts store.Parts) (all []timing) {
		ok(t, f.Jobs().Timeline(t.Context(), store.ShardSet{}, 0, parts, func(v domain.Version) error {
			s := &v.Spec
			all = append(all, timing{
				v.JobID, v.Number, v.EffectiveFrom, v.EffectiveTo, v.CreatedAt, v.Active,
				s.Schedule, s.Timezone, s.Type, s.StartAt, s.EndAt, s.JitterMs, s.DST,
			})
			return nil
		}))
		return all
	}
	got, want := read(store.TimingOnly), read(store.WholeVersions)
	if len(want) != 4 || !slices.Equal(got, want) {
		t.Errorf("timings\n%+v\nwant those of the whole versions\n%+v", got, want)
	}
}

func timelineStops(t *testing.T, f *fixture) {
	f.create(t, version(1), version(2))
	stop, calls := errors.New("stop"), 0
	err := f.Jobs().Timeline(t.Context(), store.ShardSet{}, 0, store.WholeVersions,
		func(domain.Version) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Fatalf("error %v after %d calls, want %v after 1", err, calls, stop)
	}
	wantCount(t, f, 2, 2) // and the store goes on
}

func wantCount(t *testing.T, f *fixture, total, active int64) {
	t.Helper()
	gotTotal, gotActive, err := f.Jobs().Count(t.Context())
	ok(t, err)
	if gotTotal != total || gotActive != active {
		t.Fatalf("count %d, %d active, want %d, %d", gotTotal, gotActive, total, active)
	}
}

func countFollows(t *testing.T, f *fixture) {
	wantCount(t, f, 0, 0)
	paused := version(3)
	paused.Active = false
	f.create(t, version(1), version(2), paused)
	wantCount(t, f, 3, 2)
	off := edit(version(1), noon+minute, func(v *domain.Version) { v.Active = false })
	f.update(t, off)
	f.update(t, off)
	wantCount(t, f, 3, 1)
	f.update(t, edit(paused, noon+minute, func(v *domain.Version) { v.Active = true }))
	wantCount(t, f, 3, 2)
	ok(t, f.Jobs().Delete(t.Context(), jobID(1), 2, noon+hour))
	ok(t, f.Jobs().Delete(t.Context(), jobID(2), 1, noon+hour))
	wantCount(t, f, 1, 1)
	f.reopen(t)
	wantCount(t, f, 1, 1)
}

func pausesEnd(t *testing.T, f *fixture) {
	var all []domain.Version
	for n := 1; n <= 5; n++ {
		v := everyField(n)
		v.Active, v.Pause = false, domain.Pause{Reason: `moved "pause":{`, Until: noon + int64(6-n)*hour}
		all = append(all, v)
	}
	all[3].Pause.Until = 0 // it has no end
	active := version(6)
	active.Spec.Namespace = "pause"
	f.create(t, append(all, active)...)
	list := func(until int64, after store.PauseEnd, limit int) []store.PauseEnd {
		t.Helper()
		return must(f.Jobs().Pauses(t.Context(), until, after, limit))(t)
	}
	end := func(n, version int) store.PauseEnd {
		return store.PauseEnd{Until: noon + int64(6-n)*hour, JobID: jobID(n), Version: version}
	}
	for range 2 {
		equal(t, must(f.Jobs().Get(t.Context(), jobID(1)))(t).Current, all[0])
		equal(t, list(domain.Forever, store.PauseEnd{}, 10),
			[]store.PauseEnd{end(5, 1), end(3, 1), end(2, 1), end(1, 1)})
		equal(t, list(noon+3*hour, store.PauseEnd{}, 10), []store.PauseEnd{end(5, 1), end(3, 1)})
		equal(t, list(domain.Forever, end(5, 1), 2), []store.PauseEnd{end(3, 1), end(2, 1)})
		equal(t, list(noon, store.PauseEnd{}, 10), nil)
		f.reopen(t)
	}
	resumed := edit(all[4], noon+hour, func(v *domain.Version) { v.Active, v.Pause = true, domain.Pause{} })
	renamed := edit(all[2], noon+hour, func(v *domain.Version) { v.Spec.Name = "x" })
	ok(t, f.Jobs().Update(t.Context(), resumed))
	ok(t, f.Jobs().Update(t.Context(), renamed))
	ok(t, f.Jobs().Delete(t.Context(), jobID(2), 1, noon+hour))
	same := all[0]
	same.Pause.Reason = "another"
	wantCode(t, f.Jobs().Create(t.Context(), []domain.Version{same}), domain.CodeConflict)
	for range 2 {
		equal(t, list(domain.Forever, store.PauseEnd{}, 10), []store.PauseEnd{end(3, 2), end(1, 1)})
		f.reopen(t)
	}
}
