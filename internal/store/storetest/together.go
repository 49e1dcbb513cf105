package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// ExerciseTogether runs the part of the contract that several processes on one database depend on. Each
// call of open returns one more store, beside those that are open.
func ExerciseTogether(t *testing.T, db Database) {
	t.Helper()
	for _, c := range togetherCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			open := db(t)
			c.run(t, &pair{&fixture{open: open, Store: open()}, &fixture{open: open, Store: open()}})
		})
	}
}

// pair is two stores on one database.
type pair struct{ a, b *fixture }

// each returns the store of a caller: every other one has the same.
func (p *pair) each(caller int) *fixture {
	if caller%2 == 0 {
		return p.a
	}
	return p.b
}

var togetherCases = []struct {
	name string
	run  func(t *testing.T, p *pair)
}{
	{"what one has acknowledged the other one reads", togetherRead},
	{"a shard that the other one claims is lost to beats, decisions and edits", togetherFenced},
	{"of claims by two one wins each shard", togetherClaims},
	{"of two who create a job with a key one succeeds", togetherKeys},
	{"a creation whose answer was lost succeeds again by the other one", togetherRepeats},
	{"of edits by two one wins each version", togetherEdits},
	{"facts that both record count once", togetherFacts},
	{"counters of two writers add up", togetherCounters},
	{"the series of two writers add up, and what both record counts once", togetherSeries},
	{"failures that two record at once are one alert, which either ends", togetherAlerts},
	{"of openings of a group of one key one is kept, and the others join it", togetherGroups},
	{"of puts of a setting by two one wins each revision", togetherSettings},
	{"an open run ends by a fact of the other one", togetherRuns},
	{"an open run of one is not replaced by the other one, unless it takes it over", togetherRunners},
	{"of two requests with an Idempotency-Key one is kept", togetherOnce},
	{"of the last two keys of admins one stays, whoever revokes them", togetherLastKeys},
	{"a day is dropped once, and can begin again by the other one", togetherExpire},
	{"edits without the owner are seen by its next beat", togetherRevisions},
	{"one goes on when the other one is closed", togetherClose},
}

func togetherRead(t *testing.T, p *pair) {
	v := version(1)
	p.a.create(t, v)
	next := edit(v, noon+hour, nil)
	p.b.update(t, next)
	p.a.record(t, success(1, noon), trigger(1, noon+day, 5))
	p.b.begin(t, openRun(1, noon+minute))
	p.a.addKey(t, apiKey(1))
	for _, f := range []*fixture{p.a, p.b} {
		equal(t, timeline(t, f, 0), []domain.Version{closed(v, noon+hour), next})
		equal(t, f.byJob(t, 5), []domain.Execution{trigger(1, noon+day, 5), success(1, noon)})
		equal(t, f.runs(t), []domain.OpenRun{openRun(1, noon+minute)})
		equal(t, f.keys(t), []domain.APIKey{apiKey(1)})
		wantCount(t, f, 1, 1)
	}
}

func togetherFenced(t *testing.T, p *pair) {
	v := version(1)
	p.a.create(t, v)
	mine := own(t, p.a, v.JobID)
	theirs := steal(t, p.b, v.JobID)
	if held := must(p.a.Shards().Beat(t.Context(), []store.Beat{beatOf(mine, 0)}, second))(t); len(held) != 0 {
		t.Errorf("the old owner holds %+v", held)
	}
	wantStale(t, decide(t, p.a, mine, skipped(noon)), mine)
	ctx := store.WithFences(t.Context(), fenceOf(mine))
	wantStale(t, p.a.Jobs().Update(ctx, edit(v, noon+hour, nil)), mine)
	other := version(2)
	for n := 2; shardOf(t, p.a, other.JobID).Number != mine.Number; n++ {
		other = version(n)
	}
	wantStale(t, p.a.Jobs().Create(ctx, []domain.Version{other}), mine)
	equal(t, p.b.byJob(t, 5), nil)
	ok(t, decide(t, p.b, theirs, skipped(noon)))
	p.a.record(t, success(1, noon+minute)) // observed
	equal(t, p.b.byJob(t, 5), []domain.Execution{success(1, noon+minute), skipped(noon).Execution})
	wantCount(t, p.b, 1, 1)
}

