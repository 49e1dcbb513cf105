package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var ownerCases = []testCase{
	{"a beat moves H by the earlier clock, plus a slack", beatByBothClocks},
	{"a beat whose owner knows more than the row moves nothing", beatGuarded},
	{"W waits for the owner to load an edit that was made without it", beatCapped},
	{"a decision counts only while the lease of its owner holds", decisionsFenced},
	{"what was observed is on record whoever owns the shard", factsUnfenced},
	{"a decision without a lease is refused", decisionsNeedLeases},
	{"a decision does not end an open run that another process carries out", decisionsRespectRunners},
	{"an open run is replaced only by its runner, or by one that takes it over", runnersReplace},
	{"an open run that no process carries out is found until one does", unclaimedRuns},
	{"the owner's edits are refused once the shard has another owner", editsFenced},
	{"an edit without the owner begins beyond what may be sent", remoteUpdate},
	{"an edit of a job whose pause has ended begins beyond what may be sent", remoteUpdateOfPause},
	{"what ends no version begins after W and the last beat", remoteCreate},
	{"a repeat of an edit without the owner answers the same", remoteRepeats},
	{"an edit without the owner respects versions and keys", remoteConflicts},
	{"an edit without the owner has its entry in the trail, once", remoteTrail},
	{"jobs that were changed without the owner are found by the revision", remoteChanged},
	{"of edits without the owner at once one wins each version", remoteParallel},
	{"nodes are kept by their token until they are removed", nodesKept},
	{"the protocol rises when every node speaks it", protocolRises},
}

// shardOf returns the row of a job's shard.
func shardOf(t *testing.T, f *fixture, id domain.JobID) store.Shard {
	t.Helper()
	return must(f.Shards().Peek(t.Context()))(t)[id.Shard(f.Shards().Count())]
}

// own claims the shard of a job, and beats once.
func own(t *testing.T, f *fixture, id domain.JobID) store.Shard {
	t.Helper()
	sh := claimOf(t, f, id.Shard(f.Shards().Count()))[0]
	return beat(t, f, sh, 3*second, 0)
}

// steal claims the shard of a job for somebody else.
func steal(t *testing.T, f *fixture, id domain.JobID) store.Shard {
	t.Helper()
	return claimOf(t, f, id.Shard(f.Shards().Count()))[0]
}

func fenceOf(sh store.Shard) store.Fence { return store.Fence{Number: sh.Number, Lease: sh.Lease} }

// skipped is a decision about a fire of the first job.
func skipped(at int64) store.Decision {
	e := success(1, at)
	e.Status, e.StartedAt, e.HTTPStatus, e.Error = domain.StatusSkipped, 0, 0, "overlap"
	return store.Decision{Execution: e}
}

func decide(t *testing.T, f *fixture, sh store.Shard, decisions ...store.Decision) error {
	t.Helper()
	return f.Ledger().Record(t.Context(), store.Batch{Decisions: decisions, Fences: []store.Fence{fenceOf(sh)},
		Runner: process})
}

func wantStale(t *testing.T, err error, sh store.Shard) {
	t.Helper()
	if got := store.StaleShards(err); !slices.Equal(got, []int{sh.Number}) {
		t.Fatalf("error %v says that shards %v have other owners, want %d", err, got, sh.Number)
	}
}

func beatByBothClocks(t *testing.T, f *fixture) {
	a := claim(t, f)
	b := beatOf(a, 0)
	b.Clock = a.Clock - hour
	behind := must(f.Shards().Beat(t.Context(), []store.Beat{b}, 2*hour))(t)[0]
	if want := b.Clock + store.ClockSlack + 2*hour; behind.Horizon != want {
		t.Errorf("H by a node that is an hour behind is %d, want %d", behind.Horizon, want)
	}
	b.Clock = a.Clock + hour
	ahead := must(f.Shards().Beat(t.Context(), []store.Beat{b}, 2*hour))(t)[0]
	if ahead.Horizon != ahead.Clock+2*hour {
		t.Errorf("H by a node that is an hour ahead is %d at %d", ahead.Horizon, ahead.Clock)
	}
}

