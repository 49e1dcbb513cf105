package engine

import (
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// targets are the receivers of a world. What one answers is in the query of
// its URL:
//
//	held=700     milliseconds in the executor's line, before the request
//	delay=1500   milliseconds until the answer
//	status=500   the status
//	first=2      only the first two attempts of an execution get that status
//	after=5000   Retry-After, milliseconds
//	net=refused  no response: nothing was sent
//	net=reset    no response: the request may have arrived
//	v=2          nothing: the version of the job, for the checker
type targets struct {
	clk   *clock.Manual
	mu    sync.Mutex
	calls []*seen
}

// seen is one request as the targets saw it.
type seen struct {
	domain.Call
	at      time.Time // virtual time of its start
	wall    int64     // the wall clock then, Unix milliseconds
	reached bool      // the target got it
	ended   bool      // its outcome was reported
}

// life is the Executor of one run of the engine.
type life struct {
	targets *targets
	dead    chan struct{}
	once    sync.Once
}

func (t *targets) newLife() *life { return &life{targets: t, dead: make(chan struct{})} }

// kill ends the calls in flight, and no other begins.
func (l *life) kill() { l.once.Do(func() { close(l.dead) }) }

// Do implements Executor.
func (l *life) Do(call *domain.Call, out *domain.Outcome) {
	u, err := url.Parse(call.Target())
	if err != nil {
		panic(err)
	}
	q := u.Query()
	held := time.Duration(number(q, "held")) * time.Millisecond
	defer func() { out.Held = held }()
	if held > 0 {
		time.Sleep(held)
	}
	s := l.begin(call, q.Get("net") != "refused")
	if s == nil {
		<-l.dead
		return
	}
	delay := time.Duration(number(q, "delay")) * time.Millisecond
	timer := time.NewTimer(min(delay, call.Timeout))
	defer timer.Stop()
	if delay > 0 {
		select {
		case <-timer.C:
		case <-l.dead:
			return
		}
	}
	l.targets.mu.Lock()
	s.ended = true
	l.targets.mu.Unlock()
	if delay > call.Timeout {
		*out = domain.Outcome{Verdict: domain.VerdictRetry, Error: "timeout", MaybeSent: true}
		return
	}
	answer(q, call.Attempt, out)
}

func answer(q url.Values, attempt int, out *domain.Outcome) {
	status := int(number(q, "status"))
	if first := number(q, "first"); status == 0 || (first > 0 && int64(attempt) > first) {
		status = 200
	}
	switch {
	case q.Get("net") != "":
		*out = domain.Outcome{Verdict: domain.VerdictRetry, Error: q.Get("net"), MaybeSent: q.Get("net") == "reset"}
	default:
		*out = domain.Outcome{Verdict: domain.VerdictOf(status), HTTPStatus: status, RetryAfterMs: number(q, "after")}
		if out.Verdict != domain.VerdictSuccess {
			out.Error, out.MaybeSent = "answered "+strconv.Itoa(status), true
		}
	}
}

func number(q url.Values, name string) int64 {
	n, _ := strconv.ParseInt(q.Get(name), 10, 64)
	return n
}

// begin notes a call, or returns nil when the life is over.
func (l *life) begin(call *domain.Call, reached bool) *seen {
	l.targets.mu.Lock()
	defer l.targets.mu.Unlock()
	select {
	case <-l.dead:
		return nil
	default:
	}
	s := &seen{Call: *call, at: time.Now(), wall: clock.NowMs(l.targets.clk), reached: reached}
	l.targets.calls = append(l.targets.calls, s)
	return s
}

// all returns the calls so far, in the order of their start.
func (t *targets) all() []seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]seen, len(t.calls))
	for i, s := range t.calls {
		out[i] = *s
	}
	return out
}

// of returns the calls of one job.
func (t *targets) of(id domain.JobID) []seen {
	return slices.DeleteFunc(t.all(), func(s seen) bool { return s.Key.JobID != id })
}
