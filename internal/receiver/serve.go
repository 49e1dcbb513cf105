package receiver

import (
	"encoding/json"
	"net"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/valyala/fasthttp"
)

const (
	readBufferBytes = 8 << 10 // holds a request's header
	maxBodyBytes    = 1 << 20
	idleTimeout     = 5 * time.Minute // longer than any client of ours keeps a connection
)

// serve handles one request. It is called for each connection in a goroutine
// of its own.
func (r *Receiver) serve(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case "/":
		respond(ctx, answer{status: 200, body: help})
		return
	case "/stats":
		r.serveStats(ctx)
		return
	}
	to := routeOf(ctx.Path())
	v := readVisit(ctx, r.cfg.Clock.Now(), to)
	a := to.answer(ctx, v)
	v.Status = a.status
	r.record(v, to)
	if a.wait > 0 {
		clock.Wait(r.stopping, a.wait)
	}
	respond(ctx, a)
}

func (r *Receiver) serveStats(ctx *fasthttp.RequestCtx) {
	if ctx.IsDelete() { // requests that are being counted are counted there
		r.counters.Store(newCounters())
		r.conns.reset()
	}
	stats := r.Stats()
	if ctx.QueryArgs().Has("buckets") {
		stats.Buckets = r.counters.Load().lateness.counts()
	}
	body, err := json.MarshalIndent(stats, "", "  ")
	if err != nil {
		ctx.Error(err.Error(), 500)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}

// record counts the request and writes its lines.
func (r *Receiver) record(v visit, to *route) {
	r.counters.Load().count(v, to.path)
	if r.log != nil {
		r.log.add(v.appendLog)
	}
	if r.out != nil {
		r.out.add(v.appendHuman)
	}
}

func respond(ctx *fasthttp.RequestCtx, a answer) {
	if a.status == 0 {
		ctx.HijackSetNoResponse(true)
		ctx.Hijack(nothing) // the connection is closed afterwards
		return
	}
	ctx.SetStatusCode(a.status)
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString(a.body)
	if a.location != "" {
		ctx.Response.Header.Set("Location", a.location)
	}
	if a.retryAfter != "" {
		ctx.Response.Header.Set("Retry-After", a.retryAfter)
	}
}

func nothing(net.Conn) {}
