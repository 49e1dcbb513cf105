package testcall

import (
	"context"
	"errors"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// MaxTime is how long the request of a test call may take at most, however long the timeout of the job
// is: somebody waits for it.
const MaxTime = 30 * time.Second

// Executor makes one attempt, and fills the trace of the call.
type Executor interface {
	Do(call *domain.Call, out *domain.Outcome)
}

// Config is what test calls need.
type Config struct {
	Executor Executor // not that of fires: see the package comment
	Clock    clock.Clock
}

// Caller makes test calls. Its methods may be called from many goroutines.
type Caller struct{ cfg Config }

// New returns a caller, or an error about the configuration.
func New(cfg Config) (*Caller, error) {
	if cfg.Executor == nil || cfg.Clock == nil {
		return nil, errors.New("testcall: Executor and Clock are required")
	}
	return &Caller{cfg}, nil
}

// Call is a test call that has not been made.
type Call struct {
	call  domain.Call
	spec  *domain.Spec
	cfg   *Config
	trace domain.Trace
}

// Prepare returns the call of a job that is, or would be, what the spec says. A zero id takes a
// new one, of a job that does not exist. The spec is valid; an error is about one that cannot be
// called all the same.
func (c *Caller) Prepare(spec *domain.Spec, job domain.JobID) (*Call, error) {
	at := clock.NowMs(c.cfg.Clock)
	if job.IsZero() {
		job = domain.NewJobID(at)
	}
	ver, err := run.NewVersion(&domain.Version{JobID: job, Number: 1, CreatedAt: at, EffectiveFrom: at,
		EffectiveTo: domain.Forever, Active: true, Spec: *spec})
	if err != nil {
		return nil, err
	}
	p := &Call{spec: spec, cfg: &c.cfg}
	ver.FillCall(&p.call)
	p.call.Key = domain.FireKey{JobID: job, ScheduledAt: at, Nonce: domain.NewNonce()}
	p.call.ExecutionID = p.call.Key.ID()
	p.call.Attempt = 1
	p.call.Timeout = min(p.call.Timeout, MaxTime)
	p.call.Trace = &p.trace
	return p, nil
}

// ID returns the execution id that the request carries.
func (p *Call) ID() domain.ExecutionID { return p.call.ExecutionID }

// Result is what came of a test call. It has no secrets.
type Result struct {
	ID       domain.ExecutionID
	Method   string
	URL      string
	Timeout  time.Duration // within which the request had to end: see the package comment
	Request  domain.TracedMessage
	Response *domain.TracedMessage // nil: no answer came, or none that has a status
	Protocol string                // of the answer
	Outcome  domain.Outcome
	Sent     bool // a part of the request at least may have reached the target
	Times    domain.CallTimes
	Total    time.Duration
}

// Do makes the call, unless the context has ended: then nobody waits for it, and the error is that of the context. It
// is made once. A request that is under way goes on to its end, whatever becomes of the context.
func (p *Call) Do(ctx context.Context) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	var out domain.Outcome
	begun := p.cfg.Clock.Mark()
	p.cfg.Executor.Do(&p.call, &out)
	r := Result{
		ID: p.ID(), Method: p.call.Method, URL: p.call.Target(), Timeout: p.call.Timeout, Outcome: out,
		Request: p.trace.Request, Times: p.trace.Times, Total: p.cfg.Clock.Elapsed(begun),
		Sent: out.HTTPStatus != 0 || out.MaybeSent,
	}
	for i := range r.Request.Headers {
		h := &r.Request.Headers[i]
		if _, own := p.spec.Headers[h.Name]; own && p.spec.IsSecret(h.Name) {
			h.Value = domain.Mask
		}
	}
	if out.HTTPStatus != 0 {
		r.Response, r.Protocol = &p.trace.Response, p.trace.Protocol
	}
	return r, nil
}
