package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	netresearch "github.com/netresearch/go-cron"
	robfig "github.com/robfig/cron/v3"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/cron/crontest"
)

// sinks keep results alive.
var (
	sink     int64
	sinkTime time.Time
)

// next is the work that is measured: the fire after the i-th instant.
type next func(i int)

// library makes next for an expression; instants are given in both forms.
type library struct {
	name    string
	prepare func(tb testing.TB, text, zone string, at []int64, times []time.Time) next
	// fire is for the comparison of answers.
	fire func(tb testing.TB, text, zone string, after time.Time) time.Time
}

func belfryParse(tb testing.TB, text, zone string) *cron.Schedule {
	tb.Helper()
	s, err := cron.Parse(text, zone, cron.DST{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func robfigParse(tb testing.TB, text string) robfig.Schedule {
	tb.Helper()
	p := robfig.NewParser(robfig.SecondOptional | robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow |
		robfig.Descriptor)
	s, err := p.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func netresearchParse(tb testing.TB, text string) netresearch.Schedule {
	tb.Helper()
	p, err := netresearch.TryNewParser(netresearch.SecondOptional | netresearch.Minute | netresearch.Hour |
		netresearch.Dom |
		netresearch.Month | netresearch.Dow | netresearch.Descriptor | netresearch.DowOrDom)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := p.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

var libraries = []library{
	{"belfry", func(tb testing.TB, text, zone string, at []int64, _ []time.Time) next {
		s := belfryParse(tb, text, zone)
		return func(i int) { sink, _ = s.Next(at[i], cron.Binding{}) }
	}, func(tb testing.TB, text, zone string, after time.Time) time.Time {
		t, _ := belfryParse(tb, text, zone).Next(after.Unix(), cron.Binding{})
		return time.Unix(t, 0)
	}},
	{"robfig", func(tb testing.TB, text, _ string, _ []int64, times []time.Time) next {
		s := robfigParse(tb, text)
		return func(i int) { sinkTime = s.Next(times[i]) }
	}, func(tb testing.TB, text, _ string, after time.Time) time.Time {
		return robfigParse(tb, text).Next(after)
	}},
	{"netresearch", func(tb testing.TB, text, _ string, _ []int64, times []time.Time) next {
		s := netresearchParse(tb, text)
		return func(i int) { sinkTime = s.Next(times[i]) }
	}, func(tb testing.TB, text, _ string, after time.Time) time.Time {
		return netresearchParse(tb, text).Next(after)
	}},
}

var zones = []string{"UTC", "Europe/Berlin"}

const instants = 1024

// spread gives instants over ten years from 2026, in both forms.
func spread(tb testing.TB, zone string) (at []int64, times []time.Time) {
	tb.Helper()
	loc, err := cron.LoadLocation(zone)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range instants {
		t := int64(1_767_225_600) + int64(i)*308_113
		at = append(at, t)
		times = append(times, time.Unix(t, 0).In(loc))
	}
	return at, times
}

// common is the part of the mix that all libraries read.
func common() (texts []string) {
	for _, e := range crontest.Mix {
		if e.Common {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// TestSameFires: in UTC all libraries give the same answers, so the comparison is of the same work.
func TestSameFires(t *testing.T) {
	_, times := spread(t, "UTC")
	for _, text := range common() {
		for i := 0; i < instants; i += 64 {
			want := libraries[0].fire(t, text, "UTC", times[i])
			for _, lib := range libraries[1:] {
				if got := lib.fire(t, text, "UTC", times[i]); !got.Equal(want) {
					t.Errorf("%q after %s: %s says %s, belfry %s", text, times[i], lib.name, got.UTC(), want.UTC())
				}
			}
		}
	}
}

// BenchmarkNextMedian times each expression in batches short enough to be mostly
// uninterrupted on a busy machine, takes the median batch, and reports the median and the
// slowest over the expressions in ns per call.
func BenchmarkNextMedian(b *testing.B) {
	const batches = 31
	for _, zone := range zones {
		at, times := spread(b, zone)
		for _, lib := range libraries {
			b.Run("zone="+zone+"/lib="+lib.name, func(b *testing.B) {
				var each []float64
				for _, text := range common() {
					call := lib.prepare(b, text, zone, at, times)
					var took [batches]float64
					for k := range took {
						start := b.Elapsed()
						for i := range instants {
							call(i)
						}
						took[k] = float64((b.Elapsed() - start).Nanoseconds()) / instants
					}
					slices.Sort(took[:])
					each = append(each, took[batches/2])
				}
				slices.Sort(each)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(each[len(each)/2], "median-ns")
				b.ReportMetric(each[len(each)-1], "slowest-ns")
			})
		}
	}
}

// BenchmarkNext has one line per zone, expression and library, for benchstat.
func BenchmarkNext(b *testing.B) {
	for _, zone := range zones {
		at, times := spread(b, zone)
		for _, text := range common() {
			for _, lib := range libraries {
				b.Run("zone="+zone+"/expr="+text+"/lib="+lib.name, func(b *testing.B) {
					b.ReportAllocs()
					call := lib.prepare(b, text, zone, at, times)
					i := 0
					for b.Loop() {
						call(i % instants)
						i++
					}
				})
			}
		}
	}
}

// BenchmarkParse compiles a text that is not in any cache: Belfry's would answer a known one from its table.
func BenchmarkParse(b *testing.B) {
	texts := make([]string, 24*60*60)
	for i := range texts {
		texts[i] = fmt.Sprintf("%d %d %d * * MON-FRI", i%60, i/60%60, i/3600)
	}
	b.Run("lib=belfry", func(b *testing.B) {
		i := 0
		for b.Loop() {
			belfryParse(b, texts[i%len(texts)], "Europe/Berlin")
			i++
		}
	})
	b.Run("lib=robfig", func(b *testing.B) {
		i := 0
		for b.Loop() {
			robfigParse(b, texts[i%len(texts)])
			i++
		}
	})
	b.Run("lib=netresearch", func(b *testing.B) {
		i := 0
		for b.Loop() {
			netresearchParse(b, texts[i%len(texts)])
			i++
		}
	})
}
