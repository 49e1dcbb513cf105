package front

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// clientConn is a connection of a client. net/http itself answers what never becomes a
// request for a handler: a head that cannot be read (400, 431, 501, 505), an expectation
// that is not known (417), and HTTP on a port for TLS. clientConn adds the id
// to those answers, and logs them. With TLS there is a second one above it, which sees
// the answers before they are encrypted.
type clientConn struct {
	net.Conn
	log *slog.Logger

	// handled is true from the start of a handler until its answer is written. What is
	// written then is never changed: it may hold anything.
	handled atomic.Bool
}

// Write implements net.Conn.
func (c *clientConn) Write(b []byte) (int, error) {
	if c.handled.Load() {
		return c.Conn.Write(b)
	}
	status, line := statusOf(b)
	if status < http.StatusOK {
		return c.Conn.Write(b)
	}
	id := rand.Text()
	c.log.LogAttrs(telemetry.WithRequestID(context.Background(), id), slog.LevelDebug, "request without a route",
		slog.Int(telemetry.KeyHTTPStatus, status), slog.String(telemetry.KeyAddr, c.RemoteAddr().String()))
	out := make([]byte, 0, len(b)+len(RequestIDHeader)+len(id)+len(": \r\n"))
	out = append(out, b[:line]...)
	out = append(out, RequestIDHeader+": "+id+"\r\n"...)
	if _, err := c.Conn.Write(append(out, b[line:]...)); err != nil {
		return 0, err // the connection ends: nobody asks how much was written
	}
	return len(b), nil
}

// statusOf returns the status of a response that begins with b, and the length of its
// first line; zero: no response begins there.
func statusOf(b []byte) (status, line int) {
	const version, digits = len("HTTP/1.1 "), 3
	if !bytes.HasPrefix(b, []byte("HTTP/1.")) {
		return 0, 0
	}
	end := bytes.Index(b, []byte("\r\n"))
	if end < version+digits {
		return 0, 0
	}
	status, err := strconv.Atoi(string(b[version : version+digits]))
	if err != nil {
		return 0, 0
	}
	return status, end + len("\r\n")
}

// CloseWrite ends the answer and leaves the connection open for what the client still
// sends: without it the client might lose the answer to a reset. net/http looks for it.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// setHandled tells a connection whether a handler has its request.
func setHandled(c net.Conn, handled bool) {
	if outer, ok := c.(interface{ below() net.Conn }); ok {
		c = outer.below()
	}
	if own, ok := c.(*clientConn); ok {
		own.handled.Store(handled)
	}
}
