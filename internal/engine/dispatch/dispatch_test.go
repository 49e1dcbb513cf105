package dispatch

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/run/runtest"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// bench is a dispatcher whose workers take fires and keep them until the test
// ends the calls.
type bench struct {
	t    testing.TB
	d    *Dispatcher
	jobs map[string]*run.Job // by host
	now  int64
}

func newBench(t testing.TB, calls, perHost int) *bench {
	b := &bench{t: t, jobs: make(map[string]*run.Job)}
	b.d = New(Config{
		MaxCalls: calls, MaxPerHost: perHost, Hosts: new(host.Table),
		Work: func() {}, Now: func() int64 { return b.now }, Trim: func(*run.Span, int) bool { return false },
		FromSpan: func(s *run.Span) *run.Run {
			return &run.Run{Job: s.Job, Ver: s.Ver, At: s.Pop(),
				Lane: run.LaneLate}
		},
	})
	b.d.suspended = false
	b.d.calls.quick.crowd = host.NewCrowd(1 << 20) // TestQuickCalls has less
	b.d.calls.slots.mostBrief = 0                  // TestBriefCalls has a limit
	return b
}

func (b *bench) job(host string) *run.Job {
	j := b.jobs[host]
	if j == nil {
		j = runtest.Job(b.t, "* * * * * *", 0)
		j.Current.Host = target.Of("http://" + host)
		b.jobs[host] = j
	}
	return j
}

func (b *bench) fires(host string, n int, l run.Lane) (out []*run.Run) {
	for i := range n {
		j := b.job(host)
		out = append(out, &run.Run{Job: j, Ver: j.Current, At: int64(i), Lane: l})
	}
	return out
}

// take begins calls until there is none to begin, as workers would.
func (b *bench) take(most int) (out []*run.Run) {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	for len(out) < most {
		r := b.d.pickNow(nil)
		if r == nil {
			break
		}
		out = append(out, r)
	}
	return out
}

// end ends calls without taking more.
func (b *bench) end(fires ...*run.Run) {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	for _, r := range fires {
		b.d.finish(r, time.Duration(b.now-r.Since)*time.Millisecond, b.now)
	}
}

func byHost(fires []*run.Run) map[string]int {
	out := make(map[string]int)
	for _, r := range fires {
		out[r.Ver.Host.Endpoint().Name]++
	}
	return out
}

// Hosts take turns, whatever the length of their queues.
func TestHostsTakeTurns(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1000, 1000)
	b.d.Push(b.fires("a", 500, run.LaneLive))
	b.d.Push(b.fires("b", 5, run.LaneLive))
	b.d.Push(b.fires("c", 50, run.LaneLive))
	if got := byHost(b.take(15)); got["a"] != 5 || got["b"] != 5 || got["c"] != 5 {
		t.Errorf("the first 15 calls: %v", got)
	}
	if got := byHost(b.take(20)); got["a"] != 10 || got["c"] != 10 {
		t.Errorf("the next 20 calls: %v", got)
	}
	if calls, queued := b.d.Load(); calls != 35 || queued != 520 {
		t.Errorf("%d calls, %d queued", calls, queued)
	}
}

// A host never has more calls than its limit, nor all of them more than the
// limit of all; an end of a call lets the next one go.
func TestLimits(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10, 4)
	b.d.Push(b.fires("a", 20, run.LaneLive))
	b.d.Push(b.fires("b", 20, run.LaneLive))
	b.d.Push(b.fires("c", 20, run.LaneLive))
	calls := b.take(100)
	got := byHost(calls)
	if len(calls) != 10 || got["a"] > 4 || got["b"] > 4 || got["c"] > 4 {
		t.Fatalf("in flight: %v", got)
	}
	for range 50 { // whatever ends, the limits hold and the machine stays full
		b.end(calls[0])
		calls = append(calls[1:], b.take(100)...)
		for host, n := range byHost(calls) {
			if n > 4 {
				t.Fatalf("%d calls of %s", n, host)
			}
		}
		if _, queued := b.d.Load(); len(calls) < 10 && queued > 12 {
			t.Fatalf("%d calls in flight, %d fires wait", len(calls), queued)
		}
	}
}

