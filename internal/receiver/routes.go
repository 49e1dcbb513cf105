package receiver

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

const help = `Belfry's receiver: a target to try jobs on.

  /ok                 200
  /slow?ms=1500       200 after so many milliseconds
  /status/503         any status from 200 to 599; ?retryAfter=2 adds Retry-After
  /fail               500
  /flaky?fail=2       503 to the first two attempts of an execution, then 200
  /random?p=0.3       503 to three requests in ten, 200 to the others
  /echo               200 with the request as it came
  /redirect           302 to /ok
  /drop               closes the connection (HTTP/2: the stream) without an answer

  /stats              counters, as JSON; ?buckets adds a histogram; DELETE begins anew
  /                   this text
`

const maxWait = time.Hour

// answer is the answer to a request.
type answer struct {
	status     int // zero: the connection is closed instead
	body       string
	wait       time.Duration
	location   string
	retryAfter string
}

// route is the behaviour that the first part of a path selects.
type route struct {
	path   string
	answer func(ctx *fasthttp.RequestCtx, v visit) answer
}

var routes = byPath(
	route{"/ok", always(answer{status: 200, body: "ok\n"})},
	route{"/fail", always(answer{status: 500, body: "failed, as asked\n"})},
	route{"/drop", always(answer{})},
	route{"/redirect", always(answer{status: 302, location: "/ok"})},
	route{"/slow", slow},
	route{"/status", status},
	route{"/flaky", flaky},
	route{"/random", random},
	route{"/echo", echo},
)

// unknown is the route of all other paths.
var unknown = &route{"", always(answer{status: 404, body: "no such path; there is:\n\n" + help})}

func byPath(list ...route) map[string]*route {
	m := make(map[string]*route, len(list))
	for _, r := range list {
		m[r.path] = &r
	}
	return m
}

func always(a answer) func(*fasthttp.RequestCtx, visit) answer {
	return func(*fasthttp.RequestCtx, visit) answer { return a }
}

func bad(format string, args ...any) answer {
	return answer{status: 400, body: fmt.Sprintf(format, args...) + "\n"}
}

func slow(ctx *fasthttp.RequestCtx, _ visit) answer {
	ms, err := strconv.Atoi(string(ctx.QueryArgs().Peek("ms")))
	if err != nil || ms < 0 || ms > int(maxWait.Milliseconds()) {
		return bad("ms must be a number from 0 to %d, as in /slow?ms=1500", maxWait.Milliseconds())
	}
	return answer{status: 200, body: "ok, late\n", wait: time.Duration(ms) * time.Millisecond}
}

func status(ctx *fasthttp.RequestCtx, _ visit) answer {
	code, err := strconv.Atoi(string(bytes.TrimPrefix(ctx.Path(), []byte("/status/"))))
	if err != nil || code < 200 || code > 599 {
		return bad("the status must be from 200 to 599, as in /status/503")
	}
	return answer{status: code, body: fasthttp.StatusMessage(code) + "\n",
		retryAfter: string(ctx.QueryArgs().Peek("retryAfter"))}
}

func flaky(ctx *fasthttp.RequestCtx, v visit) answer {
	n, err := strconv.Atoi(string(ctx.QueryArgs().Peek("fail")))
	if err != nil || n < 0 {
		return bad("fail must be a number, as in /flaky?fail=2")
	}
	if v.attempt <= n {
		return answer{status: 503, body: fmt.Sprintf("attempt %d of %d that fail\n", v.attempt, n)}
	}
	return answer{status: 200, body: "ok, at last\n"}
}

func random(ctx *fasthttp.RequestCtx, _ visit) answer {
	p, err := strconv.ParseFloat(string(ctx.QueryArgs().Peek("p")), 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return bad("p must be from 0 to 1, as in /random?p=0.3")
	}
	if rand.Float64() < p {
		return answer{status: 503, body: "bad luck\n"}
	}
	return answer{status: 200, body: "ok, by luck\n"}
}

func echo(ctx *fasthttp.RequestCtx, _ visit) answer {
	return answer{status: 200, body: string(ctx.Request.Header.Header()) + string(ctx.Request.Body())}
}

func routeOf(path []byte) *route {
	if i := bytes.IndexByte(path[1:], '/'); i >= 0 {
		path = path[:i+1]
	}
	if r := routes[string(path)]; r != nil {
		return r
	}
	return unknown
}
