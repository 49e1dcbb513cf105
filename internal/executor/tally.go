package executor

import "net"

// tally counts the bytes that the kernel took of what was written to a
// connection: with TLS a write may fail with a part of a record gone.
type tally struct {
	net.Conn
	taken int64
}

// Write writes and counts.
func (t *tally) Write(b []byte) (int, error) {
	n, err := t.Conn.Write(b)
	t.taken += int64(n)
	return n, err
}
