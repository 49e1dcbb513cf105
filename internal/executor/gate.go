package executor

import "sync/atomic"

// handshakeGate bounds how many handshakes compute at the same time: see host.HandshakesAtATime.
type handshakeGate struct {
	slots chan struct{}
	n     atomic.Int64 // that compute, or wait for that
}

func newHandshakeGate(most int) *handshakeGate {
	return &handshakeGate{slots: make(chan struct{}, most)}
}

func (g *handshakeGate) enter() {
	g.n.Add(1)
	g.slots <- struct{}{}
}

func (g *handshakeGate) leave() {
	<-g.slots
	g.n.Add(-1)
}

// computing returns how many handshakes need the processor.
func (g *handshakeGate) computing() int { return int(g.n.Load()) }