func beatGuarded(t *testing.T, f *fixture) {
	a := claim(t, f)
	a = beat(t, f, a, hour, a.Clock)
	for name, last := range map[string]store.Progress{
		"H":        {Horizon: a.Horizon + 1, Watermark: a.Watermark},
		"W":        {Horizon: a.Horizon, Watermark: a.Watermark + 1},
		"revision": {Horizon: a.Horizon, Watermark: a.Watermark, Revision: a.Revision + 1},
	} {
		b := beatOf(a, a.Clock+1)
		b.Last = last
		if held := must(f.Shards().Beat(t.Context(), []store.Beat{b}, hour))(t); len(held) != 0 {
			t.Errorf("%s is behind what the owner knows: the beat answers %+v", name, held)
		}
	}
	if sh := beat(t, f, a, hour, 0); sh.Watermark != a.Watermark {
		t.Errorf("a refused beat moved W to %d", sh.Watermark)
	}
}

func beatCapped(t *testing.T, f *fixture) {
	v := version(1)
	a := own(t, f, v.JobID)
	made := must(f.Edits().Create(t.Context(), []domain.Version{v}, 3*second))(t)[0]
	b := beatOf(a, a.Clock+2*second)
	capped := must(f.Shards().Beat(t.Context(), []store.Beat{b}, 3*second))(t)[0]
	if capped.Watermark >= made.At || capped.Revision != a.Revision+1 || capped.Applied != a.Revision {
		t.Fatalf("a job is valid from %d: after the beat %+v", made.At, capped)
	}
	b.Last = capped.Progress()
	loaded := must(f.Shards().Beat(t.Context(), []store.Beat{b}, 3*second))(t)[0]
	if loaded.Watermark != b.Watermark || loaded.Applied != capped.Revision {
		t.Fatalf("once it is loaded: %+v, want W %d", loaded, b.Watermark)
	}
	f.reopen(t)
	if sh := shardOf(t, f, v.JobID); sh.Applied != capped.Revision || sh.Revision != capped.Revision {
		t.Errorf("later: %+v", sh)
	}
}

func decisionsFenced(t *testing.T, f *fixture) {
	a := own(t, f, jobID(1))
	ok(t, decide(t, f, a, skipped(noon)))
	ok(t, decide(t, f, a, skipped(noon)))
	b := steal(t, f, jobID(1))
	for range 2 {
		err := f.Ledger().Record(t.Context(), store.Batch{
			Facts: []domain.Execution{success(2, noon)}, Open: []domain.OpenRun{openRun(1, noon+hour)},
			Decisions: []store.Decision{skipped(noon + minute)}, Fences: []store.Fence{fenceOf(a)},
		})
		wantStale(t, err, a)
	}
	equal(t, f.runs(t), nil)
	equal(t, f.totals(t, 0).ByStatus, map[domain.Status]int64{domain.StatusSkipped: 1})
	ok(t, decide(t, f, b, skipped(noon+minute)))
	ok(t, release(t, f, b, 0))
	wantStale(t, decide(t, f, b, skipped(noon+2*minute)), b)
	f.reopen(t)
	wantStale(t, decide(t, f, b, skipped(noon+2*minute)), b)
	equal(t, f.totals(t, 0).ByStatus, map[domain.Status]int64{domain.StatusSkipped: 2})
}

func factsUnfenced(t *testing.T, f *fixture) {
	f.create(t, version(1))
	own(t, f, jobID(1))
	b := steal(t, f, jobID(1))
	f.record(t, success(1, noon))
	ok(t, decide(t, f, b, skipped(noon))) // the first record of the fire stays
	equal(t, f.byJob(t, 5), []domain.Execution{success(1, noon)})
}

