package storetest

import (
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var shardCases = []testCase{
	{"the shards of a new database are free, and begin with its clock", madeFree},
	{"a claim succeeds for a free shard, or for one whose row is as it was seen", claimCompares},
	{"of claims at once one wins", parallelClaims},
	{"a claim answers what the last owner left", claimAnswers},
	{"H and W never go back, and W stays at or below H", beatMonotonic},
	{"a beat of an old lease moves nothing, and is not among the answers", beatFenced},
	{"a release marks the shard clean for one claim", releaseClean},
	{"a release ends the lease and can be repeated", releaseEnds},
	{"a reset moves W and H back or forth", resetMoves},
	{"a peek answers the same and changes nothing", peekReads},
	{"each shard has a lease, H and W of its own", shardsApart},
	{"the rules of zones are kept by zone and instant, the first time as they are", zoneRulesKept},
}

// process is the random number of the process that the tests are.
const process = 77

// claimOf claims shards as somebody who knows that their owners are gone.
func claimOf(t *testing.T, f *fixture, numbers ...int) []store.Shard {
	t.Helper()
	var claims []store.Claim
	rows := must(f.Shards().Peek(t.Context()))(t)
	for _, n := range numbers {
		claims = append(claims, store.ClaimsOf(rows[n:n+1])...)
	}
	claimed := must(f.Shards().Claim(t.Context(), process, claims))(t)
	if len(claimed) != len(numbers) {
		t.Fatalf("of shards %v were claimed %+v", numbers, claimed)
	}
	return claimed
}

// claim claims the first shard.
func claim(t *testing.T, f *fixture) store.Shard {
	t.Helper()
	return claimOf(t, f, 0)[0]
}

// beatOf is a beat of the owner that got the shard. Its clock is ahead, so the store's counts.
func beatOf(sh store.Shard, w int64) store.Beat {
	return store.Beat{Number: sh.Number, Lease: sh.Lease, Watermark: w, Clock: sh.Clock + hour,
		Last: sh.Progress()}
}

// beat renews the lease of the first shard, which holds.
func beat(t *testing.T, f *fixture, sh store.Shard, ahead, w int64) store.Shard {
	t.Helper()
	held := must(f.Shards().Beat(t.Context(), []store.Beat{beatOf(sh, w)}, ahead))(t)
	if len(held) != 1 {
		t.Fatalf("a beat of a lease that holds answers %+v", held)
	}
	return held[0]
}

// setWatermark moves W of every shard to an instant, maybe before the database was made.
func setWatermark(t *testing.T, f *fixture, w int64) {
	t.Helper()
	ok(t, f.Shards().ResetWatermark(t.Context(), w))
}

// release ends the lease of the shard.
func release(t *testing.T, f *fixture, sh store.Shard, w int64) error {
	t.Helper()
	return f.Shards().Release(t.Context(), []store.Beat{beatOf(sh, w)}, second)
}

func claimAnswers(t *testing.T, f *fixture) {
	made := must(f.Shards().Peek(t.Context()))(t)[0]
	a := claim(t, f)
	if a.Epoch == 0 || a.Token == 0 || a.Node != process || a.Horizon != made.Horizon ||
		a.Watermark != made.Watermark || a.Clock == 0 {
		t.Fatalf("first claim: %+v", a)
	}
	beat := beat(t, f, a, 3_000, a.Clock+1_000)
	f.reopen(t)
	b := claim(t, f)
	if b.Epoch != a.Epoch+1 || b.Token == a.Token || b.Horizon != beat.Horizon ||
		b.Watermark != a.Clock+1_000 || b.Clean {
		t.Fatalf("second claim: %+v after %+v", b, beat)
	}
}

// madeFree shows that no fire of a job that is created before the first owner is lost.
func madeFree(t *testing.T, f *fixture) {
	for _, sh := range must(f.Shards().Peek(t.Context()))(t) {
		if !sh.Clean || sh.Watermark != sh.Horizon || sh.Watermark > sh.Clock || sh.Watermark < sh.Clock-minute ||
			sh.Node != 0 {
			t.Errorf("a shard of a new database: %+v", sh)
		}
	}
}

// claimCompares shows that of several processes that have seen a row one gets the shard.
func claimCompares(t *testing.T, f *fixture) {
	take := func(process int64, seen store.Seen) []store.Shard {
		return must(f.Shards().Claim(t.Context(), process, []store.Claim{{Number: 0, Seen: seen}}))(t)
	}
	a := claim(t, f)
	old := must(f.Shards().Peek(t.Context()))(t)[0].Seen()
	if got := take(1, store.Seen{}); len(got) != 0 {
		t.Fatalf("a shard with an owner was claimed as if it were free: %+v", got)
	}
	beat(t, f, a, hour, 0)
	if got := take(1, old); len(got) != 0 {
		t.Fatalf("a shard was claimed whose owner has had a beat since: %+v", got)
	}
	seen := must(f.Shards().Peek(t.Context()))(t)[0].Seen()
	first, second := take(1, seen), take(2, seen)
	if len(first) != 1 || len(second) != 0 || first[0].Node != 1 {
		t.Fatalf("two claims of the same row: %+v and %+v", first, second)
	}
	ok(t, release(t, f, first[0], 0))
	if got := take(2, store.Seen{}); len(got) != 1 || got[0].Node != 2 || !got[0].Clean {
		t.Fatalf("a claim of a free shard: %+v", got)
	}
}

// parallelClaims shows the same of claims at once.
func parallelClaims(t *testing.T, f *fixture) {
	claim(t, f)
	seen := store.ClaimsOf(must(f.Shards().Peek(t.Context()))(t)[:1])
	var won atomic.Int32
	ok(t, parallel(8, func(i int) error {
		got, err := f.Shards().Claim(t.Context(), int64(i), seen)
		won.Add(int32(len(got))) //nolint:gosec // one at most
		return err
	}))
	if won.Load() != 1 {
		t.Fatalf("%d of 8 claims of one row succeeded", won.Load())
	}
}

func beatMonotonic(t *testing.T, f *fixture) {
	a := claim(t, f)
	beat := func(ahead, w int64) store.Shard {
		t.Helper()
		sh := beat(t, f, a, ahead, w)
		if sh.Lease != a.Lease {
			t.Fatalf("lease %+v, want %+v", sh.Lease, a.Lease)
		}
		return sh
	}
	one := beat(hour, 0)
	if one.Horizon != one.Clock+hour || one.Watermark != a.Watermark {
		t.Fatalf("first beat: %+v", one)
	}
	two := beat(0, one.Clock)
	if two.Horizon != one.Horizon || two.Watermark != one.Clock {
		t.Fatalf("a smaller ahead moved H: %+v after %+v", two, one)
	}
	three := beat(0, 1)
	if three.Watermark != one.Clock {
		t.Fatalf("a smaller w moved W back: %+v", three)
	}
	four := beat(0, one.Horizon+day)
	if four.Watermark != four.Horizon {
		t.Fatalf("W went beyond H: %+v", four)
	}
}

func beatFenced(t *testing.T, f *fixture) {
	a := claim(t, f)
	b := claim(t, f)
	forged := b
	forged.Token++
	for name, sh := range map[string]store.Shard{"an old lease": a, "another token": forged} {
		held := must(f.Shards().Beat(t.Context(), []store.Beat{beatOf(sh, noon)}, hour))(t)
		if len(held) != 0 {
			t.Errorf("a beat of %s answers %+v", name, held)
		}
		wantCode(t, release(t, f, sh, noon), domain.CodeConflict)
	}
	if sh := beat(t, f, b, 0, 0); sh.Horizon != sh.Clock || sh.Watermark != b.Watermark {
		t.Fatalf("a refused beat moved something: %+v", sh)
	}
}

func releaseClean(t *testing.T, f *fixture) {
	a := claim(t, f)
	if !a.Clean {
		t.Fatal("something of a new database is uncertain")
	}
	beat := beat(t, f, a, 3_000, 0)
	ok(t, release(t, f, a, beat.Clock))
	f.reopen(t)
	if b := claim(t, f); !b.Clean || b.Watermark != beat.Clock {
		t.Fatalf("after a release: %+v", b)
	}
	if c := claim(t, f); c.Clean {
		t.Fatalf("the second claim is clean too: %+v", c)
	}
}

func releaseEnds(t *testing.T, f *fixture) {
	a := claim(t, f)
	ok(t, release(t, f, a, 0))
	ok(t, release(t, f, a, 0))
	if held := must(f.Shards().Beat(t.Context(), []store.Beat{beatOf(a, noon)}, hour))(t); len(held) != 0 {
		t.Errorf("a beat after the release answers %+v", held)
	}
}

func resetMoves(t *testing.T, f *fixture) {
	a := claim(t, f)
	beat(t, f, a, hour, domain.Forever)
	ok(t, f.Shards().ResetWatermark(t.Context(), noon))
	f.reopen(t)
	if b := claim(t, f); b.Watermark != noon || b.Horizon != noon {
		t.Fatalf("after a reset: %+v", b)
	}
}

func peekReads(t *testing.T, f *fixture) {
	a := claim(t, f)
	beat := beat(t, f, a, 3_000, a.Clock+1_000)
	for range 2 {
		got := must(f.Shards().Peek(t.Context()))(t)[0]
		if got.Clock < beat.Clock {
			t.Errorf("the clock went from %d to %d", beat.Clock, got.Clock)
		}
		got.Clock = beat.Clock
		equal(t, got, beat)
	}
	ok(t, release(t, f, a, a.Clock+2_000))
	if got := must(f.Shards().Peek(t.Context()))(t)[0]; !got.Clean || got.Watermark != a.Clock+2_000 {
		t.Errorf("after the release: %+v", got)
	}
}

// shardsApart says nothing where a database has one shard.
func shardsApart(t *testing.T, f *fixture) {
	all := make([]int, f.Shards().Count())
	for i := range all {
		all[i] = i
	}
	claimed := claimOf(t, f, all...)
	for i, sh := range claimed {
		if sh.Number != i {
			t.Fatalf("shard %d was answered as number %d", i, sh.Number)
		}
	}
	if len(claimed) != len(all) || len(all) == 1 {
		return
	}
	last := len(all) - 1
	taken := claimOf(t, f, last)[0]
	beats, base := make([]store.Beat, len(all)), claimed[0].Clock
	for i, sh := range claimed {
		beats[i] = beatOf(sh, base+int64(i))
	}
	held := must(f.Shards().Beat(t.Context(), beats, minute))(t)
	if len(held) != last {
		t.Fatalf("%d shards answer after one of %d was claimed by another owner", len(held), len(all))
	}
	for i, sh := range held {
		if sh.Number != i || sh.Watermark != base+int64(i) {
			t.Errorf("shard %d after its beat: %+v", i, sh)
		}
	}
	wantCode(t, f.Shards().Release(t.Context(), beats, minute), domain.CodeConflict)
	if got := must(f.Shards().Peek(t.Context()))(t); got[0].Clean || got[last].Lease != taken.Lease {
		t.Errorf("a release of a foreign lease did something: %+v", got)
	}
	ok(t, f.Shards().Release(t.Context(), beats[:last], minute))
	f.reopen(t)
	got := must(f.Shards().Peek(t.Context()))(t)
	if !got[0].Clean || got[last].Clean || store.LeastWatermark(got) != min(base, taken.Watermark) {
		t.Errorf("after the release: %+v", got)
	}
	ok(t, f.Shards().ResetWatermark(t.Context(), noon))
	if got := must(f.Shards().Peek(t.Context()))(t); store.LeastWatermark(got) != noon || got[0].Watermark != noon {
		t.Errorf("after the reset: %+v", got)
	}
}

func zoneRulesKept(t *testing.T, f *fixture) {
	first := store.ZoneRules{Zone: "Europe/Berlin", Release: "2025c", Data: "TZif2\x00\xff"}
	next := store.ZoneRules{Zone: "Europe/Berlin", From: noon, Release: "2026a", Data: "TZif2\x00\x01"}
	other := store.ZoneRules{Zone: "Asia/Tokyo", Release: "2026a", Data: "TZif3"}
	again := first
	again.Data = "TZif4"
	ok(t, f.Shards().AddZoneRules(t.Context(), []store.ZoneRules{next, first}))
	ok(t, f.Shards().AddZoneRules(t.Context(), []store.ZoneRules{again, other}))
	f.reopen(t)
	equal(t, must(f.Shards().ZoneRules(t.Context()))(t), []store.ZoneRules{other, first, next})
}
