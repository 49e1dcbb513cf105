package storetest

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var shardCases = []testCase{
	{"a claim answers what the last owner left", claimAnswers},
	{"H and W never go back, and W stays at or below H", beatMonotonic},
	{"a beat of an old lease is a conflict", beatFenced},
	{"a release marks the shard clean for one claim", releaseClean},
	{"a release ends the lease and can be repeated", releaseEnds},
	{"a reset moves W and H back or forth", resetMoves},
	{"a peek answers the same and changes nothing", peekReads},
	{"the rules of zones are kept by zone and instant, the first time as they are", zoneRulesKept},
}

func claim(t *testing.T, f *fixture) store.Shard {
	t.Helper()
	return must(f.Shards().Claim(t.Context()))(t)
}

func claimAnswers(t *testing.T, f *fixture) {
	a := claim(t, f)
	if a.Epoch == 0 || a.Token == 0 || a.Horizon != 0 || a.Watermark != 0 || a.Clock == 0 {
		t.Fatalf("first claim: %+v", a)
	}
	beat := must(f.Shards().Beat(t.Context(), a.Lease, 3_000, a.Clock-1_000))(t)
	f.reopen(t)
	b := claim(t, f)
	if b.Epoch != a.Epoch+1 || b.Token == a.Token || b.Horizon != beat.Horizon ||
		b.Watermark != a.Clock-1_000 || b.Clean {
		t.Fatalf("second claim: %+v after %+v", b, beat)
	}
}

func beatMonotonic(t *testing.T, f *fixture) {
	a := claim(t, f)
	beat := func(ahead, w int64) store.Shard {
		t.Helper()
		sh := must(f.Shards().Beat(t.Context(), a.Lease, ahead, w))(t)
		if sh.Lease != a.Lease {
			t.Fatalf("lease %+v, want %+v", sh.Lease, a.Lease)
		}
		return sh
	}
	one := beat(hour, 0)
	if one.Horizon != one.Clock+hour || one.Watermark != 0 {
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
	_, err := f.Shards().Beat(t.Context(), a.Lease, hour, noon)
	wantCode(t, err, domain.CodeConflict)
	forged := store.Lease{Epoch: b.Epoch, Token: b.Token + 1}
	_, err = f.Shards().Beat(t.Context(), forged, hour, noon)
	wantCode(t, err, domain.CodeConflict)
	wantCode(t, f.Shards().Release(t.Context(), a.Lease, noon), domain.CodeConflict)
	if sh := must(f.Shards().Beat(t.Context(), b.Lease, 0, 0))(t); sh.Horizon != sh.Clock || sh.Watermark != 0 {
		t.Fatalf("a refused beat moved something: %+v", sh)
	}
}

func releaseClean(t *testing.T, f *fixture) {
	a := claim(t, f)
	if a.Clean {
		t.Fatal("a new database was released by nobody")
	}
	beat := must(f.Shards().Beat(t.Context(), a.Lease, 3_000, 0))(t)
	ok(t, f.Shards().Release(t.Context(), a.Lease, beat.Clock))
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
	ok(t, f.Shards().Release(t.Context(), a.Lease, 0))
	ok(t, f.Shards().Release(t.Context(), a.Lease, 0))
	_, err := f.Shards().Beat(t.Context(), a.Lease, hour, noon)
	wantCode(t, err, domain.CodeConflict)
}

func resetMoves(t *testing.T, f *fixture) {
	a := claim(t, f)
	must(f.Shards().Beat(t.Context(), a.Lease, hour, domain.Forever))(t)
	ok(t, f.Shards().ResetWatermark(t.Context(), noon))
	f.reopen(t)
	if b := claim(t, f); b.Watermark != noon || b.Horizon != noon {
		t.Fatalf("after a reset: %+v", b)
	}
}

func peekReads(t *testing.T, f *fixture) {
	a := claim(t, f)
	beat := must(f.Shards().Beat(t.Context(), a.Lease, 3_000, a.Clock-1_000))(t)
	for range 2 {
		got := must(f.Shards().Peek(t.Context()))(t)
		if got.Clock < beat.Clock {
			t.Errorf("the clock went from %d to %d", beat.Clock, got.Clock)
		}
		got.Clock = beat.Clock
		equal(t, got, beat)
	}
	ok(t, f.Shards().Release(t.Context(), a.Lease, a.Clock))
	if got := must(f.Shards().Peek(t.Context()))(t); !got.Clean || got.Watermark != a.Clock {
		t.Errorf("after the release: %+v", got)
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