func decisionsNeedLeases(t *testing.T, f *fixture) {
	own(t, f, jobID(1))
	batch := store.Batch{Facts: []domain.Execution{success(2, noon)}, Decisions: []store.Decision{skipped(noon)}}
	if err := f.Ledger().Record(t.Context(), batch); err == nil {
		t.Error("a decision without a lease was recorded")
	}
	pending := skipped(noon)
	pending.Status = domain.StatusPending
	if err := decide(t, f, shardOf(t, f, jobID(1)), pending); err == nil {
		t.Error("a decision that is no end was recorded")
	}
	equal(t, factRanges(t, f, 0, domain.Forever), nil)
}

func decisionsRespectRunners(t *testing.T, f *fixture) {
	a := own(t, f, jobID(1))
	other, mine, nobody, dead := openRun(1, noon), openRun(1, noon+minute), openRun(1, noon+2*minute),
		openRun(1, noon+3*minute)
	other.Runner, mine.Runner, dead.Runner = 5, process, 6
	f.begin(t, other, mine, nobody, dead)
	taken := skipped(noon + 3*minute)
	taken.TakenFrom = 6
	for range 2 {
		ok(t, decide(t, f, a, skipped(noon), skipped(noon+minute), skipped(noon+2*minute), taken))
		equal(t, f.runs(t), []domain.OpenRun{other})
	}
	f.reopen(t)
	ok(t, decide(t, f, a, skipped(noon)))
	equal(t, f.runs(t), []domain.OpenRun{other})
	f.record(t, success(1, noon)) // that it was seen to end counts
	equal(t, f.runs(t), nil)
	equal(t, f.totals(t, 0).ByStatus, map[domain.Status]int64{domain.StatusSkipped: 3, domain.StatusSuccess: 1})
}

func runnersReplace(t *testing.T, f *fixture) {
	first := openRun(1, noon)
	first.Runner, first.RunUntil = 5, noon+hour
	f.begin(t, first)
	by := func(runner, from int64) domain.OpenRun {
		r := first
		r.Runner, r.TakenFrom, r.Crashes = runner, from, first.Crashes+1
		return r
	}
	f.begin(t, by(6, 0), by(0, 0), by(6, 7), by(0, 6))
	equal(t, f.runs(t), []domain.OpenRun{first})
	for _, next := range []domain.OpenRun{by(5, 0), by(6, 5), by(6, 5), by(0, 6), by(0, 6), by(7, 0)} {
		f.begin(t, next)
		if next.Runner != 0 || next.TakenFrom != 0 {
			first = next
			first.TakenFrom = 0
		}
		f.reopen(t)
		equal(t, f.runs(t), []domain.OpenRun{first})
	}
}

func unclaimedRuns(t *testing.T, f *fixture) {
	free, later, taken := openRun(1, noon), openRun(1, noon+minute), openRun(1, noon+2*minute)
	free.Nonce, later.Nonce, taken.Runner = 7, 8, 5
	f.begin(t, taken, later, free)
	number := free.JobID.Shard(f.Shards().Count())
	wants := func(of store.ShardSet, want ...domain.OpenRun) {
		t.Helper()
		var found []domain.OpenRun
		ok(t, f.Edits().Unclaimed(t.Context(), of, func(r domain.OpenRun) error {
			found = append(found, r)
			return nil
		}))
		equal(t, found, want)
	}
	wants(store.ShardSet{}, free, later)
	wants(store.OnlyShards(number), free, later)
	wants(store.OnlyShards(number + 1))
	mine := free
	mine.Runner = 6
	f.begin(t, mine)
	wants(store.ShardSet{}, later)
	f.record(t, fact(later.FireKey))
	wants(store.ShardSet{})
	back := mine
	back.Runner, back.TakenFrom = 0, 6
	f.begin(t, back)
	f.reopen(t)
	wants(store.ShardSet{}, free)
	stop := errors.New("stop")
	err := f.Edits().Unclaimed(t.Context(), store.ShardSet{}, func(domain.OpenRun) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("the caller's error became %v", err)
	}
}

// fact is the record of a success with the key.
func fact(k domain.FireKey) domain.Execution {
	e := success(1, k.ScheduledAt)
	e.FireKey = k
	return e
}

