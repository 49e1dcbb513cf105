package executor

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Sizes of what a waiting call holds, besides its goroutine's stack and the
// connection itself. The buffer to parse the response with comes when that does. A longer request is sent from the
// caller's
// memory.
const (
	firstBytes       = 512 // hold most responses whole: one read
	headBufferBytes  = 1 << 10
	readBufferBytes  = 4 << 10 // not while it waits
	maxKeptHeadBytes = 8 << 10 // a longer buffer is not kept for the next call
	maxInlineBody    = 4 << 10 // a longer body is written without copying it
	// 1xx responses before the real one: one a second for a quarter of an hour; their bytes count too
	maxInterim = 1000

	// chunkOverhead times the body limit is what may be read of a body on the
	// wire: a chunk of one byte takes six. It bounds chunk extensions, which
	// are part of no body and have no length of their own.
	chunkOverhead = 6
)

// phase is how far an exchange has come. A timeout names it.
type phase int

const (
	phaseConnect phase = iota
	phaseHandshake
	phaseSend
	phaseWait // no byte of the response yet
	phaseHeader
	phaseBody
	phaseDone
)

// exchange is one request and its response, with the memory that they need. It
// is reused.
type exchange struct {
	x        *Executor
	call     *domain.Call
	out      *domain.Outcome
	pool     *pool
	conn     *conn // held while the exchange uses it
	look     bool  // see whether conn is open before the request is written to it
	begun    time.Time
	deadline time.Time

	phase      phase
	written    int64         // bytes of the request, over all connections
	bodyRead   int           // bytes of the response's body
	reusable   bool          // the connection can carry another request
	keptFailed bool          // a kept connection ended before a byte of the response
	keeps      time.Duration // the target says that it keeps the connection for so long; zero: nothing

	head     []byte    // the request; afterwards a place to read bodies into
	fallback [192]byte // the default body: 165 bytes at most
	idText   [36]byte  // the execution's id, to be signed
	names    []string
	vector   [2][]byte
	duplex   duplex
	first    [firstBytes]byte
	unread   []byte        // of first
	br       *bufio.Reader // reads through the exchange; nil while nothing has come
	budget   int           // bytes that may still be read
	resp     reply
	long     []byte // the start of a line that is longer than the buffer
	snippet  []byte // start of a failure's body
}

func newExchange() *exchange {
	return &exchange{head: make([]byte, 0, headBufferBytes)}
}

func (e *exchange) begin(x *Executor, call *domain.Call, out *domain.Outcome) {
	e.x, e.call, e.out = x, call, out
	e.phase, e.written, e.bodyRead, e.reusable = phaseConnect, 0, 0, false
	e.look, e.keeps, e.keptFailed = false, 0, false
	e.begun = monotonic.Now()
	e.deadline = e.begun.Add(call.Timeout)
}

// end gives back the connection and reports whether the exchange is fit to be
// used again.
func (e *exchange) end() bool {
	e.releaseConn()
	if e.br != nil {
		e.br.Reset(nil)
		e.x.buffers.Put(e.br)
		e.br, e.unread = nil, nil
	}
	fit := cap(e.head) <= maxKeptHeadBytes && !e.resp.bulky()
	e.x, e.call, e.out, e.pool = nil, nil, nil, nil
	e.vector, e.snippet = [2][]byte{}, nil
	clear(e.names)
	return fit
}

// releaseConn returns the connection to its host, or closes it.
func (e *exchange) releaseConn() {
	switch {
	case e.conn == nil:
	case e.reusable:
		e.pool.keep(e.conn, e.keeps)
	default:
		e.pool.discard(e.conn)
	}
	e.conn = nil
}

// recoverPanic turns a panic into an outcome: one odd answer of one target must not
// end the process. The exchange is not used again.
func (e *exchange) recoverPanic() {
	fault := recover()
	if fault == nil {
		return
	}
	if e.conn != nil {
		e.pool.discard(e.conn)
	}
	*e.out = domain.Outcome{
		Verdict:   domain.VerdictRetry,
		Error:     fmt.Sprintf("internal fault: %v", fault),
		MaybeSent: e.written > 0,
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
	if name := e.call.ClientCert; name != "" && e.x.sessions[name] == nil {
		e.refuse(fmt.Sprintf("this server has no client certificate named %q", name))
		return
	}
	to, err := e.x.route(p, e.call)
	if err != nil {
		e.fail(err)
		return
	}
	e.pool = to.pool
	body := e.body()
	head, refused := e.appendHead(e.head[:0], p.Path, to.header, body)
	e.head = head
	if refused != "" {
		e.refuse(refused)
		return
	}
	if err := e.send(body); err != nil {
		e.fail(err)
		return
	}
	e.report()
}

// body returns what to send.
func (e *exchange) body() []byte {
	switch {
	case hasOwnBody(e.call):
		return e.call.Body
	case bodyMethod(e.call.Method):
		return appendDefaultBody(e.fallback[:0], e.call)
	}
	return nil
}

// connect opens a new connection.
func (e *exchange) connect() error {
	e.phase = phaseConnect
	if err := e.pool.reserve(); err != nil {
		return err
	}
	defer func() {
		if e.conn == nil {
			e.pool.release()
		}
	}()
	if e.pool.dials.Begin() {
		e.awaitTurn()
	}
	if err := e.enter(); err != nil {
		return err
	}
	var err error
	e.conn, err = apart(e.open)
	return err
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
		panic(o.fault) // see rescue
	}
	return o.conn, o.err
}

// open dials and, where the target wants that, agrees on TLS.
func (e *exchange) open() (*conn, error) {
	raw, err := func() (net.Conn, error) {
		defer e.pool.dials.Leave() // even when a guard breaks
		return e.x.dialer.dial(e.deadline, e.pool)
	}()
	if err != nil {
		e.pool.noteFault(err)
		return nil, err
	}
	age := lifetime(e.x.cfg.MaxConnAge, rand.Float64())
	c := &conn{Conn: raw, pool: e.pool, raw: rawTCP(raw), probe: newProbe(raw), retires: monotonic.Now().Add(age)}
	if e.pool.tls != nil {
		c.raw, c.tally = nil, &tally{Conn: raw}
		e.phase = phaseHandshake
		if c.Conn, err = e.x.dialer.handshake(e.deadline, c.tally, e.pool.tls); err != nil {
			e.pool.noteFault(err)
			return nil, err
		}
	}
	return c, nil
}

// readLimit is how many bytes of a response may be read at all.
func (e *exchange) readLimit() int {
	return e.x.cfg.MaxHeaderBytes + chunkOverhead*e.x.cfg.MaxResponseBytes
}

// Read reads from the connection within the budget. The end of the connection
// is unexpected wherever a message has an end of its own; without this the
// parser would take it for the last chunk.
func (e *exchange) Read(p []byte) (int, error) {
	if len(e.unread) > 0 {
		n := copy(p, e.unread)
		e.unread = e.unread[n:]
		return n, nil
	}
	if e.budget <= 0 {
		return 0, errTooLong
	}
	n, err := e.conn.Read(p)
	return n, e.noteRead(n, err)
}

// noteRead takes what a read from the connection came to.
func (e *exchange) noteRead(n int, err error) error {
	e.budget -= n
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
