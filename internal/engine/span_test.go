package engine

import (
	"container/heap"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// testJob returns a job with an every-few-seconds version, valid from zero.
func testJob(t testing.TB, schedule string, jitterMs int64) *job {
	t.Helper()
	v := domain.Version{JobID: domain.JobID{1, 2, 3}, Number: 1, EffectiveTo: domain.Forever, Active: true, Spec: spec("").Spec}
	v.Spec.Schedule, v.Spec.JitterMs = schedule, jitterMs
	ver, err := newVersion(&v)
	if err != nil {
		t.Fatal(err)
	}
	j := newJob(v.JobID, 0)
	j.current = ver
	return j
}

// firesOf returns the fires of the job's version from first to last.
func firesOf(j *job, first, last int64) (out []int64) {
	for at := j.current.nextAfter(j, first-1); at <= last; at = j.current.nextAfter(j, at) {
		out = append(out, at)
	}
	return out
}

// A span against the list of the fires it stands for.
func TestSpanModel(t *testing.T) {
	t.Parallel()
	job1, job2 := testJob(t, "*/3 * * * * *", 0), testJob(t, "* * * * * *", 1700)
	rapid.Check(t, func(t *rapid.T) {
		j := rapid.SampledFrom([]*job{job1, job2}).Draw(t, "job")
		start := j.current.nextAfter(j, rapid.Int64Range(0, 100_000).Draw(t, "start"))
		s := &span{job: j, ver: j.current, next: start, last: start}
		model := []int64{start}
		t.Repeat(map[string]func(*rapid.T){
			"extend": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				last := model[len(model)-1]
				at := last + rapid.Int64Range(-2000, 5000).Draw(t, "at")
				want := at == j.current.nextAfter(j, last)
				if got := s.extend(j.current, at); got != want {
					t.Fatalf("extend %d after %d: %v", at, last, got)
				}
				if want {
					model = append(model, at)
				}
			},
			"next": func(t *rapid.T) {
				if len(model) > 0 {
					at := j.current.nextAfter(j, s.last)
					if !s.extend(j.current, at) {
						t.Fatalf("the next fire %d is refused", at)
					}
					model = append(model, at)
				}
			},
			"pop": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				if got := s.pop(); got != model[0] {
					t.Fatalf("pop %d, want %d", got, model[0])
				}
				model = model[1:]
			},
			"skip": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				cut := model[0] + rapid.Int64Range(-2000, 20_000).Draw(t, "cut")
				n := 0
				for n < len(model) && model[n] < cut {
					n++
				}
				left, last := s.skipTo(cut)
				if (left == nil) != (n == 0) {
					t.Fatalf("skip to %d: %+v, want %d fires", cut, left, n)
				}
				if n > 0 && (left.From != model[0] || left.Count != int64(n) || last != model[n-1]) {
					t.Fatalf("skip to %d: %+v until %d, want %v", cut, left, last, model[:n])
				}
				model = model[n:]
			},
			"": func(t *rapid.T) {
				if (s.next == never) != (len(model) == 0) || (len(model) > 0 && (s.next != model[0] || s.last != model[len(model)-1])) {
					t.Fatalf("span %d to %d, want %v", s.next, s.last, model)
				}
			},
		})
	})
}

func TestSpanOfAnotherVersion(t *testing.T) {
	t.Parallel()
	j, other := testJob(t, "* * * * * *", 0), testJob(t, "* * * * * *", 0)
	s := &span{job: j, ver: j.current, next: 1000, last: 1000}
	if s.extend(other.current, 2000) {
		t.Error("a fire of another version was taken")
	}
}

// The heap gives the oldest fire of all its spans, whatever was popped before.
func TestSpanHeap(t *testing.T) {
	t.Parallel()
	j := testJob(t, "* * * * * *", 0)
	var h spanHeap
	if h.first() != nil {
		t.Error("an empty heap has a first span")
	}
	var want, got []int64
	for _, r := range [][2]int64{{9_000, 12_000}, {1_000, 3_000}, {2_000, 2_000}, {4_000, 20_000}} {
		heap.Push(&h, &span{job: j, ver: j.current, next: r[0], last: r[1]})
		want = append(want, firesOf(j, r[0], r[1])...)
	}
	for h.first() != nil {
		got = append(got, h.first().pop())
		h.settle()
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// wait keeps the order and one span per run of fires.
func TestJobWait(t *testing.T) {
	t.Parallel()
	j := testJob(t, "* * * * * *", 0)
	one := func(at int64) *span { return &span{job: j, ver: j.current, next: at, last: at} }
	for i, c := range []struct {
		at     int64
		merged bool
	}{{1000, false}, {2000, true}, {3000, true}, {5000, false}, {6000, true}} {
		if got := j.wait(one(c.at)); got != c.merged {
			t.Errorf("%d: merged %v", i, got)
		}
	}
	late := &span{job: j, ver: j.current, next: 100, last: 900}
	if j.wait(late) || j.aside().waiting[0] != late { // recovered: it came first
		t.Error("a span of earlier fires waits behind later ones")
	}
	a := j.aside()
	a.waiting = a.waiting[1:]
	if len(a.waiting) != 2 || a.waiting[0].last != 3000 || a.waiting[1].last != 6000 {
		t.Errorf("%+v", a.waiting)
	}
}
