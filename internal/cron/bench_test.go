package cron

import (
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/cron/crontest"
)

// sink keeps results alive.
var sink int64

// benchInstants are spread over ten years from 2026, so that months, weekdays and clock changes vary.
func benchInstants() []int64 {
	at := make([]int64, 1024)
	for i := range at {
		at[i] = 1_767_225_600 + int64(i)*308_113
	}
	return at
}

// mixOf compiles the mix for a zone.
func mixOf(b *testing.B, zone string) []*Schedule {
	b.Helper()
	var out []*Schedule
	for _, e := range crontest.Mix {
		out = append(out, mustParse(b, e.Text, zone, DST{}))
	}
	return out
}

// BenchmarkNext gives one line per expression of the mix, for benchstat.
func BenchmarkNext(b *testing.B) {
	at := benchInstants()
	for _, zone := range []string{"UTC", "Europe/Berlin"} {
		for _, s := range mixOf(b, zone) {
			b.Run(zone+"/"+s.String(), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					sink, _ = s.Next(at[i&1023], Binding{Seed: 42})
					i++
				}
			})
		}
	}
}

// typical is the cost of one call in ns: the median of many batches, each so short (some 0.1 ms) that most of them are
// not interrupted by other work on the machine.
func typical(b *testing.B, calls int, batch func()) float64 {
	const batches = 31
	var each [batches]float64
	for i := range each {
		start := b.Elapsed()
		batch()
		each[i] = float64((b.Elapsed() - start).Nanoseconds()) / float64(calls)
	}
	slices.Sort(each[:])
	return each[batches/2]
}

// BenchmarkNextMedian is the figure required of the engine: the median over the mix, at
// most 150 ns in UTC and 400 ns in a zone with clock changes. Run it with -benchtime 1x.
func BenchmarkNextMedian(b *testing.B) {
	at := benchInstants()
	for _, zone := range []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Gaza"} {
		b.Run(zone, func(b *testing.B) {
			var each []float64
			for _, s := range mixOf(b, zone) {
				each = append(each, typical(b, len(at), func() {
					for _, t := range at {
						sink, _ = s.Next(t, Binding{Seed: 42})
					}
				}))
			}
			slices.Sort(each)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(each[len(each)/2], "median-ns")
			b.ReportMetric(each[len(each)-1], "slowest-ns")
		})
	}
}

// BenchmarkNextWorst looks for the slowest call of the nastiest accepted expressions, over instants of the whole range:
// at most 20 microseconds. Run it with -benchtime 1x.
func BenchmarkNextWorst(b *testing.B) {
	const calls, stride = 50, 61_111_111
	for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Gaza"} {
		b.Run(zone, func(b *testing.B) {
			worst := 0.0
			for _, text := range crontest.Nasty {
				for _, dst := range []DST{{Gap: GapSkip}, {Fold: FoldBoth}} {
					s := mustParse(b, text, zone, dst)
					for at := int64(0); at < MaxInstant; at += stride {
						worst = max(worst, typical(b, calls, func() {
							for range calls {
								sink, _ = s.Next(at, Binding{Seed: 42})
							}
						}))
					}
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(worst, "worst-ns")
		})
	}
}

// BenchmarkChain is what a scheduler does: each fire from the one before.
func BenchmarkChain(b *testing.B) {
	for _, text := range []string{"* * * * * *", "*/5 * * * *", "0 30 9 * * MON-FRI", "0 0 18 LW * ?", "H H * * *",
		"@every 90s"} {
		for _, zone := range []string{"UTC", "Europe/Berlin"} {
			s := mustParse(b, text, zone, DST{})
			b.Run(zone+"/"+text, func(b *testing.B) {
				b.ReportAllocs()
				start := int64(1_767_225_600)
				t := start
				for b.Loop() {
					next, ok := s.Next(t, Binding{Seed: 42})
					if t = next; !ok {
						t = start
					}
				}
				sink = t
			})
		}
	}
}

func BenchmarkPrev(b *testing.B) {
	at := benchInstants()
	for _, zone := range []string{"UTC", "Europe/Berlin"} {
		s := mustParse(b, "0 30 9 * * MON-FRI", zone, DST{})
		b.Run(zone, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				sink, _ = s.Prev(at[i&1023], Binding{})
				i++
			}
		})
	}
}

// BenchmarkParse: a text seen before, a new one, and one that is refused because it never fires (under a millisecond).
func BenchmarkParse(b *testing.B) {
	held := mustParse(b, "0 30 9 * * MON-FRI", "Europe/Berlin", DST{})
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if s, _ := Parse("0 30 9 * * MON-FRI", "Europe/Berlin", DST{}); s != held {
				b.Fatal("not interned")
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := compile("0 30 9 * * MON-FRI", "Europe/Berlin", DST{GapAfter, FoldFirst}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("never", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse("0 0 0 31W 2,4,6,9,11 ?", "Asia/Gaza", DST{}); err == nil {
				b.Fatal("accepted")
			}
		}
	})
	b.Run("zone", func(b *testing.B) {
		for b.Loop() {
			sink = int64(len(newZone("Asia/Gaza", mustParse(b, "@daily", "Asia/Gaza", DST{}).Location()).spans))
		}
	})
}