// In a host, fires on time go first, in order; late ones get a quarter of the
// slots.
func TestLateLane(t *testing.T) {
	t.Parallel()
	b := newBench(t, 100, 40)
	b.d.Push(b.fires("a", 50, run.LaneLate))
	b.d.Push(b.fires("a", 8, run.LaneLive))
	calls := b.take(100)
	for i, r := range calls {
		if (r.Lane == run.LaneLive) != (i < 8) {
			t.Fatalf("call %d is of lane %d", i, r.Lane)
		}
	}
	if len(calls) != 8+10 {
		t.Errorf("%d late calls, want a quarter of 40", len(calls)-8)
	}
	b.d.Push(b.fires("a", 3, run.LaneLive)) // a parked host comes back for them
	if got := b.take(100); len(got) != 3 || got[0].Lane != run.LaneLive {
		t.Errorf("%d calls after three fires on time", len(got))
	}
	b.end(calls[10])
	if got := b.take(100); len(got) != 1 || got[0].Lane != run.LaneLate {
		t.Errorf("%d calls after a late one ended", len(got))
	}
}

// Over all hosts too late fires get a quarter; hosts that wait for it are
// served though others that wait for their own share end calls all the time.
func TestLateShareOfAll(t *testing.T) {
	t.Parallel()
	b := newBench(t, 40, 16) // 10 late calls in all, 4 a host
	for _, host := range []string{"a", "b", "c", "d"} {
		b.d.Push(b.fires(host, 200, run.LaneLate))
	}
	calls := b.take(100)
	if len(calls) != 10 {
		t.Fatalf("%d late calls, want 10", len(calls))
	}
	served := byHost(calls)
	for range 100 {
		// Always a call of a host that has the most in flight: one at its own share.
		busiest := slices.MaxFunc(calls, func(x, y *run.Run) int {
			return byHost(calls)[x.Ver.Host.Endpoint().Name] - byHost(calls)[y.Ver.Host.Endpoint().Name]
		})
		b.end(busiest)
		calls = slices.DeleteFunc(calls, func(r *run.Run) bool { return r == busiest })
		next := b.take(100)
		for host, n := range byHost(next) {
			served[host] += n
		}
		if calls = append(calls, next...); len(calls) != 10 {
			t.Fatalf("%d late calls", len(calls))
		}
	}
	for _, host := range []string{"a", "b", "c", "d"} {
		if served[host] < 15 {
			t.Errorf("%s was served %d times of 110", host, served[host])
		}
	}
}

// A host whose turn it is for the share of late fires may have nothing to send
// after all: its spans were dropped. The next one has its turn then.
func TestLateShareThatNobodyTakes(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4, 4) // one late call in all
	send := b.d.queues.fromSpan
	b.d.queues.fromSpan = func(s *run.Span) *run.Run {
		r := send(s)
		if s.Job == b.jobs["dropped"] {
			return nil
		}
		return r
	}
	for _, host := range []string{"first", "dropped", "last"} {
		j := b.job(host)
		b.d.PushSpans([]*run.Span{{Job: j, Ver: j.Current, Next: 1000, Last: 1000, Lane: run.LaneLate}})
	}
	calls := b.take(4)
	if got := byHost(calls); len(calls) != 1 || got["first"] != 1 {
		t.Fatalf("began with %v", got)
	}
	b.end(calls...)
	if got := byHost(b.take(4)); got["last"] != 1 {
		t.Errorf("after the first: %v, want the last one to have its turn", got)
	}
}

// A full queue refuses what can be kept as a span, and nothing else.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10, 10)
	if refused := b.d.Push(b.fires("a", maxHostQueue, run.LaneLive)); len(refused) != 0 {
		t.Fatalf("%d refused by an empty queue", len(refused))
	}
	more := b.fires("a", 4, run.LaneLive)
	more[1].Nonce = 7 // a trigger
	more[2].StartedAt, more[2].Attempts = 5, []domain.Attempt{{Number: 1}}
	more[3].Lane = run.LaneLate
	refused := b.d.Push(more)
	if len(refused) != 1 || refused[0] != more[0] {
		t.Errorf("%d refused", len(refused))
	}
	if refused := b.d.Push(b.fires("b", 3, run.LaneLive)); len(refused) != 0 {
		t.Error("the queue of another host is full too")
	}
}

