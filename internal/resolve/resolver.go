package resolve

import (
	"container/list"
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Crowded is the Err of a [net.DNSError] about a name that was not looked up because
// there were too many others: they were before it, or no name can be dropped for it.
const Crowded = "too many names are being looked up"

// Config says how names are looked up. The zero value of a field is its default.
type Config struct {
	// KeepFor is how long after its last use a name is looked up again ahead of
	// need: at least the time for which connections are used.
	KeepFor time.Duration
	Metrics *telemetry.Names // nil: counted nowhere
	Lookup  Lookup           // nil: the system's lookup
	Dial    Dial             // connects the system's lookup to name servers; nil: as usual
}

// Resolver finds the addresses of names. Its methods may be called from many goroutines.
type Resolver struct {
	ctx context.Context
	cfg Config

	mu     sync.Mutex
	names  map[string]*entry
	order  list.List // of *entry, the one used last first
	line   line
	closed bool
}

// New returns a resolver whose lookups and refreshes end with the context.
func New(ctx context.Context, cfg Config) *Resolver {
	if cfg.Metrics == nil {
		cfg.Metrics = telemetry.NewNames()
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.Lookup == nil {
		cfg.Lookup = system(cfg.Dial)
	}
	r := &Resolver{ctx: ctx, cfg: cfg, names: make(map[string]*entry)}
	context.AfterFunc(ctx, r.close)
	return r
}

// Resolve returns the addresses of a name, in the order in which they should be tried
// (RFC 6724, as net.Resolver sorts them). They belong to the resolver.
func (r *Resolver) Resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	if isLocalhost(name) {
		return loopback, nil
	}
	addrs, wait, err := r.begin(ctx, name, monotonic.Now())
	if wait.lookup == nil {
		return addrs, err
	}
	return r.await(ctx, wait)
}

// waiting is what a call waits for.
type waiting struct {
	lookup *lookup      // nil: nothing
	known  []netip.Addr // to be used after brief
	brief  time.Duration
}

// begin returns what is known of the name, or what to wait for.
func (r *Resolver) begin(ctx context.Context, name string, now time.Time) ([]netip.Addr, waiting, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.use(name, now)
	if e == nil {
		return nil, waiting{}, &net.DNSError{Err: Crowded, Name: name, IsTemporary: true}
	}
	switch e.judge(now) {
	case serve:
		if !now.Before(e.ends) {
			r.cfg.Metrics.Stale.Inc()
		}
		if !now.Before(e.ahead) {
			r.ask(e, ahead, now)
		}
		return e.addrs, waiting{}, nil
	case refuse:
		return nil, waiting{}, e.err
	case awaitBriefly:
		r.ask(e, demanded, now)
		return nil, waiting{e.pending, e.addrs, briefly(ctx, now, e.pending.asked)}, nil
	default:
		r.ask(e, demanded, now)
		return nil, waiting{lookup: e.pending}, nil
	}
}

// briefly returns how long a call waits for a lookup before it uses addresses past their
// TTL: staleWait from its begin, and half of what remains of the call's own time at most.
func briefly(ctx context.Context, now, asked time.Time) time.Duration {
	d := staleWait - now.Sub(asked)
	if deadline, ok := ctx.Deadline(); ok {
		d = min(d, deadline.Sub(now)/2)
	}
	return d
}

// await waits for a lookup.
func (r *Resolver) await(ctx context.Context, w waiting) ([]netip.Addr, error) {
	var brief <-chan time.Time
	if w.known != nil {
		timer := time.NewTimer(w.brief)
		defer timer.Stop()
		brief = timer.C
	}
	select {
	case <-w.lookup.done:
		if w.lookup.stale {
			r.cfg.Metrics.Stale.Inc()
		}
		return w.lookup.addrs, w.lookup.err
	case <-brief:
		r.cfg.Metrics.Stale.Inc()
		return w.known, nil
	case <-ctx.Done():
		return nil, r.timeout(w.lookup)
	}
}

// timeout returns the error of a call whose time passed before the lookup ended.
func (r *Resolver) timeout(l *lookup) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	why := "timeout"
	if l.place != nil {
		why = Crowded
	}
	return &net.DNSError{Err: why, Name: l.entry.name, IsTimeout: true}
}

