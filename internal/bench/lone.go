package bench

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// Lone is the lateness of the fires of a single job, and that of requests sent by a plain
// Go timer in the same seconds. The timer's requests are due in the middle of each
// second, so that the two do not coincide.
type Lone struct {
	Seconds int               `json:"seconds"`
	Belfry  receiver.Lateness `json:"belfryMs"`
	Timer   receiver.Lateness `json:"timerMs"`
}

// Lone measures one job that is due every second, for so many seconds.
func (b *Bench) Lone(ctx context.Context, seconds int) (out Lone, err error) {
	other, err := startReceiver(ctx, b.env.cfg.Binary, "--quiet")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, other.stop()) }()
	timed, stop := context.WithCancel(ctx)
	defer stop()
	faults := make(chan error, 1)
	go func() { faults <- timer(timed, b.env.cfg.Clock, other.url) }()
	got, err := b.env.burst(ctx, burst{jobs: 1, seconds: seconds, path: "/ok"})
	stop()
	if err := errors.Join(err, <-faults); err != nil {
		return out, err
	}
	bare, err := other.received(ctx)
	if err != nil {
		return out, err
	}
	out = Lone{Seconds: seconds, Belfry: got.Lateness, Timer: bare.Lateness}
	b.env.say("a lone job: p50 %.2f, p99 %.2f, max %.2f ms; a bare timer: %.2f, %.2f, %.2f ms",
		out.Belfry.P50, out.Belfry.P99, out.Belfry.Max, out.Timer.P50, out.Timer.P99, out.Timer.Max)
	return out, nil
}

// timer sends a request in the middle of every second until the context ends.
func timer(ctx context.Context, clk clock.Clock, target string) error {
	hc := &fasthttp.HostClient{
		Addr: strings.TrimPrefix(target, "http://"), MaxConns: 1, MaxIdemponentCallAttempts: 1,
		Dial: func(addr string) (net.Conn, error) { return fasthttp.DialTimeout(addr, 10*time.Second) },
	}
	defer hc.CloseIdleConnections()
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	bareRequest(req, target+"/ok")
	first := (clock.NowMs(clk)/1000+1)*1000 + 500
	for at := first; ; at += 1000 {
		if until(ctx, clk, at) != nil {
			return nil // the measurement is over
		}
		req.Header.Set("Belfry-Scheduled-At", strconv.FormatInt(at, 10))
		req.Header.Set("Belfry-Execution-Id", uuid.NewString())
		if err := hc.DoTimeout(req, res, 10*time.Second); err != nil {
			return err
		}
	}
}
