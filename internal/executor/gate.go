package executor

// handshakeGate bounds how many handshakes compute at the same time: see host.HandshakesAtATime.
type handshakeGate chan struct{}

func (g handshakeGate) enter() { g <- struct{}{} }
func (g handshakeGate) leave() { <-g }
