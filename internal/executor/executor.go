package executor

import (
	"bufio"
	"context"
	"sync"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Executor makes calls. Its methods may be called from many goroutines.
type Executor struct {
	transport
	exchanges  sync.Pool // of *exchange
	stop       context.CancelFunc
	endWaiting context.CancelFunc
	workers    sync.WaitGroup
}

// New returns an executor, or an error about the configuration.
func New(cfg Config) (*Executor, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	x := &Executor{stop: stop}
	x.cfg = cfg
	waiting, endWaiting := context.WithCancel(ctx)
	x.pools, x.endWaiting = newTable(&x.cfg), endWaiting
	x.opener = &opener{dialer: newDialer(ctx, &x.cfg, x.pools.gate), maxAge: x.cfg.MaxConnAge, waiting: waiting,
		mux: x.cfg.muxConfig(), roundTrip: roundTripOf, room: &room{limits: &x.pools.limits, pools: x.pools.list,
			noRoom: x.cfg.Metrics.NoRoom}}
	x.connector = newConnector(x.pools, x.opener.begin)
	x.exchanges.New = func() any { return newExchange() }
	x.buffers.New = func() any { return bufio.NewReaderSize(nil, readBufferBytes) }
	x.workers.Go(func() { x.pools.reap(ctx) })
	x.workers.Go(func() { x.connector.run(ctx) })
	return x, nil
}

// EndWaiting ends the waiting of calls for their turn to dial, now and for later calls.
// From then on, calls that are under way end within their timeouts, so a stop need not
// wait for longer.
func (x *Executor) EndWaiting() { x.endWaiting() }

// Certificates returns what handshakes have shown of the certificates of https hosts.
func (x *Executor) Certificates() *certs.Facts { return x.pools.tls.certs.Facts() }

// NamesWarning says which names of hosts cannot be looked up although calls need them;
// empty: none.
func (x *Executor) NamesWarning() string { return x.opener.dialer.resolver.Warning() }

// Close closes idle connections, and those in use when their call has ended;
// it does not wait for that. Calls made afterwards fail.
func (x *Executor) Close() {
	x.stop()
	x.pools.close()
	x.workers.Wait()
}

// Counts are the requests since the start.
type Counts struct {
	HTTP1, HTTP2 int64
	SentAgain    int64 // among them: what a target had certainly not processed
}

// Counts returns how many requests there were.
func (x *Executor) Counts() Counts {
	c := &x.pools.counts
	return Counts{c.http1.Load(), c.http2.Load(), c.sentAgain.Load()}
}

// Do makes the call and sets every field of out. It blocks for at most
// call.Timeout, a thousandth of it and what out.Held says, and allocates nothing when the answer is a success on a
// connection that was already open.
func (x *Executor) Do(call *domain.Call, out *domain.Outcome) {
	*out = domain.Outcome{}
	e := x.exchanges.Get().(*exchange)
	e.begin(&x.transport, call, out)
	defer e.recoverPanic()
	e.run()
	if call.Trace != nil {
		hideTraced(call.Trace, call.Secrets, x.cfg.Signing.Secrets, x.cfg.Signing.texts(call.Namespace))
	}
	if out.Error != "" {
		if e.phase > phaseConnect { // before, the target has said nothing
			out.Error = hide(out.Error, call.Secrets, x.cfg.Signing.Secrets, x.cfg.Signing.texts(call.Namespace))
		}
		e.noteFailure(out.Error)
	}
	if e.end() {
		x.exchanges.Put(e)
	}
}