func togetherClaims(t *testing.T, p *pair) {
	rows := must(p.a.Shards().Peek(t.Context()))(t)
	won := make([][]store.Shard, 4)
	ok(t, parallel(len(won), func(i int) (err error) {
		won[i], err = p.each(i).Shards().Claim(t.Context(), int64(i+1), store.ClaimsOf(rows))
		return err
	}))
	owners := make(map[int]int64)
	for _, shards := range won {
		for _, sh := range shards {
			if other, taken := owners[sh.Number]; taken {
				t.Errorf("shard %d was claimed by %d and %d", sh.Number, other, sh.Node)
			}
			owners[sh.Number] = sh.Node
		}
	}
	for _, sh := range must(p.b.Shards().Peek(t.Context()))(t) {
		if owners[sh.Number] != sh.Node || sh.Epoch != 1 {
			t.Errorf("shard %d has owner %d, and %d won it: %+v", sh.Number, sh.Node, owners[sh.Number], sh)
		}
	}
}

func togetherKeys(t *testing.T, p *pair) {
	const clients = 20
	made := make([]bool, clients)
	ok(t, parallel(clients, func(i int) error {
		err := p.each(i).Jobs().Create(t.Context(), []domain.Version{keyed(i+1, "a")})
		if made[i] = err == nil; !made[i] && store.TakenBy(err) == nil {
			return err
		}
		return nil
	}))
	n := 0
	for _, is := range made {
		n += map[bool]int{true: 1}[is]
	}
	equal(t, n, 1)
	wantCount(t, p.b, 1, 1)
}

func togetherRepeats(t *testing.T, p *pair) {
	batch := []domain.Version{version(1), keyed(2, "a"), version(3)}
	ctx, _ := by(t, noon, 7)
	ok(t, parallel(6, func(i int) error { return p.each(i).Jobs().Create(ctx, batch) }))
	wantCount(t, p.a, 3, 3)
	if entries := p.b.changes(t); len(entries) != 1 || entries[0].Count != 3 {
		t.Errorf("the trail has %+v", entries)
	}
	next := edit(version(1), noon+hour, nil)
	ok(t, parallel(6, func(i int) error { return p.each(i).Jobs().Update(t.Context(), next) }))
	ok(t, parallel(6, func(i int) error { return p.each(i).Jobs().Delete(t.Context(), jobID(3), 1, noon+hour) }))
	wantCount(t, p.a, 2, 2)
}

func togetherEdits(t *testing.T, p *pair) {
	const editors, edits = 4, 5
	p.a.create(t, version(1))
	ok(t, parallel(editors, func(i int) error { return editRemotely(t.Context(), p.each(i), i, edits) }))
	if n := len(must(p.b.Jobs().Versions(t.Context(), jobID(1), store.TimingOnly))(t)); n != 1+editors*edits {
		t.Errorf("%d versions after %d edits", n, editors*edits)
	}
}

// manyFacts are successes of many jobs, over midnight, in an order of their own.
func manyFacts(seed int) (facts []domain.Execution) {
	for i := range 200 {
		n := (i*7 + seed*13) % 200
		facts = append(facts, success(n+1, midnight-hour+int64(n)*minute))
	}
	return facts
}

func togetherFacts(t *testing.T, p *pair) {
	ok(t, parallel(4, func(i int) error {
		return p.each(i).Ledger().Record(t.Context(), store.Batch{Facts: manyFacts(i)})
	}))
	for _, f := range []*fixture{p.a, p.b} {
		equal(t, f.totals(t, 0).ByStatus, map[domain.Status]int64{domain.StatusSuccess: 200})
		equal(t, f.stream(t, 0, domain.Forever), oldestFirst(manyFacts(0)))
	}
}

func togetherCounters(t *testing.T, p *pair) {
	const callers, each = 4, 25
	ok(t, parallel(callers, func(c int) error {
		for i := range each {
			e := success(c*each+i+1, noon+int64(i)*second)
			if err := p.each(c).Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{e}}); err != nil {
				return err
			}
		}
		return nil
	}))
	want := store.Totals{ByStatus: map[domain.Status]int64{domain.StatusSuccess: callers * each},
		DurationMs: 20 * callers * each, Timed: callers * each}
	equal(t, p.a.totals(t, 0), want)
	equal(t, p.b.totals(t, noon), want)
}