// Spans of a host are sent oldest first, in the late share, and a span that
// goes on where the job's last one ends becomes part of it.
func TestSpansInADispatcher(t *testing.T) {
	t.Parallel()
	b := newBench(t, 100, 100)
	j := b.job("a")
	at := func(first, last int64) *run.Span {
		return &run.Span{Job: j, Ver: j.Current, Next: first, Last: last, Lane: run.LaneLate}
	}
	if merged := b.d.PushSpans([]*run.Span{at(5000, 7000), at(8000, 8000), at(1000, 2000), at(9000, 9000)}); len(
		merged) != 1 {
		t.Errorf("%d merged, want one", len(merged))
	}
	var got []int64
	for {
		calls := b.take(1)
		if len(calls) == 0 {
			break
		}
		got = append(got, calls[0].At)
		b.end(calls...)
	}
	if want := []int64{1000, 2000, 5000, 6000, 7000, 8000, 9000}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if h := b.d.queues.hosts[target.Of("http://a")]; len(h.spans.last) != 0 || h.spans.first() != nil {
		t.Errorf("%d spans are left", len(h.spans.last))
	}
}

func TestSuspendAndClose(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10, 10)
	b.d.Push(b.fires("a", 5, run.LaneLive))
	b.d.Suspend(true)
	if got := b.take(5); len(got) != 0 {
		t.Error("a suspended dispatcher sends")
	}
	b.d.Suspend(false)
	if got := b.take(2); len(got) != 2 {
		t.Error("nothing is sent after the suspension")
	}
	b.d.Close()
	b.d.Close()
	if got := b.take(5); len(got) != 0 {
		t.Error("a closed dispatcher sends")
	}
	if n := b.d.InFlight(func(*run.Run) {}); n != 2 {
		t.Errorf("%d calls in flight", n)
	}
}

// Hosts without work are dropped.
func TestIdleHostsAreDropped(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10, 10)
	for i := range 100 {
		b.d.Push(b.fires(fmt.Sprint(i), 1, run.LaneLive))
		b.end(b.take(1)...)
	}
	b.d.Push(b.fires("busy", 1, run.LaneLive))
	b.d.Relax()
	b.d.Relax()
	if len(b.d.queues.hosts) != 1 {
		t.Errorf("%d hosts are kept", len(b.d.queues.hosts))
	}
}

// LongCalls reports each call once, the oldest first. None can end meanwhile: what
// is put on record of it would come after what follows from its end.
func TestLongCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10, 10)
	b.d.Push(b.fires("a", 3, run.LaneLive))
	b.now = 1000
	first := b.take(1)
	b.now = 2000
	second := b.take(1)
	b.now = 9000
	b.take(1)
	var got []*run.Run
	note := func(r *run.Run) {
		if b.d.mu.TryLock() {
			b.d.mu.Unlock()
			t.Error("the call may end meanwhile")
		}
		got = append(got, r)
	}
	if n := b.d.LongCalls(5000, 1, note); n != 1 || !slices.Equal(got, first) {
		t.Errorf("%d long calls, want the first", n)
	}
	if n := b.d.LongCalls(5000, 5, note); n != 1 || !slices.Equal(got, append(first, second...)) {
		t.Errorf("%d further long calls", n)
	}
	if n := b.d.LongCalls(5000, 5, note); n != 0 {
		t.Errorf("%d long calls are told again", n)
	}
	got = nil
	if n := b.d.InFlight(note); n != 3 || !slices.Equal(got[:2], append(first, second...)) {
		t.Errorf("%d calls in flight", n)
	}
}

