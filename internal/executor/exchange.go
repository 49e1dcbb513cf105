package executor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// transport is what exchanges share.
type transport struct {
	cfg     Config
	pools   *table
	dialer  *dialer
	buffers sync.Pool       // of *bufio.Reader
	waiting context.Context // ends with EndWaiting
}

// exchange is one request and its response, with the memory that they need. It
// is reused.
type exchange struct {
	via  *transport
	call *domain.Call
	out  *domain.Outcome

	progress
	link       link
	req        request
	resp       response
	keptFailed bool // a kept connection ended before a byte of the response
}

func newExchange() *exchange {
	return &exchange{req: request{head: make([]byte, 0, headBufferBytes)}}
}

func (e *exchange) begin(via *transport, call *domain.Call, out *domain.Outcome) {
	e.via, e.call, e.out, e.keptFailed = via, call, out, false
	e.link.begin()
	e.start(monotonic.Now(), call.Timeout)
}

// end gives back the connection and reports whether the exchange is fit to be
// used again.
func (e *exchange) end() bool {
	e.link.end()
	e.resp.end(&e.via.buffers)
	e.via, e.call, e.out = nil, nil, nil
	return e.req.end() && !e.resp.head.bulky()
}

// recoverPanic turns a panic into an outcome: one odd answer of one target must not
// end the process. The exchange is not used again.
func (e *exchange) recoverPanic() {
	fault := recover()
	if fault == nil {
		return
	}
	if e.link.conn != nil {
		e.link.pool.discard(e.link.conn)
	}
	*e.out = domain.Outcome{
		Verdict:   domain.VerdictRetry,
		Error:     fmt.Sprintf("internal fault: %v", fault),
		MaybeSent: e.link.written > 0,
		Held:      e.out.Held,
	}
}

// run does the exchange and sets the outcome.
func (e *exchange) run() {
	p, ok := target.Cut(e.call.URL)
	if e.call.Path != "" {
		p.Path, _, _ = strings.Cut(e.call.Path, "#")
	}
	if !ok {
		e.refuse("the target is no http or https URL")
		return
	}
	if name := e.call.ClientCert; name != "" && !e.via.pools.tls.knows(name) {
		e.refuse(fmt.Sprintf("this server has no client certificate named %q", name))
		return
	}
	to, err := e.via.pools.route(p, e.call)
	if err != nil {
		e.fail(err)
		return
	}
	e.link.pool = to.pool
	if refused := e.req.build(&e.via.cfg, e.call, p.Path, to.header); refused != "" {
		e.refuse(refused)
		return
	}
	if err := e.send(); err != nil {
		e.fail(err)
		return
	}
	e.report()
}

// send has the request answered: on an idle connection or a new one, and on a
// new one if the idle one was closed before a byte of the request was written.
func (e *exchange) send() error {
	if e.link.take(e.call.Once, e.begun) {
		err := e.roundTrip()
		if err == nil {
			return nil
		}
		rested := e.begun.Sub(e.link.conn.lastUse)
		if e.phase <= phaseWait && !errors.Is(err, os.ErrDeadlineExceeded) {
			e.link.pool.sawClosed(rested)
		}
		if !mayWriteAgain(true, e.link.written, err) {
			e.keptFailed = e.phase <= phaseWait
			return err
		}
		e.link.release()
	}
	if err := e.connect(); err != nil {
		return err
	}
	e.link.look = false
	return e.roundTrip()
}

// roundTrip writes the request and reads the response on the connection.
func (e *exchange) roundTrip() error {
	e.phase = phaseSend
	if err := e.link.conn.endBy(e.deadline, e.call.Timeout/1024); err != nil {
		return err
	}
	e.resp.begin(&e.via.cfg, e.call.Method, e.link.conn, e.req.head)
	n, sendErr, err := e.link.ask(&e.req, e.resp.first[:], e.call.Once)
	err = e.resp.noteRead(n, err)
	if e.link.sent {
		e.phase = phaseWait
	}
	if errors.Is(sendErr, os.ErrDeadlineExceeded) {
		return sendErr
	}
	if e.link.look && e.link.written > 0 {
		e.link.pool.sawOpen()
	}
	if n == 0 {
		if sendErr != nil {
			err = sendErr
		}
		if !e.link.conn.used() {
			e.link.pool.noteFault(err)
		}
		return err
	}
	e.link.pool.dials.Answered()
	return e.receive(n, sendErr == nil)
}

// receive reads the response, of which n bytes came first. whole says that the request
// was sent to its end.
func (e *exchange) receive(n int, whole bool) error {
	if whole {
		if e.link.keeps, e.link.reusable = e.resp.plain(n); e.link.reusable {
			e.phase = phaseDone
			return nil
		}
	}
	e.phase = phaseHeader
	err := e.resp.read(n, e.via.buffers.Get().(*bufio.Reader))
	if e.resp.inBody {
		e.phase = phaseBody
	}
	if err != nil {
		return err
	}
	e.phase = phaseDone
	e.link.keeps = keepAliveTimeout(e.resp.head.values[fieldKeep])
	e.link.reusable = whole && e.resp.persists()
	return nil
}

