package executor

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/executor/h2"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
	"golang.org/x/net/http2"
)

// transport is what exchanges share.
type transport struct {
	cfg       Config
	pools     *table
	connector *connector
	opener    *opener
	buffers   sync.Pool // of *bufio.Reader
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
	keptFailed bool       // a kept connection ended before a byte of the response
	askedAt    time.Time  // when the request was about to be sent
	stream     *h2.Stream // nil: no call was made by HTTP/2 yet
	sentAgain  int        // how often the request was sent again since the target had not processed it
}

func newExchange() *exchange {
	return &exchange{req: request{head: make([]byte, 0, headBufferBytes)}}
}

func (e *exchange) begin(via *transport, call *domain.Call, out *domain.Outcome) {
	e.via, e.call, e.out, e.keptFailed, e.sentAgain = via, call, out, false, 0
	e.link.begin(call.Trace != nil)
	e.resp.trace = call.Trace
	e.start(monotonic.Now(), call.Timeout)
	e.askedAt = e.begun
}

// end gives back the connection and reports whether the exchange is fit to be
// used again.
func (e *exchange) end() bool {
	now := monotonic.Now()
	if e.link.written > 0 {
		e.out.Took = now.Sub(e.askedAt)
	}
	e.link.end(now)
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
	if e.call != nil && e.call.Trace != nil {
		e.call.Trace.Reset() // secrets may be in it
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
	if name := e.call.ClientCert; name != "" && !e.via.pools.tls.knows(name, e.call.Namespace) {
		e.refuse(fmt.Sprintf("this server has no client certificate named %q that jobs of namespace %q may use", name,
			e.call.Namespace))
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
	if e.call.Trace != nil {
		traceRequest(e.call.Trace, &e.req)
	}
	if err := e.sendUntilProcessed(); err != nil {
		e.fail(err)
		return
	}
	e.report()
}

// send has the request answered: on an idle connection or a new one, and on a
// new one if the idle one was closed before a byte of the request was written.
func (e *exchange) send() error {
	fresh := e.call.Trace != nil // how long it takes to connect is to be seen
	if fresh || !e.link.take(e.call.Once, e.begun) {
		if err := e.connect(fresh); err != nil {
			return err
		}
		e.askedAt = monotonic.Now()
	}
	if e.link.conn.mux != nil {
		return e.askStream()
	}
	if !e.link.conn.used() {
		e.link.look = false
		return e.roundTrip()
	}
	rested := e.askedAt.Sub(e.link.conn.lastUse)
	err := e.roundTrip()
	if err == nil {
		return nil
	}
	if e.phase <= phaseWait && !errors.Is(err, os.ErrDeadlineExceeded) {
		e.link.pool.sawClosed(rested)
	}
	if !mayWriteAgain(true, e.link.written, err) {
		e.keptFailed = e.phase <= phaseWait
		return err
	}
	e.link.discard()
	if err := e.connect(true); err != nil {
		return err
	}
	e.askedAt = monotonic.Now()
	if e.link.conn.mux != nil {
		return e.askStream()
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
	if e.call.Trace != nil && n > 0 {
		e.call.Trace.Times.FirstByte = max(1, monotonic.Now().Sub(e.askedAt))
	}
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
			noteFault(&e.link.pool.cond.Dials, err)
		}
		return err
	}
	e.link.pool.cond.Dials.Answered()
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

// sendUntilProcessed is send, and sends again what the target has certainly not
// processed. That is no attempt of its own: nothing of the request had an effect.
func (e *exchange) sendUntilProcessed() error {
	for again := 1; ; again++ {
		err := e.send()
		if !e.unprocessed(err) {
			return err
		}
		e.link.written = 0 // as if it had not been sent
		if again > maxSentAgain || e.remaining(monotonic.Now()) <= pauseBeforeSending(again) {
			return err
		}
		e.sentAgain++
		e.link.pool.limits.counts.sentAgain.Add(1)
		e.link.giveBack(monotonic.Now())
		clock.Wait(e.via.opener.waiting, pauseBeforeSending(again))
	}
}

// unprocessed reports whether the target has certainly not processed the request.
func (e *exchange) unprocessed(err error) bool {
	if _, not := errors.AsType[*h2.Unprocessed](err); not {
		return true
	}
	c := e.link.conn
	if c == nil || !c.cheaper {
		return false
	}
	refused := err == nil && refusesHTTP1(e.resp.head.status) || isUnreadable(err) && isHTTP2(e.resp.first[:])
	if refused {
		e.link.reusable = false
		useHTTP2(e.link.pool)
	}
	return refused
}

// askStream sends the request on a stream of the connection, and takes the answer.
func (e *exchange) askStream() error {
	e.phase = phaseSend
	if e.stream == nil {
		e.stream = h2.NewStream()
	}
	e.resp.begin(&e.via.cfg, e.call.Method, nil, nil)
	e.resp.head.reset()
	req := h2.Request{Head: e.req.head, Body: e.req.body, Once: e.call.Once}
	err := e.link.conn.mux.Do(e.stream, &req, &e.resp, e.deadline)
	if e.stream.Sent() {
		e.link.written += int64(len(e.req.head) + len(e.req.body))
	}
	e.phase = phaseOfStream(e.stream)
	if e.stream.Headed() {
		e.link.pool.cond.Dials.Answered()
		if e.call.Trace != nil {
			e.call.Trace.Times.FirstByte = max(1, e.resp.headedAt.Sub(e.askedAt))
		}
	}
	if err = e.takeFault(err); err == nil {
		e.phase = phaseDone
	}
	return err
}

// takeFault returns what the fault of a stream is in the terms of HTTP/1.1, and nil if the
// status stands all the same.
func (e *exchange) takeFault(err error) error {
	if err == nil || e.stream.Headed() && domain.VerdictOf(e.resp.head.status) != domain.VerdictSuccess {
		return nil // what the status says stands, whatever becomes of the body
	}
	var bad *h2.Malformed
	var reset *h2.Reset
	var ended *h2.Ended
	switch {
	case errors.As(err, &ended) && len(ended.Begins) > 0:
		return &unreadable{nameNoHTTP2(e.link.pool.label, ended.Begins)}
	case errors.As(err, &bad):
		return &unreadable{bad.Why}
	case errors.Is(err, h2.ErrHeaderTooLong):
		return errHeaderTooLong
	case errors.Is(err, h2.ErrTooManyInterim):
		return errTooManyInterim
	case errors.As(err, &reset) && reset.Code == http2.ErrCodeHTTP11Required:
		useHTTP1(e.link.pool)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		e.noteEnd(err)
	}
	return err
}

// noteEnd notes that the connection ended before an answer.
func (e *exchange) noteEnd(err error) {
	var ended *h2.Ended
	if e.stream.Headed() || !errors.As(err, &ended) {
		return
	}
	if e.keptFailed = e.link.look; !e.keptFailed {
		noteFault(&e.link.pool.cond.Dials, err)
	}
}

// connect waits for a connection: for one that another call frees, unless it must be
// fresh, or for a new one.
func (e *exchange) connect(fresh bool) error {
	e.phase = phaseConnect
	now := monotonic.Now()
	w := &waiter{
		once: e.call.Once, fresh: fresh, since: now, deadline: e.deadline, unsent: e.link.written == 0,
		ready: make(chan supply, 1), traced: e.call.Trace != nil,
	}
	a, waits := e.link.pool.enqueue(w)
	if waits {
		a = e.await(w)
		e.link.pool.cond.Connecting(-1)
	}
	if a.fault != nil {
		panic(a.fault) // see recoverPanic
	}
	if e.call.Trace != nil {
		traceOpening(e.call.Trace, now, &a)
	}
	if a.err != nil {
		e.phase = a.phase
		return a.err
	}
	e.link.conn, e.link.look = a.conn, a.look
	return nil
}

// await waits for what the waiter gets. That time does not count as part of the call
// unless a byte of the request was sent before: the target has the whole timeout, and
// calls that dial one after the other also time out one after the other. 2,000 timeouts at
// one instant would keep both cores busy for as long as 2,000 dials.
//
// After EndWaiting the wait counts as part of the call: it ends when it would have ended
// without waiting.
func (e *exchange) await(w *waiter) supply {
	e.via.connector.join(e.link.pool, w.since)
	a := e.receiveSupply(w)
	began := a.began
	if began.IsZero() {
		began = monotonic.Now()
	}
	if until := e.via.opener.until(w, began); until.After(e.deadline) {
		e.out.Held += until.Sub(e.deadline)
		e.deadline = until
	}
	return a
}

// receiveSupply waits for what the waiter gets. A host that allows no streams is waited for
// briefly, others for long: how many calls wait is bounded by the slots of the host.
func (e *exchange) receiveSupply(w *waiter) supply {
	timeout := w.deadline.Sub(w.since)
	brief, long := host.LongestWait(timeout)/2, host.LongestHeld(timeout)
	timer := time.NewTimer(brief)
	defer timer.Stop()
	for final := false; ; final = true {
		select {
		case a := <-w.ready:
			return a
		case <-e.via.opener.waiting.Done():
			e.via.opener.openNow(e.link.pool, w)
			return <-w.ready
		case <-timer.C:
			e.link.pool.giveUp(w, final)
			timer.Reset(long - brief)
		}
	}
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
	e.out.Error = e.resp.describe(e.link.pool.Secure) + e.via.opener.dialer.noteOnName(e.link.pool.Endpoint)
}

// noteFailure notes with the host why the call failed: text has no secrets.
func (e *exchange) noteFailure(text string) {
	if p := e.link.pool; p != nil {
		p.cond.Failures.Note(text, clock.NowMs(e.via.cfg.Clock))
	}
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
		err: err, phase: e.phase, timeout: e.call.Timeout, kept: e.keptFailed, again: e.sentAgain,
		cfg: &e.via.cfg, resp: &e.resp, cert: e.call.ClientCert,
	}
	if e.link.pool != nil {
		f.to = e.link.pool.Endpoint
	}
	e.out.Error = f.describe() + e.via.opener.dialer.noteOnName(f.to)
	if e.phase >= phaseBody {
		e.out.HTTPStatus = e.resp.head.status
	}
	if isUnreadable(err) {
		e.out.HTTPStatus = e.resp.finalStatus()
		e.out.Verdict = verdictOfUnreadable(e.out.HTTPStatus)
	}
}
