package transfer

import (
	"reflect"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	const refused = step(-1)
	ready, other := Mark{}, Mark{State: Filling, Copy: "b", Stamp: "y"}
	filling, moved := Mark{State: Filling, Copy: "a", Stamp: "x"}, Mark{State: Moved, Copy: "a"}
	for _, row := range []struct {
		name     string
		from, to Mark
		empty    bool
		want     step
	}{
		{"an empty target", ready, ready, true, begin},
		{"a target with rows", ready, ready, false, refused},
		{"a target with a part of the source", ready, filling, false, resume},
		{"a target with a part of another source", ready, other, false, refused},
		{"a source that was marked, and its target", moved, filling, false, conclude},
		{"a source that was marked, and another target", moved, other, false, refused},
		{"a source that was moved", moved, ready, true, refused},
		{"a source that is incomplete", filling, ready, true, refused},
		{"a target that was moved", ready, moved, true, refused},
		{"two databases that were moved", moved, moved, false, refused},
	} {
		got, err := plan(&row.from, &row.to, "x", row.empty)
		if refuses := row.want == refused; refuses != (err != nil) || !refuses && got != row.want {
			t.Errorf("%s: %d, %v", row.name, got, err)
		}
		if err != nil && domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("%s: %v has code %s", row.name, err, domain.ErrorCode(err))
		}
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	for state, refused := range map[State]bool{Ready: false, Filling: true, Moved: true} {
		if m := (Mark{State: state}); (m.Refusal("x") != nil) != refused {
			t.Errorf("%q: %v", state, m.Refusal("x"))
		}
	}
}

func shard(number int, w, h, epoch int64, clean bool) store.Shard {
	return store.Shard{Number: number, Lease: store.Lease{Epoch: epoch}, Horizon: h, Watermark: w, Clean: clean}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	four := []store.Shard{
		shard(0, 10, 20, 1, true), shard(1, 5, 21, 2, true), shard(2, 11, 30, 1, false), shard(3, 12, 13, 7, true),
	}
	for _, row := range []struct {
		name string
		from []store.Shard
		want []store.Shard
	}{
		{"one to one", four[:1], four[:1]},
		{"one to four", []store.Shard{shard(0, 1, 2, 3, false)}, []store.Shard{
			shard(0, 1, 2, 3, false), shard(1, 1, 2, 3, false), shard(2, 1, 2, 3, false), shard(3, 1, 2, 3, false),
		}},
		{"four to four", four, four},
		{"four to one", four, []store.Shard{shard(0, 5, 30, 7, false)}},
		{"four to two", four, []store.Shard{shard(0, 5, 21, 2, true), shard(1, 11, 30, 7, false)}},
		{"four to three", four, []store.Shard{
			shard(0, 5, 21, 2, true), shard(1, 5, 30, 2, false), shard(2, 11, 30, 7, false),
		}},
	} {
		if got := Spread(row.from, len(row.want)); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s:\n%+v, want\n%+v", row.name, got, row.want)
		}
	}
}

// Each job is in a shard that its source shard feeds, whatever their numbers are.
func TestSpreadKnowsWhereJobsGo(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 64, 100} {
		for _, m := range []int{1, 5, 64} {
			for i := range 2_000 {
				id := domain.NewJobID(int64(i))
				if !overlap(id.Shard(m), m, id.Shard(n), n) {
					t.Fatalf("job %s is in shard %d of %d and %d of %d", id, id.Shard(n), n, id.Shard(m), m)
				}
			}
		}
	}
}

func TestStampTellsStatesApart(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	base := shard(0, 1, 2, 3, true)
	changed := []func(*store.Shard){
		func(*store.Shard) {}, func(s *store.Shard) { s.Watermark++ }, func(s *store.Shard) { s.Horizon++ },
		func(s *store.Shard) { s.Epoch++ }, func(s *store.Shard) { s.Token++ }, func(s *store.Shard) { s.Revision++ },
		func(s *store.Shard) { s.Clean = false },
	}
	for i, change := range changed {
		is := base
		change(&is)
		is.Clock = int64(i) // which is no part of it
		if other, known := seen[StampOf([]store.Shard{is})]; known {
			t.Errorf("changes %d and %d have the same stamp", other, i)
		}
		seen[StampOf([]store.Shard{is})] = i
	}
}

func TestSameText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", "ü": "ü",
		"a\x00b": "a\uFFFDb", "a\xff\xfeb": "a\uFFFDb", "\uFFFD\uFFFD\uFFFD": "\uFFFD",
		"\x00\xff": "\uFFFD",
	} {
		if got := same(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
