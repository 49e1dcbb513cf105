package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// How long the bare loop of each protocol, calls without others, and handshakes are
// measured.
const (
	hostsBareTime  = 2 * time.Second
	betterLoopTime = time.Second
	loneTime       = time.Second / 2
	handshakesTime = time.Second
	bareLimit      = time.Minute
)

// bare measures the bare loops.
func (r *hostsRun) bare(ctx context.Context) error {
	out := &HostsBare{}
	b := r.env.bare()
	b.targets = r.targets
	var err error
	if out.HTTP1, err = b.run(ctx, hostsBareTime, nil); err != nil {
		return err
	}
	if r.out.Scheme == "https" && !r.cfg.HTTP1 {
		b.http2 = true
		if out.HTTP2, err = b.run(ctx, hostsBareTime, nil); err != nil {
			return err
		}
		b.http2 = false
	}
	if out.HandshakesPerSecond, err = b.handshakes(ctx, handshakesTime); err != nil {
		return err
	}
	b.callers, b.targets = 1, r.targets[:1]
	lone, err := b.run(ctx, loneTime, nil)
	if err != nil {
		return err
	}
	out.LoneMs = 1000 / lone.PerSecond
	r.say("bare loop %.0f a second by HTTP/1.1, %.0f by HTTP/2; %.0f new connections a second, a lone call "+
		"takes %.2f ms",
		out.HTTP1.PerSecond, out.HTTP2.PerSecond, out.HandshakesPerSecond, out.LoneMs)
	r.out.Bare = out
	return nil
}

// betterLoop measures the loop that was the better one once more and returns its requests a
// second; zero: no loop was measured.
func (r *hostsRun) betterLoop(ctx context.Context) (perSecond float64, err error) {
	if r.out.Bare == nil {
		return 0, nil
	}
	b := r.env.bare()
	b.targets, b.http2 = r.targets, r.out.Bare.HTTP2.PerSecond > r.out.Bare.HTTP1.PerSecond
	got, err := b.run(ctx, betterLoopTime, nil)
	return got.PerSecond, err
}

// handshakes opens and closes connections for a while and returns how many a second.
func (b bareClient) handshakes(ctx context.Context, d time.Duration) (perSecond float64, err error) {
	limited, cancel := context.WithTimeout(ctx, d+bareTimeout)
	defer cancel()
	var count atomic.Int64
	mark := b.clock.Mark()
	err = together(b.callers, func(i int) error {
		for n := i; b.clock.Elapsed(mark) < d; n += b.callers {
			if err := b.connect(limited, b.targets[n%len(b.targets)]); err != nil {
				cancel()
				return err
			}
			count.Add(1)
		}
		return nil
	})
	return float64(count.Load()) / b.clock.Elapsed(mark).Seconds(), err
}

// connect opens a connection and closes it.
func (b bareClient) connect(ctx context.Context, url string) error {
	scheme, addr, _ := strings.Cut(url, "://")
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	if scheme != "https" {
		return nil
	}
	cfg := b.receiver.trust()
	cfg.ServerName, _, _ = net.SplitHostPort(addr)
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	return secure.Close()
}

// burst measures a burst over the hosts, and the better of the bare loops before and after
// it, because the speed of the machine changes within a minute. The server is killed
// afterwards: a graceful stop of an overloaded one takes long.
func (r *hostsRun) burst(ctx context.Context, m burst) (out Burst, err error) {
	w, err := r.world(ctx)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.discard()) }()
	m.targets, m.path, m.lead = r.targets, "/ok", hostsLead
	before, err := r.betterLoop(ctx)
	if err != nil {
		return out, err
	}
	if out, err = w.burst(ctx, m); err != nil {
		return out, err
	}
	after, err := r.betterLoop(ctx)
	out.BarePerSecond = (before + after) / 2
	return out, err
}