func editsFenced(t *testing.T, f *fixture) {
	v := version(1)
	a := own(t, f, v.JobID)
	fenced := store.WithFences(t.Context(), fenceOf(a))
	ok(t, f.Jobs().Create(fenced, []domain.Version{v}))
	ok(t, f.Jobs().Update(fenced, edit(v, noon+hour, nil)))
	b := steal(t, f, v.JobID)
	ok(t, f.Jobs().Create(fenced, []domain.Version{v})) // done before the shard went away
	ok(t, f.Jobs().Update(fenced, edit(v, noon+hour, nil)))
	second := version(1)
	second.JobID[15]++
	for second.JobID.Shard(f.Shards().Count()) != b.Number {
		second.JobID[14]++
	}
	wantStale(t, f.Jobs().Create(fenced, []domain.Version{second}), a)
	wantStale(t, f.Jobs().Update(fenced, edit(edit(v, noon+hour, nil), noon+2*hour, nil)), a)
	wantStale(t, f.Jobs().Delete(fenced, v.JobID, 2, noon+2*hour), a)
	wantCount(t, f, 1, 1)
	now := store.WithFences(t.Context(), fenceOf(b))
	ok(t, f.Jobs().Delete(now, v.JobID, 2, noon+2*hour))
	steal(t, f, v.JobID)
	ok(t, f.Jobs().Delete(now, v.JobID, 2, noon+2*hour))
}

func remoteUpdate(t *testing.T, f *fixture) {
	v := version(1)
	f.create(t, v)
	a := own(t, f, v.JobID)
	next := edit(v, noon+hour, func(v *domain.Version) { v.Active = false })
	paused := must(f.Edits().Update(t.Context(), next, 3*second))(t)
	if paused.At <= a.Horizon || paused.Revision != a.Revision+1 || paused.Lease != a.Lease {
		t.Fatalf("a pause: %+v with %+v", paused, a)
	}
	next.EffectiveFrom = paused.At
	equal(t, must(f.Jobs().Versions(t.Context(), v.JobID, store.WholeVersions))(t),
		[]domain.Version{closed(v, paused.At), next})
	wantCount(t, f, 1, 0)
	active := edit(next, 0, func(v *domain.Version) { v.Active = true })
	resumed := must(f.Edits().Update(t.Context(), active, second))(t)
	if resumed.At <= paused.At {
		t.Fatalf("resumed from %d on, before the pause at %d", resumed.At, paused.At)
	}
	later := edit(next, a.Clock+hour, func(v *domain.Version) { v.Number, v.Active = 4, true })
	if wanted := must(f.Edits().Update(t.Context(), later, second))(t); wanted.At != a.Clock+hour {
		t.Fatalf("valid from %d, want the instant that was asked for, %d", wanted.At, a.Clock+hour)
	}
	gone := must(f.Edits().Delete(t.Context(), v.JobID, 4, second))(t)
	if gone.At <= a.Clock+hour || gone.Revision != a.Revision+4 {
		t.Fatalf("deleted: %+v", gone)
	}
	wantCount(t, f, 0, 0)
	f.reopen(t)
	if sh := shardOf(t, f, v.JobID); sh.Revision != gone.Revision {
		t.Errorf("the revision is %d, want %d", sh.Revision, gone.Revision)
	}
}

