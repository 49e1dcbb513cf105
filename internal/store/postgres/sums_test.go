package postgres

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// drawnSums returns what some facts of any kind add up to.
func drawnSums(t *testing.T, r *rand.Rand) sums {
	t.Helper()
	var facts []*domain.Execution
	for range r.IntN(6) {
		at := r.Int64N(4_000_000_000_000) - 1_000_000_000_000
		e := &domain.Execution{
			FireKey: domain.FireKey{ScheduledAt: at}, RetryCount: r.IntN(4), StartedAt: at + r.Int64N(1<<r.IntN(40)),
			Status: []domain.Status{domain.StatusSuccess, domain.StatusFailed, domain.StatusUnknown,
				domain.StatusSkipped}[r.IntN(4)],
		}
		e.CompletedAt = e.StartedAt + r.Int64N(1<<r.IntN(30))
		if r.IntN(9) == 0 {
			e.Status, e.StartedAt = domain.StatusMissed, 0
			e.Missed = &domain.MissedRange{From: at - 1, Count: 1 + r.Int64N(math.MaxInt32)}
		}
		facts = append(facts, e)
	}
	s, err := sumsOf(facts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is stored of sums is read as it was, and no part of it is read as something else.
func TestBodiesOfSums(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 5))
	for range 60 {
		s := drawnSums(t, r)
		body := s.body()
		got, err := sumsIn(body)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("stored %+v\nread   %+v, error %v", s, got, err)
		}
		if _, err := sumsIn(append(body[:len(body):len(body)], 0)); err == nil {
			t.Fatal("a body that goes on is read")
		}
		for n := range len(body) {
			if _, err := sumsIn(body[:n]); err == nil {
				t.Fatalf("%d bytes of %d are read", n, len(body))
			}
		}
	}
	huge := []byte{0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}
	if _, err := sumsIn(huge); err == nil {
		t.Error("a histogram of more buckets than there are is read")
	}
}

// Sums of parts are the sums of the whole, in any order.
func TestSumsOfParts(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 9))
	for range 50 {
		a, b := drawnSums(t, r), drawnSums(t, r)
		ab, ba := sums{counts: make(counts)}, sums{counts: make(counts)}
		for _, body := range [][]byte{a.body(), b.body()} {
			if err := ab.mergeBody(body); err != nil {
				t.Fatal(err)
			}
		}
		ba.merge(&b)
		ba.merge(&a)
		if !reflect.DeepEqual(ab.counts, ba.counts) || !reflect.DeepEqual(byInstant(ab.points), byInstant(ba.points)) {
			t.Fatalf("%+v\n%+v", ab, ba)
		}
		var fires, points int64
		for _, n := range ab.counts {
			fires += n.fires
		}
		for i := range ab.points {
			points += ab.points[i].Fires()
		}
		if fires != points {
			t.Fatalf("%d fires are counted, and %d in points", fires, points)
		}
	}
}

func byInstant(points domain.Points) map[int64]domain.Point {
	all := make(map[int64]domain.Point)
	for _, p := range points {
		all[p.At] = p
	}
	return all
}