func togetherAlerts(t *testing.T, p *pair) {
	const failures = 12
	ok(t, parallel(failures, func(i int) error {
		e := failure(1, noon+int64(i)*minute)
		return p.each(i).Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{e}})
	}))
	if all := p.b.openAlerts(t); len(all) != 1 || all[0].Count != failures {
		t.Fatalf("after %d failures: %+v", failures, all)
	}
	p.b.record(t, success(1, noon+hour))
	if all := p.a.openAlerts(t); len(all) != 0 {
		t.Errorf("after a success: %+v", all)
	}
	p.a.record(t, failure(1, noon+2*hour))
	if all := p.b.alerts(t); len(all) != 2 || !all[0].Open() || all[1].Open() {
		t.Errorf("after the next failure: %+v", all)
	}
}

// togetherGroups: whoever is refused reads again and adds its alert to the group that is there.
func togetherGroups(t *testing.T, p *pair) {
	const tellers = 8
	var facts []domain.Execution
	for i := range tellers {
		facts = append(facts, failure(i+1, noon))
	}
	p.a.record(t, facts...)
	changes, key := changedAlerts(t, p.a), groupOf(1)
	var opened atomic.Int32
	ok(t, parallel(tellers, func(i int) error {
		n := p.each(i).Notices()
		g := twinOf(key, i+1)
		g.Counts = domain.GroupCounts{}
		for {
			g.Counts.Jobs++
			err := n.Advance(t.Context(), store.NoticeStep{
				Groups: []domain.Group{g}, Members: []domain.Member{memberOf(g, i+1)}, Seen: changes[i : i+1],
			})
			if err == nil && g.Revision == 0 {
				opened.Add(1)
			}
			if domain.ErrorCode(err) != domain.CodeConflict {
				return err
			}
			known, err := n.Groups(t.Context(), store.GroupQuery{Open: true, Limit: 2})
			if err != nil || len(known) != 1 {
				return cmp.Or(err, fmt.Errorf("%d groups are open: %+v", len(known), known))
			}
			g = known[0]
		}
	}))
	for _, f := range []*fixture{p.a, p.b} {
		groups := groupsOf(t, f, store.GroupQuery{})
		if len(groups) != 1 || groups[0].Counts.Jobs != tellers || opened.Load() != 1 {
			t.Fatalf("%d have opened a group, and there are %+v", opened.Load(), groups)
		}
		if n := len(must(f.Notices().MembersOf(t.Context(), groups[0].ID, domain.JobID{}, 100))(t)); n != tellers {
			t.Errorf("%d members", n)
		}
		equal(t, len(changedAlerts(t, f)), 0)
	}
}

func togetherRuns(t *testing.T, p *pair) {
	p.a.begin(t, openRun(1, noon), openRun(2, noon))
	p.b.record(t, success(1, noon))
	equal(t, p.a.runs(t), []domain.OpenRun{openRun(2, noon)})
	p.a.begin(t, openRun(1, noon)) // the fact has won
	equal(t, p.b.runs(t), []domain.OpenRun{openRun(2, noon)})
}

func togetherRunners(t *testing.T, p *pair) {
	mine := openRun(1, noon)
	mine.Runner, mine.RunUntil = 1, noon+hour
	p.a.begin(t, mine)
	theirs := mine
	theirs.Runner, theirs.Crashes = 2, 2
	p.b.begin(t, theirs)
	equal(t, p.b.runs(t), []domain.OpenRun{mine})
	theirs.TakenFrom = 1
	p.b.begin(t, theirs)
	theirs.TakenFrom = 0
	p.a.begin(t, mine)
	equal(t, p.a.runs(t), []domain.OpenRun{theirs})
	keys := []domain.FireKey{mine.FireKey}
	equal(t, must(p.a.Ledger().RunsOf(t.Context(), keys))(t), []domain.OpenRun{theirs})
	p.a.record(t, success(1, noon))
	equal(t, must(p.b.Ledger().RunsOf(t.Context(), keys))(t), nil)
}

func togetherOnce(t *testing.T, p *pair) {
	conflicts := make([]bool, 8)
	ok(t, parallel(len(conflicts), func(i int) error {
		r := record(0, noon)
		ctx := store.WithIdempotency(t.Context(), r)
		err := p.each(i).Jobs().Create(ctx, []domain.Version{version(i + 1)})
		if conflicts[i] = domain.ErrorCode(err) == domain.CodeConflict; conflicts[i] {
			return nil
		}
		return err
	}))
	n := 0
	for _, is := range conflicts {
		n += map[bool]int{true: 1}[is]
	}
	equal(t, n, len(conflicts)-1)
	wantCount(t, p.a, 1, 1)
	if found := p.b.kept(t, record(0, noon)); found == nil || found.Version == nil {
		t.Errorf("the record is %+v", found)
	}
}