// remoteUpdateOfPause: the fires of a paused version from the end of its pause on may be sent up to H.
func remoteUpdateOfPause(t *testing.T, f *fixture) {
	a := own(t, f, jobID(1))
	a = beat(t, f, a, hour, a.Clock) // H is far ahead
	n := byte(1)
	for name, c := range map[string]struct {
		pause  domain.Pause
		beyond bool
	}{
		"a pause that ends before H": {domain.Pause{Until: a.Horizon - second}, true},
		"a pause that ends after H":  {domain.Pause{Until: a.Horizon + 1}, false},
		"a pause without an end":     {domain.Pause{Reason: "x"}, false},
	} {
		for _, change := range []string{"update", "delete"} {
			v := version(1)
			for v.JobID[14] = n; v.JobID.Shard(f.Shards().Count()) != a.Number; {
				v.JobID[13]++
			}
			n++
			v.EffectiveFrom, v.Active, v.Pause = a.Clock-hour, false, c.pause
			f.create(t, v)
			remove := func() (store.Effect, error) { return f.Edits().Delete(t.Context(), v.JobID, 1, hour) }
			if change == "update" {
				remove = func() (store.Effect, error) { return f.Edits().Update(t.Context(), edit(v, 0, nil), hour) }
			}
			if made := must(remove())(t); made.At > a.Horizon != c.beyond {
				t.Errorf("%s: a change (%s) from %d on, H is %d", name, change, made.At, a.Horizon)
			}
		}
	}
}

func remoteCreate(t *testing.T, f *fixture) {
	a := own(t, f, jobID(1))
	a = beat(t, f, a, hour, a.Clock) // H is far ahead
	versions := []domain.Version{version(1), version(2), version(3)}
	made := must(f.Edits().Create(t.Context(), versions, hour))(t)
	if len(made) != 3 {
		t.Fatalf("%d effects of 3 jobs", len(made))
	}
	if got := made[0]; got.At <= a.Clock || got.At <= a.Watermark || got.At >= a.Horizon || got.Number != a.Number {
		t.Fatalf("a new job: %+v with %+v", got, a)
	}
	for i, e := range made {
		versions[i].EffectiveFrom = e.At
		if e.Number != versions[i].JobID.Shard(f.Shards().Count()) || e.Revision != 1 {
			t.Errorf("job %d: %+v", i, e)
		}
	}
	equal(t, timeline(t, f, 0), versions)
	wantCount(t, f, 3, 3)
	if got := must(f.Edits().Create(t.Context(), nil, hour))(t); len(got) != 0 {
		t.Errorf("effects of no jobs: %+v", got)
	}
}

func remoteRepeats(t *testing.T, f *fixture) {
	v, twin := version(1), version(2)
	made := must(f.Edits().Create(t.Context(), []domain.Version{v}, second))(t)
	again := must(f.Edits().Create(t.Context(), []domain.Version{v}, second))(t)
	equal(t, again, made)
	both := must(f.Edits().Create(t.Context(), []domain.Version{v, twin}, second))(t)
	if both[0].At != made[0].At {
		t.Errorf("the first job begins at %d, and was told to begin at %d", both[0].At, made[0].At)
	}
	next := edit(v, 0, func(v *domain.Version) { v.Active = false })
	paused := must(f.Edits().Update(t.Context(), next, second))(t)
	equal(t, must(f.Edits().Update(t.Context(), next, second))(t), paused)
	gone := must(f.Edits().Delete(t.Context(), v.JobID, 2, second))(t)
	equal(t, must(f.Edits().Delete(t.Context(), v.JobID, 2, second))(t), gone)
	wantCount(t, f, 1, 1)
}

func remoteConflicts(t *testing.T, f *fixture) {
	v := version(1)
	v.Spec.Key = "nightly"
	f.create(t, v)
	taken := version(2)
	taken.Spec.Key = "nightly"
	_, err := f.Edits().Create(t.Context(), []domain.Version{taken}, second)
	wantCode(t, err, domain.CodeConflict)
	other := v
	other.Spec.Name = "another one"
	_, err = f.Edits().Create(t.Context(), []domain.Version{other}, second)
	wantCode(t, err, domain.CodeConflict)
	_, err = f.Edits().Update(t.Context(), edit(edit(v, 0, nil), 0, nil), second)
	wantCode(t, err, domain.CodeConflict)
	_, err = f.Edits().Delete(t.Context(), v.JobID, 2, second)
	wantCode(t, err, domain.CodeConflict)
	_, err = f.Edits().Update(t.Context(), edit(version(3), 0, nil), second)
	wantCode(t, err, domain.CodeNotFound)
	_, err = f.Edits().Delete(t.Context(), jobID(3), 1, second)
	wantCode(t, err, domain.CodeNotFound)
	if sh := shardOf(t, f, v.JobID); sh.Revision != 0 {
		t.Errorf("edits that were refused raised the revision to %d", sh.Revision)
	}
}