// connect opens a new connection.
func (e *exchange) connect() error {
	e.phase = phaseConnect
	if err := e.link.pool.reserve(); err != nil {
		return err
	}
	defer func() {
		if e.link.conn == nil {
			e.link.pool.release()
		}
	}()
	if e.link.pool.dials.Begin() {
		e.awaitTurn()
	}
	if !e.link.pool.dials.Enter(e.remaining(monotonic.Now())) {
		return os.ErrDeadlineExceeded
	}
	var err error
	e.link.conn, err = apart(e.open)
	return err
}

// awaitTurn waits for the turn of a dial to a host that does not answer. If no byte of
// the request was sent yet, the timeout of the call starts only after the wait. So the
// target has the whole timeout, and calls that dial one after the other also time out one
// after the other: 2,000 timeouts at one instant would keep both cores busy for as long
// as 2,000 dials.
//
// After EndWaiting, the wait counts as part of the call: it ends when it would have ended
// without waiting.
func (e *exchange) awaitTurn() {
	before := monotonic.Now()
	e.link.pool.dials.AwaitTurn(e.via.waiting, before, e.deadline)
	if e.link.written == 0 && e.via.waiting.Err() == nil {
		held := monotonic.Now().Sub(before)
		e.postpone(held)
		e.out.Held += held
	}
}

// open dials and, where the target wants that, agrees on TLS.
func (e *exchange) open() (*conn, error) {
	raw, err := func() (net.Conn, error) {
		defer e.link.pool.dials.Leave() // even when a guard breaks
		return e.via.dialer.dial(e.deadline, e.link.pool.Endpoint)
	}()
	if err != nil {
		e.link.pool.noteFault(err)
		return nil, err
	}
	age := lifetime(e.via.cfg.MaxConnAge, rand.Float64())
	c := &conn{Conn: raw, raw: rawTCP(raw), probe: newProbe(raw), retires: monotonic.Now().Add(age)}
	if e.link.pool.tls != nil {
		c.raw, c.tally = nil, &tally{Conn: raw}
		e.phase = phaseHandshake
		if c.Conn, err = e.via.dialer.handshake(e.deadline, c.tally, e.link.pool.tls); err != nil {
			e.link.pool.noteFault(err)
			return nil, err
		}
	}
	return c, nil
}

// apart runs a function on a goroutine of its own and waits for it. To open a
// connection takes a stack of 8 KiB, with TLS of more. The goroutine that makes
// the call would keep it for as long as it waits for the answer.
func apart(open func() (*conn, error)) (*conn, error) {
	type opened struct {
		conn  *conn
		err   error
		fault any
	}
	done := make(chan opened, 1)
	go func() {
		var o opened
		defer func() {
			o.fault = recover()
			done <- o
		}()
		o.conn, o.err = open()
	}()
	o := <-done
	if o.fault != nil {
		panic(o.fault) // see recoverPanic
	}
	return o.conn, o.err
}

// report sets the outcome of a call that was answered.
func (e *exchange) report() {
	status := e.resp.head.status
	e.out.HTTPStatus = status
	e.out.Verdict = domain.VerdictOf(status)
	if e.out.Verdict == domain.VerdictSuccess {
		return
	}
	e.out.MaybeSent = true
	e.out.RetryAfterMs = e.resp.retryAfterMs()
	e.out.Error = e.resp.describe(e.link.pool.Secure)
}

// refuse sets the outcome of a call that cannot be made, now or later.
func (e *exchange) refuse(why string) {
	e.out.Verdict = domain.VerdictFinal
	e.out.Error = "not sent: " + why
}

// fail sets the outcome of a call that got no whole answer.
func (e *exchange) fail(err error) {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		e.refuse("the target is refused: " + refused.Error())
		return
	}
	e.out.Verdict = domain.VerdictRetry
	e.out.MaybeSent = e.link.written > 0
	f := failure{
		err: err, phase: e.phase, timeout: e.call.Timeout, kept: e.keptFailed, cfg: &e.via.cfg, resp: &e.resp,
	}
	if e.link.pool != nil {
		f.to = e.link.pool.Endpoint
	}
	e.out.Error = f.describe()
	if e.phase >= phaseBody {
		e.out.HTTPStatus = e.resp.head.status
	}
	if isUnreadable(err) {
		e.out.HTTPStatus = e.resp.finalStatus()
		e.out.Verdict = verdictOfUnreadable(e.out.HTTPStatus)
	}
}
