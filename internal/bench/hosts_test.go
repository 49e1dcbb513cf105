package bench

import (
	"context"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// seriesOf makes an overload of two seconds whose seconds have this 99 % and as many
// requests as are due.
func seriesOf(p99s ...float64) *Overload {
	o := &Overload{Sustained: 100, Rate: 200, After: 50, Seconds: 2}
	for i, p99 := range p99s {
		s := OverloadSecond{AtMs: int64(i+1) * 1000, PerSecond: 100, P99Ms: p99}
		if p99 < 50 {
			s.OnTime = 60
		}
		o.Series = append(o.Series, s)
	}
	return o
}

// Everything is on time again when three seconds in a row after the overload are.
func TestRecovered(t *testing.T) {
	for _, c := range []struct {
		name string
		p99s []float64
		want int64
	}{
		{"never late", []float64{1, 1, 1, 1, 1}, 0},
		{"good seconds of the overload do not count", []float64{1, 1, 1, 1}, -1},
		{"after one second", []float64{1, 900, 900, 1, 49, 1}, 1000},
		{"a bad second begins it again", []float64{900, 900, 1, 1, 50, 1, 1, 1}, 3000},
		{"not within the time", []float64{900, 900, 1, 1}, -1},
		{"nothing", nil, -1},
	} {
		o := seriesOf(c.p99s...)
		if got := o.recovered(o.onTime); got != c.want {
			t.Errorf("%s: all on time after %d, want %d", c.name, got, c.want)
		}
		if got := o.recovered(o.newOnTime); got != c.want {
			t.Errorf("%s: new ones on time after %d, want %d", c.name, got, c.want)
		}
	}
	silent := seriesOf(900, 900, 0, 0, 0)
	for i := range silent.Series {
		silent.Series[i].PerSecond = 0
	}
	if got := silent.recovered(silent.onTime); got != -1 {
		t.Errorf("a server that sends nothing is on time after %d", got)
	}
	late := seriesOf(900, 900, 900, 900, 900)
	for i := range late.Series {
		late.Series[i].OnTime = 49
	}
	if all, fresh := late.recovered(late.onTime), late.recovered(late.newOnTime); all != -1 || fresh != 0 {
		t.Errorf("late fires beside new ones: %d and %d", all, fresh)
	}
	late.Series[3].OnTime = 48.9
	if fresh := late.recovered(late.newOnTime); fresh != -1 {
		t.Errorf("new fires that are late: %d", fresh)
	}
}

func TestOverloadFigures(t *testing.T) {
	o := &Overload{Sustained: 100, Rate: 200, After: 50, Seconds: 4, Share: 0.5}
	for i, n := range []float64{10, 100, 60, 80, 100, 80} {
		o.Series = append(o.Series, OverloadSecond{AtMs: int64(i+1) * 1000, PerSecond: n})
	}
	o.sumUp()
	if o.Goodput != 80 || o.Slowest != 60 || o.Fastest != 100 || math.Abs(o.OfBest-1.6) > 1e-9 {
		t.Errorf("%+v", o)
	}
	if o.AfterGoodput != 90 {
		t.Errorf("%g a second afterwards, want 90", o.AfterGoodput)
	}
	if o.Late != 800-250 || o.LeastMs != 11_000 {
		t.Errorf("%d late, at least %d ms", o.Late, o.LeastMs)
	}
	empty := &Overload{Sustained: 100, Rate: 200, After: 50, Seconds: 4}
	empty.sumUp()
	if empty.Goodput != 0 || empty.Slowest != 0 || empty.OfBest != 0 || empty.OnTimeMs != -1 || empty.Late != 800 {
		t.Errorf("%+v", empty)
	}
}

// A second is what arrived between two queries.
func TestSecondOf(t *testing.T) {
	before := receiver.Stats{Executions: 10, Buckets: []int64{10}}
	now := receiver.Stats{Executions: 30, Buckets: append([]int64{20, 5}, make([]int64, 1_500)...)}
	now.Buckets[1_500] = 5 // some seconds
	now.Connections.Open, now.Handshakes.Begun = 7, 4
	got := secondOf(before, now, 1000, 3000)
	if got.AtMs != 3000 || got.PerSecond != 10 || got.OnTime != 7.5 || got.P99Ms < 1000 || got.Connections != 7 ||
		got.Handshakes != 2 {
		t.Errorf("%+v", got)
	}
}

func TestLateSince(t *testing.T) {
	before := receiver.Stats{Buckets: []int64{0, 0, 9}}
	now := receiver.Stats{Buckets: []int64{0, 4, 9, 0, 2}, Lateness: receiver.Lateness{LastOfSecond: 3, P99: 77}}
	got := lateSince(before, now)
	if got.Count != 6 || got.P50 != 0.001 || got.Max != 0.004 || got.LastOfSecond != 3 {
		t.Errorf("%+v", got)
	}
}

// The search is summed up by the largest rate that was sustained, in any try.
func TestHostsThroughputFigures(t *testing.T) {
	step := func(jobs int, p99 float64) Burst {
		return Burst{Jobs: jobs, Complete: true, Lateness: receiver.Lateness{P99: p99}}
	}
	p := &HostsThroughput{Steps: []Burst{step(70, 2_000), step(70, 300), step(90, 2_000), step(90, 3_000),
		step(80, 1_500)}}
	p.Steps[1].BarePerSecond = 100
	p.sumUp()
	if p.Ratio != 0.7 {
		t.Errorf("ratio %g, want that of the rate that was sustained and of the bare loop beside it", p.Ratio)
	}
	if p.Sustained.Jobs != 70 || p.Failed.Jobs != 80 {
		t.Errorf("sustained %d, failed %d", p.Sustained.Jobs, p.Failed.Jobs)
	}
	none := &HostsThroughput{Steps: []Burst{step(70, 2_000), step(35, 2_000)}}
	none.sumUp()
	if none.Sustained.Jobs != 0 || none.Failed.Jobs != 35 {
		t.Errorf("sustained %d, failed %d", none.Sustained.Jobs, none.Failed.Jobs)
	}
}

func TestHostsGoals(t *testing.T) {
	bare := &HostsBare{HTTP1: Bare{PerSecond: 20_000}, HTTP2: Bare{PerSecond: 10_000}, HandshakesPerSecond: 1_000}
	if got := coldLeastMs(Burst{Jobs: 4_000}, 100, bare); math.Abs(got-300) > 1e-9 {
		t.Errorf("a cold start takes %g ms at least, want 200 for the calls and 100 for the handshakes", got)
	}
	slow := Burst{Jobs: 4_000, BarePerSecond: 10_000}
	if got := coldLeastMs(slow, 100, bare); math.Abs(got-600) > 1e-9 {
		t.Errorf("a cold start takes %g ms at least on a machine of half the speed, want 600", got)
	}
	for _, c := range []struct {
		perSecond float64
		hosts     int
		little    float64
		most      int
	}{{4_000, 100, 0.02, 4}, {20_000, 1, 10, 15}, {20_000, 2, 5, 8}, {1, 1_000, 0, 4}} {
		little := littleConnections(c.perSecond, c.hosts, 0.5)
		if math.Abs(little-c.little) > 1e-5 || mostConnections(little) != c.most {
			t.Errorf("%+v: %g and %d", c, little, mostConnections(little))
		}
	}
}

func TestMemoryPerHost(t *testing.T) {
	for _, c := range []struct {
		name      string
		few, many memoryGrowth
		want      HostsMemory
	}{
		{"many connections", memoryGrowth{100_000, 100}, memoryGrowth{1_000_000, 1_900},
			HostsMemory{1_000, 100, 500, 1_900}},
		{"noise", memoryGrowth{100_000, 100}, memoryGrowth{90_000, 1_900}, HostsMemory{1_000, 100, 0, 1_900}},
		{"as many connections", memoryGrowth{100_000, 100}, memoryGrowth{100_000, 100},
			HostsMemory{1_000, 100, 0, 100}},
		{"a few more, by HTTP/2", memoryGrowth{100_000, 100}, memoryGrowth{190_000, 120},
			HostsMemory{1_000, 100, 0, 120}},
	} {
		if got := perHost(100, c.few, c.many); got != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// The live heap follows from the heap at which the next collection begins.
func TestLiveBytes(t *testing.T) {
	const live, stacks = 10 << 20, 1 << 20
	got := liveBytes(map[string]float64{
		"go_gc_gogc_percent": 20, "go_memstats_stack_inuse_bytes": stacks,
		"go_memstats_next_gc_bytes": live + 0.2*(live+stacks),
	})
	if got < live+stacks-1 || got > live+stacks+1 {
		t.Errorf("%d", got)
	}
}

// Which parts are made: the bare loop whenever something needs it, the overload with the
// numbers of hosts that are named for it.
func TestHostsParts(t *testing.T) {
	for _, c := range []struct {
		cfg  HostsConfig
		part string
		want bool
	}{
		{HostsConfig{Parts: []string{"overload"}}, "bare", true},
		{HostsConfig{Parts: []string{"overload"}, Sustained: 5}, "bare", false},
		{HostsConfig{Parts: []string{"cold"}, Sustained: 5}, "bare", true},
		{HostsConfig{Parts: []string{"overload"}, OverloadHosts: []int{100}}, "overload", true},
		{HostsConfig{Parts: []string{"overload"}, OverloadHosts: []int{10}}, "overload", false},
		{HostsConfig{Parts: []string{"overload"}, OverloadHosts: []int{100}}, "busy", false},
		{HostsConfig{Parts: []string{"drift"}}, "drift", true},
		{HostsConfig{Parts: []string{"drift"}}, "memory", false},
	} {
		r := &hostsRun{cfg: c.cfg, out: &HostsRun{Hosts: 100}}
		if got := r.wants(c.part); got != c.want {
			t.Errorf("%+v: %s %t", c.cfg, c.part, got)
		}
	}
}

// Which rates are measured.
func TestHostsRates(t *testing.T) {
	found := &HostsThroughput{Sustained: Burst{Jobs: 8_000}}
	bare := &HostsBare{HTTP1: Bare{PerSecond: 10_000}}
	for _, c := range []struct {
		cfg       HostsConfig
		out       HostsRun
		sustained int
		due       []int
	}{
		{HostsConfig{}, HostsRun{Hosts: 100, Bare: bare, Throughput: found}, 8_000, []int{4_000}},
		{HostsConfig{Sustained: 6_000}, HostsRun{Hosts: 100, Bare: bare, Throughput: found}, 6_000, []int{3_000}},
		{HostsConfig{}, HostsRun{Hosts: 1_000, Bare: bare, Throughput: &HostsThroughput{}}, 7_000, []int{1_000, 3_500}},
		{HostsConfig{Jobs: []int{5}}, HostsRun{Hosts: 1_000, Bare: bare}, 7_000, []int{5}},
		{HostsConfig{From: 900}, HostsRun{Hosts: 1_000, Bare: bare}, 900, []int{450}},
		{HostsConfig{}, HostsRun{Hosts: 1}, 1, []int{1}},
	} {
		r := &hostsRun{cfg: c.cfg, out: &c.out}
		due := r.due()
		if got := r.sustained(); got != c.sustained || len(due) != len(c.due) || due[0] != c.due[0] {
			t.Errorf("%+v: %d, %v", c.cfg, got, due)
		}
	}
}

// The bare loop has every host called, with as few connections as possible.
func TestBareLoopSharesHosts(t *testing.T) {
	b := bareClient{receiver: &receiverProcess{}, callers: 4}
	for hosts, want := range map[int][]int{1: {1, 1, 1, 1}, 3: {1, 1, 1, 1}, 4: {1, 1, 1, 1}, 10: {3, 3, 2, 2}} {
		b.targets = make([]string, hosts)
		callers, disconnect := b.posts(t.Context())
		for i, posts := range callers {
			if len(posts) != want[i] {
				t.Errorf("%d hosts: caller %d has %d of them, want %d", hosts, i, len(posts), want[i])
			}
		}
		disconnect()
	}
}

// Each request is about another execution.
func TestBareExecutionsDiffer(t *testing.T) {
	x, seen := newBareExecution(), map[string]bool{}
	for range 1_000 {
		x.next()
		seen[string(x.text)] = true
		if x.id.String() != string(x.text) {
			t.Fatalf("%s is written as %s", x.id, x.text)
		}
	}
	if len(seen) != 1_000 {
		t.Errorf("%d executions", len(seen))
	}
}

// A process that occupies a processor is seen in what remains for others.
func TestOccupy(t *testing.T) {
	if used(1).rss == 0 && ownCPU() == 0 {
		t.Skip("there is no /proc here")
	}
	e := &environment{cfg: Config{Clock: clock.System{}}}
	end := e.occupy(context.Background(), 1)
	before, limit := ownCPU(), time.Now().Add(10*time.Second)
	for ownCPU() == before && time.Now().Before(limit) {
		runtime.Gosched()
	}
	if share := end(); share >= 1 || share < 0 {
		t.Errorf("share %g", share)
	}
}