// Prepare has a name looked up that a call needs soon, if it is not known. It does not
// wait.
func (r *Resolver) Prepare(name string) {
	if isLocalhost(name) {
		return
	}
	now := monotonic.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.use(name, now); e != nil && (e.judge(now) >= await || e.judge(now) == serve && !now.Before(e.ahead)) {
		r.ask(e, ahead, now)
	}
}

// use returns the entry of a name that is asked for, or nil if there is no room for it.
func (r *Resolver) use(name string, now time.Time) *entry {
	e := r.names[name]
	if e == nil {
		if len(r.names) >= maxNames && !r.evict() {
			return nil
		}
		e = &entry{name: strings.Clone(name)}
		e.place = r.order.PushFront(e)
		r.names[e.name] = e
	}
	r.order.MoveToFront(e.place)
	e.used = now
	return e
}

// evict drops the name that was unused for longest, of those that are not being looked
// up. Those that are passed over count as used, so that they are not passed over again.
func (r *Resolver) evict() bool {
	for range r.order.Len() {
		e := r.order.Back().Value.(*entry)
		if e.pending == nil {
			r.order.Remove(e.place)
			delete(r.names, e.name)
			if e.timer != nil {
				e.timer.Stop()
			}
			return true
		}
		r.order.MoveToFront(e.place)
	}
	return false
}

// ask has the name looked up, unless it is being looked up already.
func (r *Resolver) ask(e *entry, c class, now time.Time) {
	if e.pending != nil {
		if c == demanded {
			r.line.promote(e.pending)
		}
		return
	}
	if e.suspect() {
		c = suspect
	}
	e.pending = &lookup{entry: e, asked: now, done: make(chan struct{})}
	r.line.add(e.pending, c)
	r.start()
}

// start begins the lookups whose turn it is.
func (r *Resolver) start() {
	for l := r.line.next(); l != nil; l = r.line.next() {
		go r.run(l)
	}
	r.cfg.Metrics.UnderWay.Set(float64(r.line.underWay))
	r.cfg.Metrics.Waiting.Set(float64(r.line.length()))
}

// run does a lookup.
func (r *Resolver) run(l *lookup) {
	ctx, cancel := context.WithTimeout(r.ctx, lookupTimeout)
	defer cancel()
	begun := monotonic.Now()
	a, err := r.cfg.Lookup(ctx, l.entry.name)
	if err == nil && len(a.Addrs) == 0 {
		err = &net.DNSError{Err: "no address", Name: l.entry.name, IsNotFound: true}
	}
	now := monotonic.Now()
	r.finish(l, a, err, now, now.Sub(begun))
	r.cfg.Metrics.Lookups.WithLabelValues(results[kindOf(err)]).Inc()
	r.cfg.Metrics.Duration.Observe(now.Sub(begun).Seconds())
}

// results are the values of the label of [telemetry.Names.Lookups].
var results = [...]string{
	found: telemetry.LookupFound, absent: telemetry.LookupAbsent, failed: telemetry.LookupFailed,
	timeout: telemetry.LookupTimeout, noFile: telemetry.LookupFailed,
}

// finish takes in what a lookup found, and tells those who wait for it.
func (r *Resolver) finish(l *lookup, a Answer, err error, now time.Time, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.leave(l)
	e := l.entry
	e.learn(a, err, now, took, r.cfg.KeepFor, rand.Float64())
	e.pending = nil
	if l.addrs = e.addrs; len(e.addrs) == 0 {
		l.err = err
	}
	l.stale = len(e.addrs) > 0 && !now.Before(e.ends)
	close(l.done)
	r.schedule(e, now)
	r.start()
}

// schedule sets the timer of the next lookup ahead of need. A name without an address is
// looked up when it is asked for.
func (r *Resolver) schedule(e *entry, now time.Time) {
	d := e.ahead.Sub(now)
	switch wanted := len(e.addrs) > 0 && !r.closed; {
	case wanted && e.timer == nil:
		e.timer = time.AfterFunc(d, func() { r.refresh(e) })
	case wanted:
		e.timer.Reset(d)
	case e.timer != nil:
		e.timer.Stop()
	}
}

// refresh looks a name up again if it is in use.
func (r *Resolver) refresh(e *entry) {
	now := monotonic.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && r.names[e.name] == e && e.inUse(now) {
		r.ask(e, ahead, now)
	}
}

// close ends the refreshes. What waits in line fails when its turn comes.
func (r *Resolver) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, e := range r.names {
		if e.timer != nil {
			e.timer.Stop()
		}
	}
}
