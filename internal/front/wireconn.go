package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
)

// Serve answers requests until the server is closed, or one of the listeners fails: on
// port over TLS if it has a TLSConfig, on socket without. Either may be nil. It is
// [http.Server.Serve] and ServeTLS, with each request followed as it is read (framing.go).
func Serve(s *http.Server, port, socket net.Listener) error {
	inner := s.ConnContext
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if own, ok := c.(interface{ follows() *framing }); ok {
			ctx = withFraming(ctx, own.follows())
		}
		if inner != nil {
			ctx = inner(ctx, c)
		}
		return ctx
	}
	served := make(chan error, 2)
	if port != nil {
		go func() { served <- s.Serve(&wireListener{port, s, s.TLSConfig}) }()
	}
	if socket != nil {
		go func() { served <- s.Serve(&wireListener{socket, s, nil}) }()
	}
	return <-served
}

// wireListener makes the connections that are followed.
type wireListener struct {
	net.Listener

	server *http.Server
	tls    *tls.Config // nil: without TLS
}

// Accept implements net.Listener.
func (l *wireListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls == nil {
		return &wireConn{Conn: c}, nil
	}
	secure := tls.Server(c, l.tls)
	inner := net.Conn(secure)
	if own, ok := c.(*clientConn); ok { // below TLS it sees no answers
		inner = &clientConn{Conn: secure, log: own.log}
	}
	return &secureConn{wireConn{Conn: inner}, secure, l.server}, nil
}

// wireConn is a connection whose requests are followed.
type wireConn struct {
	net.Conn

	framing framing
	fault   error // of what was read; every read fails from then on
}

func (c *wireConn) follows() *framing { return &c.framing }
func (c *wireConn) below() net.Conn   { return c.Conn }

// Read implements net.Conn.
func (c *wireConn) Read(b []byte) (int, error) {
	if c.fault != nil {
		return 0, c.fault
	}
	n, err := c.Conn.Read(b)
	good, fault := c.framing.take(b[:n])
	switch {
	case fault == nil:
		return n, err
	case good > 0: // net/http answers a fault only once it has begun to read the request
		c.fault = fault
		return good, nil
	}
	return 0, fault
}

// CloseWrite lets net/http end an answer so that the client can still read it.
func (c *wireConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// secureConn is a wireConn over TLS. net/http makes the handshake of a *tls.Conn itself,
// and of no other type, so this one does.
type secureConn struct {
	wireConn

	tls    *tls.Conn
	server *http.Server
}

// NetConn returns the connection below TLS.
func (c *secureConn) NetConn() net.Conn { return c.tls.NetConn() }

// ConnectionState implements what net/http asks a connection before it reads from it: it
// makes the handshake first. After a failed one every read fails.
func (c *secureConn) ConnectionState() tls.ConnectionState {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.ReadHeaderTimeout)
	defer cancel()
	if err := c.tls.HandshakeContext(ctx); err != nil {
		c.refuse(err)
	}
	return c.tls.ConnectionState()
}

// beginsRequest has the first five bytes of requests of HTTP.
var beginsRequest = map[string]bool{"GET /": true, "HEAD ": true, "POST ": true, "PUT /": true, "PATCH": true,
	"DELET": true, "OPTIO": true}

// refuse ends a connection whose handshake has failed. A client that speaks plain HTTP is
// told so.
func (c *secureConn) refuse(err error) {
	plain, ok := errors.AsType[tls.RecordHeaderError](err)
	if ok && plain.Conn != nil && beginsRequest[string(plain.RecordHeader[:])] {
		_, _ = io.WriteString(plain.Conn,
			"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
	if c.server.ErrorLog != nil {
		c.server.ErrorLog.Printf("TLS handshake with %s: %v", c.RemoteAddr(), err)
	}
	_ = c.NetConn().Close()
}