func remoteTrail(t *testing.T, f *fixture) {
	v := version(1)
	next := edit(v, 0, func(v *domain.Version) { v.Spec.Name = "renamed" })
	for range 2 {
		ctx, _ := by(t, noon, 1)
		must(f.Edits().Create(ctx, []domain.Version{v}, second))(t)
	}
	for range 2 {
		ctx, _ := by(t, noon, 2)
		must(f.Edits().Update(ctx, next, second))(t)
	}
	for range 2 {
		ctx, _ := by(t, noon, 3)
		must(f.Edits().Delete(ctx, v.JobID, 2, second))(t)
	}
	var actions []domain.Action
	for _, c := range f.changes(t) {
		actions = append(actions, c.Action)
	}
	equal(t, actions, []domain.Action{domain.ActionDelete, domain.ActionUpdate, domain.ActionCreate})
}

func remoteChanged(t *testing.T, f *fixture) {
	f.create(t, version(1))
	made := must(f.Edits().Create(t.Context(), []domain.Version{version(2)}, second))(t)[0]
	next := edit(version(2), 0, func(v *domain.Version) { v.Active = false })
	paused := must(f.Edits().Update(t.Context(), next, second))(t)
	changed := func(revision int64) (found []domain.Version) {
		ok(t, f.Edits().Changed(t.Context(), made.Number, revision, func(v domain.Version) error {
			if v.JobID == jobID(2) {
				found = append(found, v)
			}
			return nil
		}))
		return found
	}
	first := closed(version(2), paused.At)
	first.EffectiveFrom, next.EffectiveFrom = made.At, paused.At
	equal(t, changed(0), []domain.Version{first, next})
	f.reopen(t)
	equal(t, changed(made.Revision), []domain.Version{first, next})
	must(f.Edits().Delete(t.Context(), jobID(2), 2, second))(t)
	if got := changed(paused.Revision); len(got) != 2 || got[1].EffectiveTo == domain.Forever {
		t.Errorf("after the job was deleted: %+v", got)
	}
}

func remoteParallel(t *testing.T, f *fixture) {
	const editors, edits = 4, 6
	f.create(t, version(1))
	own(t, f, jobID(1))
	ctx := t.Context()
	ok(t, parallel(editors, func(e int) error { return editRemotely(ctx, f, e, edits) }))
	versions := must(f.Jobs().Versions(ctx, jobID(1), store.WholeVersions))(t)
	if len(versions) != 1+editors*edits {
		t.Fatalf("%d versions, want %d", len(versions), 1+editors*edits)
	}
	for i := 1; i < len(versions); i++ {
		before, v := versions[i-1], versions[i]
		if before.EffectiveTo != v.EffectiveFrom || v.EffectiveFrom <= before.EffectiveFrom {
			t.Fatalf("version %d begins at %d, after one from %d to %d", v.Number, v.EffectiveFrom,
				before.EffectiveFrom, before.EffectiveTo)
		}
	}
	if sh := shardOf(t, f, jobID(1)); sh.Revision != editors*edits {
		t.Errorf("the revision is %d after %d edits", sh.Revision, editors*edits)
	}
}

// editRemotely makes so many edits of the first job.
func editRemotely(ctx context.Context, f *fixture, editor, edits int) error {
	for done := 0; done < edits; {
		job, err := f.Jobs().Get(ctx, jobID(1))
		if err != nil {
			return err
		}
		next := edit(job.Current, 0, func(v *domain.Version) { v.Spec.TimeoutMs = int64(1_000 + editor*100 + done) })
		switch _, err := f.Edits().Update(ctx, next, second); {
		case err == nil:
			done++
		case domain.ErrorCode(err) != domain.CodeConflict:
			return err
		}
	}
	return nil
}
