package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/resolve"
	"github.com/belfry-scheduler/belfry/internal/target"
)

const (
	// fallbackDelay is the head start of the preferred address family (RFC
	// 8305, section 5, "Connection Attempt Delay").
	fallbackDelay = 300 * time.Millisecond
	// minAddrTimeout is the least that one of several addresses gets.
	minAddrTimeout = time.Second
	// maxAddrs is how many addresses of one family are tried. A name may have thousands,
	// and its owner must not be able to make Belfry connect to each of them.
	maxAddrs = 8
)

// dialer opens TCP connections. It has no limit of its own on dials under way:
// each host has one, see host.Dials.
type dialer struct {
	ctx      context.Context // ends with the executor
	timeout  time.Duration
	resolver *resolve.Resolver
	guard    Guard // may be nil
	quiet    Guard // the same, but does not count what it refuses
	gate     *handshakeGate
	net      net.Dialer
	steps    *openSteps // nil: nobody asks how long they take
}

func newDialer(ctx context.Context, cfg *Config, gate *handshakeGate) *dialer {
	names := resolve.Config{KeepFor: cfg.MaxConnAge + cfg.IdleTimeout, Metrics: cfg.Metrics.Names}
	d := &dialer{
		ctx: ctx, timeout: cfg.DialTimeout, resolver: resolve.New(ctx, names), guard: cfg.Guard,
		gate: gate, net: net.Dialer{Control: anyPort},
	}
	d.quiet = d.guard
	if g, ok := cfg.Guard.(interface{ Uncounted() Guard }); ok {
		d.quiet = g.Uncounted()
	}
	return d
}

// uncounted returns a dialer of which nobody counts what the guard refuses.
func (d *dialer) uncounted() *dialer {
	quiet := *d
	quiet.guard = d.quiet
	return &quiet
}

// noting returns a dialer that notes how long its steps take.
func (d *dialer) noting(steps *openSteps) *dialer {
	noting := *d
	noting.steps = steps
	return &noting
}

// lookAhead has the name of a host looked up that calls need soon, if it may be called.
func (d *dialer) lookAhead(to target.Endpoint) {
	if to.Addr.IsValid() || d.quiet != nil && d.quiet.CheckName(to.Name, to.Port) != nil {
		return
	}
	d.resolver.Prepare(to.Name)
}

// refusedError says that a target may not be called.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// dial connects to the host within the dial timeout and the deadline.
func (d *dialer) dial(deadline time.Time, to target.Endpoint) (net.Conn, error) {
	ctx, cancel := d.limit(deadline)
	defer cancel()
	if to.Addr.IsValid() {
		if _, err := d.permit(to, []netip.Addr{to.Addr}); err != nil {
			return nil, err
		}
		defer d.steps.end(stepConnect)
		return d.dialAddr(ctx, to.Addr, to.Port)
	}
	if d.guard != nil {
		if err := d.guard.CheckName(to.Name, to.Port); err != nil {
			return nil, &refusedError{err}
		}
	}
	addrs, err := d.resolver.Resolve(ctx, to.Name)
	d.steps.end(stepLookup)
	if err != nil {
		return nil, err
	}
	if addrs, err = d.permit(to, addrs); err != nil {
		return nil, err
	}
	defer d.steps.end(stepConnect)
	preferred, other := splitFamilies(addrs)
	if len(other) == 0 {
		return d.dialSerial(ctx, preferred, to.Port)
	}
	return d.dialRace(ctx, preferred, other, to.Port)
}

// permit returns the addresses that may be called, or why none may. What
// follows connects to these addresses and looks nothing up again: a name that
// has other addresses a moment later (DNS rebinding) changes nothing.
func (d *dialer) permit(to target.Endpoint, addrs []netip.Addr) ([]netip.Addr, error) {
	if d.guard == nil {
		return addrs, nil
	}
	var first error
	permitted := make([]netip.Addr, 0, len(addrs)) // addrs belongs to the resolver
	for _, a := range addrs {
		err := d.guard.CheckAddr(to.Name, netip.AddrPortFrom(a, to.Port))
		switch {
		case err == nil:
			permitted = append(permitted, a)
		case first == nil:
			first = err
		}
	}
	if len(permitted) == 0 {
		return nil, &refusedError{first}
	}
	return permitted, nil
}

