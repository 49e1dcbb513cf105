package run

import (
	"testing"

	"pgregory.net/rapid"
)

// A span against the list of the fires it covers.
func TestSpanModel(t *testing.T) {
	t.Parallel()
	job1, job2 := testJob(t, "*/3 * * * * *", 0), testJob(t, "* * * * * *", 1700)
	rapid.Check(t, func(t *rapid.T) {
		j := rapid.SampledFrom([]*Job{job1, job2}).Draw(t, "job")
		start := j.Current.NextAfter(j, rapid.Int64Range(0, 100_000).Draw(t, "start"))
		s := &Span{Job: j, Ver: j.Current, Next: start, Last: start}
		model := []int64{start}
		t.Repeat(map[string]func(*rapid.T){
			"extend": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				last := model[len(model)-1]
				at := last + rapid.Int64Range(-2000, 5000).Draw(t, "at")
				want := at == j.Current.NextAfter(j, last)
				if got := s.Extend(j.Current, at); got != want {
					t.Fatalf("extend %d after %d: %v", at, last, got)
				}
				if want {
					model = append(model, at)
				}
			},
			"next": func(t *rapid.T) {
				if len(model) > 0 {
					at := j.Current.NextAfter(j, s.Last)
					if !s.Extend(j.Current, at) {
						t.Fatalf("the next fire %d is refused", at)
					}
					model = append(model, at)
				}
			},
			"pop": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				if got := s.Pop(); got != model[0] {
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
				skipped, last := s.SkipTo(cut)
				if (skipped == nil) != (n == 0) {
					t.Fatalf("skip to %d: %+v, want %d fires", cut, skipped, n)
				}
				if n > 0 && (skipped.From != model[0] || skipped.Count != int64(n) || last != model[n-1]) {
					t.Fatalf("skip to %d: %+v until %d, want %v", cut, skipped, last, model[:n])
				}
				model = model[n:]
			},
			"": func(t *rapid.T) {
				if (s.Next == Never) != (len(model) == 0) ||
					(len(model) > 0 && (s.Next != model[0] || s.Last != model[len(model)-1])) {
					t.Fatalf("span %d to %d, want %v", s.Next, s.Last, model)
				}
			},
		})
	})
}

func TestSpanOfAnotherVersion(t *testing.T) {
	t.Parallel()
	j, other := testJob(t, "* * * * * *", 0), testJob(t, "* * * * * *", 0)
	s := &Span{Job: j, Ver: j.Current, Next: 1000, Last: 1000}
	if s.Extend(other.Current, 2000) {
		t.Error("a fire of another version was taken")
	}
}

// wait keeps the order and one span per run of fires.
func TestJobWait(t *testing.T) {
	t.Parallel()
	j := testJob(t, "* * * * * *", 0)
	one := func(at int64) *Span { return &Span{Job: j, Ver: j.Current, Next: at, Last: at} }
	for i, c := range []struct {
		at     int64
		merged bool
	}{{1000, false}, {2000, true}, {3000, true}, {5000, false}, {6000, true}} {
		if got := j.KeepWaiting(one(c.at)); got != c.merged {
			t.Errorf("%d: merged %v", i, got)
		}
	}
	late := &Span{Job: j, Ver: j.Current, Next: 100, Last: 900}
	if j.KeepWaiting(late) || j.ReadBacklog().Waiting[0] != late { // recovered: it came first
		t.Error("a span of earlier fires waits behind later ones")
	}
	a := j.ReadBacklog()
	a.Waiting = a.Waiting[1:]
	if len(a.Waiting) != 2 || a.Waiting[0].Last != 3000 || a.Waiting[1].Last != 6000 {
		t.Errorf("%+v", a.Waiting)
	}
}