func togetherLastKeys(t *testing.T, p *pair) {
	for n := range 2 {
		k := apiKey(n + 1)
		k.Role, k.Namespace, k.ExpiresAt = domain.RoleAdmin, "", 0
		p.a.addKey(t, k)
	}
	errs := make([]error, 2)
	ok(t, parallel(2, func(i int) error {
		errs[i] = p.each(i).Keys().Revoke(t.Context(), apiKey(i+1).ID, noon+hour, true)
		return nil
	}))
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("the answers are %v and %v, want one conflict", errs[0], errs[1])
	}
	wantCode(t, errors.Join(errs...), domain.CodeConflict)
	if keys := p.b.keys(t); len(keys) != 1 {
		t.Errorf("%d keys of admins stay", len(keys))
	}
}

func togetherExpire(t *testing.T, p *pair) {
	p.a.record(t, success(1, noon), success(1, noon+day))
	gone := make([]int, 4)
	ok(t, parallel(len(gone), func(i int) (err error) {
		gone[i], err = p.each(i).History().Expire(t.Context(), midnight)
		return err
	}))
	equal(t, gone[0]+gone[1]+gone[2]+gone[3], 1)
	p.b.record(t, success(2, noon))
	equal(t, p.a.stream(t, 0, domain.Forever), []domain.Execution{success(2, noon), success(1, noon+day)})
	equal(t, p.a.totals(t, 0).ByStatus, map[domain.Status]int64{domain.StatusSuccess: 3})
}

func togetherRevisions(t *testing.T, p *pair) {
	v := version(1)
	sh := own(t, p.a, v.JobID)
	made := must(p.b.Edits().Create(t.Context(), []domain.Version{v}, 3*second))(t)[0]
	held := must(p.a.Shards().Beat(t.Context(), []store.Beat{beatOf(sh, sh.Clock)}, 3*second))(t)
	if len(held) != 1 || held[0].Revision != made.Revision || held[0].Watermark >= made.At || made.Lease != sh.Lease {
		t.Errorf("%+v was made, and the beat answers %+v", made, held)
	}
	var found []domain.Version
	ok(t, p.a.Edits().Changed(t.Context(), sh.Number, sh.Revision, func(v domain.Version) error {
		found = append(found, v)
		return nil
	}))
	v.EffectiveFrom = made.At
	equal(t, found, []domain.Version{v})
}

func togetherClose(t *testing.T, p *pair) {
	p.a.create(t, version(1))
	sh := own(t, p.b, jobID(1))
	ok(t, p.a.Close())
	beat(t, p.b, sh, second, 0)
	p.b.record(t, success(1, noon))
	equal(t, p.b.byJob(t, 5), []domain.Execution{success(1, noon)})
}

// togetherSeries lets two record facts of the same steps at the same time.
func togetherSeries(t *testing.T, p *pair) {
	var facts []domain.Execution
	for i := range 40 {
		facts = append(facts, success(1+i, noon+int64(i%3)*minute))
	}
	ok(t, parallel(2*len(facts), func(i int) error { // each fact by both
		return p.each(i).Ledger().Record(t.Context(), store.Batch{Facts: facts[i/2 : i/2+1]})
	}))
	for _, f := range []*fixture{p.a, p.b} {
		for _, step := range domain.Steps {
			equal(t, points(t, f, step), scanned(facts, step))
		}
	}
}

func togetherSettings(t *testing.T, p *pair) {
	is := putSetting(t, p.a, setting(domain.SettingChannel, "ops"))
	for round := range 5 {
		var won atomic.Int64
		_ = parallel(8, func(i int) error {
			next := is
			next.Body = []byte(fmt.Sprintf(`{"round":%d,"by":%d}`, round, i))
			_, err := p.each(i).AlertSettings().PutAlertSetting(t.Context(), next, domain.Change{})
			if err == nil {
				won.Add(1)
			} else if domain.ErrorCode(err) != domain.CodeConflict {
				t.Error(err)
			}
			return err
		})
		if won.Load() != 1 {
			t.Fatalf("%d of eight have replaced revision %d", won.Load(), is.Revision)
		}
		is = settings(t, p.b, is.Kind)[0]
		equal(t, settings(t, p.a, is.Kind), []domain.AlertSetting{is})
		equal(t, must(p.a.AlertSettings().AlertSettingsRevision(t.Context()))(t), is.Revision)
	}
}