// noteOnName says of a call that failed that its address was the last known one of a name
// that cannot be looked up; otherwise it is empty.
func (d *dialer) noteOnName(to target.Endpoint) string {
	if to.Addr.IsValid() {
		return ""
	}
	outage, ok := d.resolver.Outage(to.Name)
	if !ok {
		return ""
	}
	why := "there is no answer yet"
	if dns, ok := errors.AsType[*net.DNSError](outage.Err); ok {
		why = describeLookup(dns.Err)
	}
	return fmt.Sprintf("; the last known address of %s was used, which could not be looked up since %s: %s",
		to.Name, outage.Since.UTC().Format(time.RFC3339), why)
}

// limit returns a context that ends at the deadline, or after the dial timeout
// if that is sooner.
func (d *dialer) limit(deadline time.Time) (context.Context, context.CancelFunc) {
	if soon := monotonic.Now().Add(d.timeout); soon.Before(deadline) {
		deadline = soon
	}
	return context.WithDeadline(d.ctx, deadline)
}

// handshake makes a TLS connection of conn, which it closes if that fails.
func (d *dialer) handshake(deadline time.Time, conn *tally, to *certs.Target) (net.Conn, error) {
	d.gate.enter()
	conn.gate = d.gate
	defer func() {
		conn.gate = nil
		d.gate.leave()
	}()
	ctx, cancel := d.limit(deadline)
	defer cancel()
	secure, err := to.Handshake(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

func (d *dialer) dialAddr(ctx context.Context, addr netip.Addr, port uint16) (net.Conn, error) {
	return d.net.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
}

// splitFamilies parts the addresses by family; the first one's comes first.
// Of each it keeps the first maxAddrs.
func splitFamilies(addrs []netip.Addr) (preferred, other []netip.Addr) {
	for _, a := range addrs {
		if a.Is4() == addrs[0].Is4() {
			preferred = append(preferred, a)
		} else {
			other = append(other, a)
		}
	}
	return preferred[:min(len(preferred), maxAddrs)], other[:min(len(other), maxAddrs)]
}

// dialSerial tries one address after the other (there is one at least), each with an equal share of
// the time that is left. The first error is the one to tell.
func (d *dialer) dialSerial(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	var first error
	for i, addr := range addrs {
		conn, err := d.dialShare(ctx, addr, port, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

func (d *dialer) dialShare(ctx context.Context, addr netip.Addr, port uint16, shares int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && shares > 1 {
		now := monotonic.Now()
		share := max(deadline.Sub(now)/time.Duration(shares), minAddrTimeout)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, now.Add(share))
		defer cancel()
	}
	return d.dialAddr(ctx, addr, port)
}

// dialResult is what one family of addresses came to.
type dialResult struct {
	conn net.Conn
	err  error
}

// dialRace gives the preferred family a head start over the other one and
// takes the first connection (RFC 8305, "Happy Eyeballs", with two lanes).
func (d *dialer) dialRace(ctx context.Context, preferred, other []netip.Addr, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan dialResult)
	lane := func(addrs []netip.Addr) {
		conn, err := d.dialSerial(ctx, addrs, port)
		select {
		case results <- dialResult{conn, err}:
		case <-ctx.Done():
			if conn != nil {
				_ = conn.Close() // the other lane won
			}
		}
	}
	go lane(preferred)
	headStart := time.NewTimer(fallbackDelay)
	defer headStart.Stop()

	var first error
	for running, started := 1, false; ; {
		select {
		case r := <-results:
			if r.err == nil {
				return r.conn, nil
			}
			if first == nil {
				first = r.err
			}
			if running--; running == 0 && started {
				return nil, first
			}
		case <-headStart.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !started {
			started = true
			running++
			go lane(other)
		}
	}
}