// Workers start as they are needed, end with close, and every fire is worked
// on once.
func TestWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 50, 50)
		done := make(chan *run.Run, 10_000)
		b.d.workers.work = func() {
			var before *run.Run
			for r := b.d.Take(nil); r != nil; {
				<-time.After(time.Millisecond)
				next := b.d.Swap(r, before, 0, 0)
				if b.d.Find(func(x *run.Run) bool { return x == r }) != r {
					t.Error("a fire that has ended is not found before it is handed on")
				}
				done <- r
				before = r
				if next == nil {
					next = b.d.Take(r)
				}
				r = next
			}
		}
		for i := range 20 {
			b.d.Push(b.fires(fmt.Sprint("h", i%7), 100, run.LaneLive))
			<-time.After(3 * time.Millisecond)
		}
		<-time.After(time.Second)
		b.d.Close()
		<-b.d.Drained
		if b.d.calls.ended != (callList{}) {
			t.Error("a fire that was handed on is still kept")
		}
		seen := make(map[*run.Run]bool)
		for range len(done) {
			seen[<-done] = true
		}
		if len(seen) != 2000 {
			t.Errorf("%d of 2000 fires were worked on", len(seen))
		}
		if b.d.BetweenCalls() != 0 {
			t.Errorf("%d workers are left", b.d.workers.n)
		}
	})
}

// The limit of a host whose calls hang climbs to its ceiling, and goes back
// when it is not needed.
func TestLimitAdapts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 2000, 1500)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			b.d.Adapt(ctx)
		}()
		b.d.Push(b.fires("a", 5000, run.LaneLive))
		var calls []*run.Run
		for range 100 {
			calls = append(calls, b.take(5000)...)
			<-time.After(host.Window)
		}
		if len(calls) != 1500 {
			t.Errorf("%d calls in flight after 2.5 s without an end, want the ceiling", len(calls))
		}
		b.end(calls...)
		for {
			calls = b.take(5000)
			if len(calls) == 0 {
				break
			}
			b.end(calls...)
		}
		for range 60 {
			<-time.After(time.Second)
			b.d.Relax()
		}
		b.d.Push(b.fires("a", 5000, run.LaneLive))
		if n := len(b.take(5000)); n != host.MinSlots {
			t.Errorf("%d calls at once after a rest, want %d", n, host.MinSlots)
		}
		cancel()
		<-ended
	})
}

func TestFireQueue(t *testing.T) {
	t.Parallel()
	var q runQueue
	var model []*run.Run
	for i := range 1000 {
		if i%3 == 2 {
			r := q.pop()
			if r != model[0] {
				t.Fatalf("pop %d: the wrong fire", i)
			}
			model = model[1:]
		} else {
			r := &run.Run{At: int64(i)}
			q.push(r)
			model = append(model, r)
		}
		if q.n != len(model) {
			t.Fatalf("%d fires, want %d", q.n, len(model))
		}
	}
	var all []*run.Run
	q.all(func(r *run.Run) bool { all = append(all, r); return true })
	if !slices.Equal(all, model) {
		t.Error("all does not show what is queued")
	}
	for range model {
		q.pop()
	}
	if q.n != 0 || q.tail != nil {
		t.Error("an empty queue is not empty")
	}
}

// Hosts shows each host once, however many there are: they are read in parts.
func TestHostsAreShown(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4*hostsAtATime, 4)
	for i := range 3*hostsAtATime + 1 {
		b.d.Push(b.fires(fmt.Sprint("h", i), 1, run.LaneLive))
	}
	b.end(b.take(3*hostsAtATime + 1)...)
	j := b.job("busy")
	b.d.Push(b.fires("busy", 6, run.LaneLive))
	b.d.PushSpans([]*run.Span{{Job: j, Ver: j.Current, Next: 1000, Last: 3000, Lane: run.LaneLate}})
	b.take(4)
	seen := make(map[target.Host]HostState)
	for _, h := range b.d.Hosts() {
		seen[h.Key] = h
	}
	if len(seen) != 3*hostsAtATime+2 {
		t.Errorf("%d hosts", len(seen))
	}
	key := target.Of("http://busy")
	if got, want := seen[key], (HostState{Key: key, Calls: 4, Limit: 4, Queued: 2, LateSpans: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
