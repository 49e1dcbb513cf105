package sim

import (
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// request is one call as the targets saw it.
type request struct {
	key     domain.FireKey
	attempt int
	once    bool
	edit    int           // the edit that its URL was made by
	process int           // that sent it
	begun   time.Duration // when the process began to send it
	at      time.Duration // since the world began, on a clock that nobody sets
	wall    int64         // the latest wall clock until then, Unix milliseconds
	took    time.Duration
	status  int // answered; zero: nothing
}

// targets log every request that arrives. What they answer is in the query:
//
//	delay=1500  milliseconds until the answer; beyond the timeout it comes late
//	status=503  the answer, first=2: to the first two attempts alone
//	after=3000  Retry-After, milliseconds
//	net=refused nothing arrives; net=reset: it arrives and is not answered
//	edit=7      nothing: the client's edit that made this version
type targets struct {
	clk   clock.Clock
	start time.Time

	mu       sync.Mutex
	requests []*request
	highest  int64 // the latest wall clock that anybody saw
}

// look notes the wall clock, before and after somebody sets it.
func (t *targets) look() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.highest = max(t.highest, clock.NowMs(t.clk))
	return t.highest
}

// life is the Executor of one process.
type life struct {
	*targets
	process int
	dead    chan struct{}
	once    sync.Once

	// under targets.mu
	cut    int     // requests that the end of the process cut off
	away   bool    // nothing gets through to the targets
	frozen *freeze // the process stands still
}

// freeze is a time in which a process stands still, until it is over.
type freeze struct {
	from time.Duration
	over chan struct{}
}

func (t *targets) newLife() *life { return &life{targets: t, dead: make(chan struct{})} }

func (l *life) kill() { l.once.Do(func() { close(l.dead) }) }

// arrive logs a request, or returns false when the process is dead.
func (l *life) arrive(r *request, reached bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.dead:
		return false
	default:
	}
	l.highest = max(l.highest, clock.NowMs(l.clk))
	r.at, r.wall = time.Since(l.start), l.highest
	if reached {
		l.requests = append(l.requests, r)
	}
	return true
}

// goesOn waits until the process goes on. It returns false when that is dead.
func (l *life) goesOn(f *freeze) bool {
	if f == nil {
		return true
	}
	select {
	case <-f.over:
		return true
	case <-l.dead:
		return false
	}
}

// begin begins a request. What a process that stands still has begun in its last instant goes out
// when it goes on. What seems to begin later does not: the process would not have come to it.
func (l *life) begin(r *request) (begun bool) {
	l.mu.Lock()
	r.process, r.begun = l.process, time.Since(l.start)
	f, away := l.frozen, l.away
	l.mu.Unlock()
	if !l.goesOn(f) {
		return false
	}
	return !away && (f == nil || f.from == r.begun)
}

// Do implements engine.Executor.
func (l *life) Do(call *domain.Call, out *domain.Outcome) {
	u, err := url.Parse(call.Target())
	if err != nil {
		panic(err)
	}
	q := u.Query()
	r := &request{key: call.Key, attempt: call.Attempt, once: call.Once, edit: int(number(q, "edit"))}
	*out = domain.Outcome{Verdict: domain.VerdictRetry, Error: "no route"}
	if !l.begin(r) || !l.arrive(r, q.Get("net") != "refused") {
		return
	}
	defer func() {
		l.mu.Lock()
		f := l.frozen
		l.mu.Unlock()
		l.goesOn(f)
	}()
	delay := time.Duration(number(q, "delay")) * time.Millisecond
	if delay > 0 && !l.wait(min(delay, call.Timeout)) {
		l.mu.Lock()
		l.cut++
		l.mu.Unlock()
		return
	}
	status := int(number(q, "status"))
	if first := number(q, "first"); status == 0 || first > 0 && int64(call.Attempt) > first {
		status = 200
	}
	l.mu.Lock()
	r.took = delay
	if q.Get("net") == "" {
		r.status = status
	}
	l.mu.Unlock()
	switch {
	case delay > call.Timeout:
		*out = domain.Outcome{Verdict: domain.VerdictRetry, Error: "timeout", MaybeSent: true}
	case q.Get("net") != "":
		*out = domain.Outcome{Verdict: domain.VerdictRetry, Error: q.Get("net"), MaybeSent: q.Get("net") == "reset"}
	default:
		*out = domain.Outcome{Verdict: domain.VerdictOf(status), HTTPStatus: status, RetryAfterMs: number(q, "after")}
		if out.Verdict != domain.VerdictSuccess {
			out.Error, out.MaybeSent = "answered "+strconv.Itoa(status), true
		}
	}
}

// wait returns false when the process died first.
func (l *life) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.dead:
		return false
	}
}

func number(q url.Values, name string) int64 {
	n, _ := strconv.ParseInt(q.Get(name), 10, 64)
	return n
}
