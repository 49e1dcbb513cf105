package executor

import (
	"net"
	"sync/atomic"
	"time"
)

// tally counts the bytes that the kernel took of what was written to a
// connection: with TLS a write may fail with a part of a record gone.
type tally struct {
	net.Conn
	taken atomic.Int64   // TLS writes while it reads, too
	gate  *handshakeGate // is held, but while a read waits; nil: the handshake is over
	wait  time.Duration  // of the reads of the handshake

	arrived *probe // reads what has arrived and does not wait; nil: reads wait
}

// Write writes and counts.
func (t *tally) Write(b []byte) (int, error) {
	n, err := t.Conn.Write(b)
	t.taken.Add(int64(n))
	return n, err
}

// Read reads. In a handshake other handshakes compute while it waits for the network.
func (t *tally) Read(b []byte) (int, error) {
	if t.arrived != nil {
		return t.arrived.readArrived(b)
	}
	if t.gate == nil {
		return t.Conn.Read(b)
	}
	t.gate.leave()
	began := monotonic.Now()
	n, err := t.Conn.Read(b)
	t.wait += monotonic.Now().Sub(began)
	t.gate.enter()
	return n, err
}

// heldWrite is what is written together with the read that follows.
type heldWrite struct {
	b     []byte
	look  bool  // what has arrived is read before
	out   bool  // it was given to the kernel
	taken int64 // bytes that the kernel took
	err   error // why it took no more
}
