package executor

import (
	"bufio"
	"errors"
	"net"
	"os"
)

// send has the request answered: on an idle connection or a new one, and on a
// new one if the idle one was closed before a byte of the request was written.
func (e *exchange) send(body []byte) error {
	e.conn, e.look = e.pool.take(e.call.Once, e.begun)
	if e.conn != nil {
		err := e.roundTrip(body)
		if err == nil {
			return nil
		}
		rested := e.begun.Sub(e.conn.lastUse)
		if e.phase <= phaseWait && !errors.Is(err, os.ErrDeadlineExceeded) {
			e.pool.sawClosed(rested)
		}
		if !mayWriteAgain(true, e.written, err) {
			e.keptFailed = e.phase <= phaseWait
			return err
		}
		e.releaseConn()
	}
	if err := e.connect(); err != nil {
		return err
	}
	e.look = false
	return e.roundTrip(body)
}

// roundTrip writes the request and reads the response on the connection.
func (e *exchange) roundTrip(body []byte) error {
	e.phase = phaseSend
	if err := e.conn.endBy(e.deadline, e.call.Timeout/1024); err != nil {
		return err
	}
	e.budget = e.readLimit()
	n, sendErr, err := e.ask(body)
	if errors.Is(sendErr, os.ErrDeadlineExceeded) {
		return sendErr
	}
	if e.look && e.written > 0 {
		e.pool.sawOpen()
	}
	if n == 0 {
		if sendErr != nil {
			err = sendErr
		}
		if !e.conn.used() {
			e.pool.noteFault(err)
		}
		return err
	}
	e.pool.dials.Answered()
	if sendErr == nil && e.isPlain(n) {
		e.phase = phaseDone
		e.reusable = true
		return nil
	}
	e.unread = e.first[:n]
	e.br = e.x.buffers.Get().(*bufio.Reader)
	e.br.Reset(e)
	e.phase = phaseHeader
	if err := e.readAnswer(e.br); err != nil {
		return err
	}
	e.phase = phaseDone
	e.keeps = keepAliveTimeout(e.resp.values[fieldKeep])
	e.reusable = e.reusable && sendErr == nil && e.resp.persists()
	return nil
}

// isPlain reports whether the n bytes that came first are the whole response and
// a plain success. It notes the status then.
func (e *exchange) isPlain(n int) bool {
	if e.call.Method == "HEAD" {
		return false
	}
	status, keeps := plainSuccess(e.first[:n], e.x.cfg.MaxResponseBytes)
	e.keeps = keeps
	if status == 0 {
		return false
	}
	e.resp.status = status
	return true
}

// ask sends the request and waits for the first bytes of the response. A target
// may answer and close before it has read the whole request: the answer counts,
// unless the connection is a kept one that took nothing of this request.
func (e *exchange) ask(body []byte) (n int, sendErr, err error) {
	if e.conn.raw != nil && len(body) <= maxInlineBody {
		var done bool
		if done, n, sendErr, err = e.askDuplex(body); done {
			return n, sendErr, err
		}
	} else {
		if e.look && !mayWriteTo(e.conn.probe.state(), e.call.Once) {
			return 0, errStale, nil
		}
		sendErr = e.write(body)
	}
	if errors.Is(sendErr, os.ErrDeadlineExceeded) || sendErr != nil &&
		mayWriteAgain(e.conn.used(), e.written, sendErr) {
		return 0, sendErr, nil
	}
	if sendErr == nil {
		e.phase = phaseWait
	}
	n, err = e.Read(e.first[:])
	return n, sendErr, err
}

// askDuplex is ask by way of a duplex. When it is not done, the request has gone
// out, or sendErr says why not, and the response is to be read.
func (e *exchange) askDuplex(body []byte) (done bool, n int, sendErr, err error) {
	head := len(e.head)
	e.head = append(e.head, body...)
	whole := e.head
	e.head = e.head[:head]
	var wrote int
	wrote, n, sendErr, err = e.duplex.exchange(e.conn.raw, whole, e.first[:], e.look)
	e.written += int64(wrote)
	if !e.look && e.conn.used() && errors.Is(err, os.ErrDeadlineExceeded) && e.conn.probe.ended() {
		e.pool.sawLingering()
	}
	switch {
	case wrote == len(whole):
		e.phase = phaseWait
		return true, n, nil, e.noteRead(n, err)
	case err != nil: // the deadline
		return true, 0, err, nil
	case sendErr == nil:
		wrote, sendErr = e.conn.Write(whole[wrote:])
		e.written += int64(wrote)
	}
	return false, 0, sendErr, nil
}

// write sends the request, and counts the bytes that the kernel took.
func (e *exchange) write(body []byte) error {
	var before int64
	if e.conn.tally != nil {
		before = e.conn.tally.taken
	}
	n, err := e.writeAll(body)
	if e.conn.tally != nil {
		n = e.conn.tally.taken - before
	}
	e.written += n
	return err
}

func (e *exchange) writeAll(body []byte) (int64, error) {
	if len(body) <= maxInlineBody {
		e.head = append(e.head, body...)
		n, err := e.conn.Write(e.head)
		e.head = e.head[:len(e.head)-len(body)]
		return int64(n), err
	}
	e.vector = [2][]byte{e.head, body}
	buffers := net.Buffers(e.vector[:])
	return buffers.WriteTo(e.conn.Conn) // one writev on a plain connection
}
