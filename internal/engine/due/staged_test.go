package due

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// What is taken is what was put in, by instant and then in the order of coming,
// whatever is put in when.
func TestStagedFires(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s staged
		var want []*run.Run // a stable sort at each step
		sort := func() {
			slices.SortStableFunc(want, func(a, b *run.Run) int { return cmp.Compare(a.At, b.At) })
		}
		now, second, serial := int64(0), int64(1), int64(0)
		fires := func(from, width int64) (out []*run.Run) {
			for range rapid.SampledFrom([]int{0, 1, 3, 40, 500}).Draw(t, "fires") {
				serial++
				out = append(out, &run.Run{At: from + (serial*7_919)%width, Nonce: serial})
			}
			return out
		}
		t.Repeat(map[string]func(*rapid.T){
			"second": func(*rapid.T) {
				s.mergeAdded()
				sort()
				added := fires(second*1000, rapid.SampledFrom([]int64{1, 7, 1000}).Draw(t, "width"))
				want = append(want, added...)
				sort()
				s.addSecond(second, added)
				second++
			},
			"edit": func(*rapid.T) {
				for _, r := range fires(now, (second+1)*1000-now) {
					s.add(r)
					want = append(want, r)
				}
			},
			"take": func(*rapid.T) {
				s.mergeAdded()
				sort()
				now = rapid.Int64Range(now, second*1000).Draw(t, "now")
				n := 0
				for n < len(want) && want[n].At <= now {
					n++
				}
				got := s.take(now)
				if !slices.Equal(got, want[:n]) {
					t.Fatalf("took %d, want %d", len(got), n)
				}
				clear(got)
				want = want[n:]
			},
			"": func(*rapid.T) {
				if s.len() != len(want) {
					t.Fatalf("%d fires are staged, want %d", s.len(), len(want))
				}
				first := s.first()
				if (first == nil) != (len(want) == 0) {
					t.Fatalf("first: %v of %d", first, len(want))
				}
				for _, r := range want {
					if r.At < first.At {
						t.Fatalf("the first is due at %d, one at %d", first.At, r.At)
					}
				}
			},
		})
	})
}

// A second with very many fires leaves no memory behind.
func TestBurstDoesNotPinMemory(t *testing.T) {
	t.Parallel()
	var s staged
	many := make([]*run.Run, 100_000)
	for i := range many {
		many[i] = &run.Run{At: 1000}
	}
	s.addSecond(1, many)
	if n := len(s.take(1999)); n != len(many) {
		t.Fatalf("%d of %d fires", n, len(many))
	}
	s.addSecond(2, []*run.Run{{At: 2000}})
	if c := cap(s.ready); c > 5_000 {
		t.Errorf("room for %d fires is kept", c)
	}
	if reuse(many[:1]) != nil {
		t.Error("the memory of the second is kept where it was made ready")
	}
	if few := reuse(make([]*run.Run, 10, 4_000)); cap(few) != 4_000 || len(few) != 0 {
		t.Error("memory that is of use is given back")
	}
}
